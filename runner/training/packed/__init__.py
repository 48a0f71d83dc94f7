"""Packed training: runs of one shape take their steps together, each as it would alone."""

from __future__ import annotations

from runner.training.packed.form import Form, best_form, is_faster
from runner.training.packed.key import pack_key
from runner.training.packed.member import Member
from runner.training.packed.pack import Pack, Reports, halves, train_pack
from runner.training.packed.turn import PackTooLargeError, Report

__all__ = [
    "Form",
    "Member",
    "Pack",
    "PackTooLargeError",
    "Report",
    "Reports",
    "best_form",
    "halves",
    "is_faster",
    "pack_key",
    "train_pack",
]
