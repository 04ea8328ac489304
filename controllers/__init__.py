from . import complaint_form, confirmation, feedback, import_template, portal, procedure, said_done, survey, verdict, xlsx
