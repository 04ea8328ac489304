from . import confirmation, import_template, verdict, xlsx
