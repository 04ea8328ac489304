from . import import_template, verdict, xlsx
from . import complaint_form, verdict, xlsx
