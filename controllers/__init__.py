from . import verdict, xlsx
