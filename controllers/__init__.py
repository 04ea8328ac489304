from . import complaint_form, confirmation, feedback, import_template, portal, survey, verdict, xlsx
