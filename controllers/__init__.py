from . import feedback, survey, verdict, xlsx
