from . import complaint_form, verdict, xlsx
