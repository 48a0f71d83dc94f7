"""Names of what is measured."""

from __future__ import annotations

TERM_WORDS = {
    "reconstruction": "reconstruction",
    "index_code_mi": "index-code MI",
    "group_total_correlation": "total correlation between groups",
    "within_group_total_correlation": "total correlation within groups",
    "dimension_wise_kl": "dimension-wise KL",
}
"""The five terms as a person would say them."""
