from . import event_event, qualiopi_floor
