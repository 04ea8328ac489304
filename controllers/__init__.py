from . import complaint_form, confirmation, feedback, import_template, survey, verdict, xlsx
