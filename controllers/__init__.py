from . import complaint_form, confirmation, feedback, import_template, portal, procedure, survey, verdict, xlsx
