{
    'name': 'Qualiopi: floor of the benchmarks',
    'version': '19.0.1.0.0',
    'category': 'Hidden',
    'summary': "A bare model with chatter and activities, which the benchmarks compare with",
    'author': 'qualiopi contributors',
    'license': 'LGPL-3',
    'depends': ['event', 'portal'],
    'data': ['security/ir.model.access.csv', 'views/floor_templates.xml'],
}
