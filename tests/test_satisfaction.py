from odoo.tests import tagged

from .common import QualiopiCase


@tagged('post_install', '-at_install')
class TestSatisfaction(QualiopiCase):

    def test_x(self):
        pass
