from . import feedback_demo
