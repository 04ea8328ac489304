"""Readiness rules: one small class each (domain.md, section 5)."""

from . import rules_2_12_33, rules_30, rules_31, rules_32
from .rule import RULES, Rule
from .situation import Situation

__all__ = ['RULES', 'Rule', 'Situation', 'rules_2_12_33', 'rules_30', 'rules_31', 'rules_32']
