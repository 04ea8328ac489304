from . import (
    audit_link,
    complaint_form,
    confirmation,
    evidence_file,
    feedback,
    import_template,
    portal,
    procedure,
    said_done,
    survey,
    verdict,
    xlsx,
)
