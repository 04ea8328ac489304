from . import import_template, verdict, xlsx
