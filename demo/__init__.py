from . import feedback_demo, register_demo
