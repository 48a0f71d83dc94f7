"""Scores of codes against known factors: arrays in, named numbers out, no model in sight."""

from __future__ import annotations

from runner.metric.codes import Codes, Variable, stream
from runner.metric.registry import METRICS, compute

__all__ = ["METRICS", "Codes", "Variable", "compute", "stream"]
