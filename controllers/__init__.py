from . import import_template, verdict, xlsx
from . import complaint_form, verdict, xlsx
from . import feedback, survey, verdict, xlsx
from . import confirmation, import_template, verdict, xlsx
from . import procedure
from . import complaint_form, confirmation, feedback, import_template, portal, survey, verdict, xlsx
