{
    'name': 'Qualiopi',
    'version': '19.0.1.0.0',
    'category': 'Services/Quality',
    'summary': "Complaints, findings, improvement actions and audit reports for French training providers",
    'author': 'qualiopi contributors',
    'license': 'LGPL-3',
    'depends': [
        'event',
        'portal',
        'resource',
    ],
    'data': [
        'security/qualiopi_groups.xml',
        'security/ir.model.access.csv',
        'security/qualiopi_security.xml',
    ],
    'application': True,
}
