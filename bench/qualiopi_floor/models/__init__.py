from . import qualiopi_floor
