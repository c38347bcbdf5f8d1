"""Compressed features against noisy labels: nested dropout, co-teaching, and the decomposition of their risk."""

from theory.compression.bias_variance import RiskDecomposition, bias_variance_decomposition
from theory.compression.co_teaching import CoTeachingShift, Selection, co_taught, co_teaching_select, co_teaching_shift
from theory.compression.nested_dropout import NestedDropout, keep_first, nested_dropout_pmf

__all__ = [
    "CoTeachingShift",
    "NestedDropout",
    "RiskDecomposition",
    "Selection",
    "bias_variance_decomposition",
    "co_taught",
    "co_teaching_select",
    "co_teaching_shift",
    "keep_first",
    "nested_dropout_pmf",
]
