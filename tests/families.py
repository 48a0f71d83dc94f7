"""Which objectives are weighted sums of terms, and which are other methods."""

from __future__ import annotations

import yaml

from runner.commands.list import choices
from runner.config import data_root


def method_of(objective: str) -> str:
    """Return the method that a file of ``conf/objective`` names."""
    text = (data_root() / "conf" / "objective" / f"{objective}.yaml").read_text()
    return yaml.safe_load(text)["objective"].get("method", "vae")


SUMS = tuple(c.name for c in choices("objective") if method_of(c.name) == "vae")
"""Objectives of the family."""

OTHERS = tuple(c.name for c in choices("objective") if method_of(c.name) != "vae")
"""Objectives of other methods."""
