"""Scores of codes given their factors, and the table of all quantities; independent of PyTorch."""

from __future__ import annotations

from runner.metric.codes import Codes, Variable, stream
from runner.metric.registry import METRICS, compute

__all__ = ["METRICS", "Codes", "Variable", "compute", "stream"]
