"""What short runs compute is what they computed when ``frozen.json`` was written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.freeze import FROZEN, differences, run_all


@pytest.mark.slow
def test_short_runs_compute_what_they_did(tmp_path: Path):
    assert differences(json.loads(FROZEN.read_text()), run_all(tmp_path)) == []


@pytest.mark.parametrize("machine", ["this", "another"])
def test_what_differs_is_named(monkeypatch: pytest.MonkeyPatch, machine: str):
    monkeypatch.setattr("tests.golden.freeze.machine", lambda: "this")
    results = {"run": {"summary": '{"elbo": -2.0}', "parameters": "0"}}
    digests = {"run": {"summary": "0", "parameters": "0", "records": "0"}}
    frozen = {"machine": machine, "digests": digests, "figures": {"run/summary/elbo": -1.0}}
    wanted = {
        "this": ["run: parameters", "run: records", "run: summary"],
        "another": ["run/summary/elbo: -2.0 where it was -1.0"],
    }
    assert differences(frozen, results) == wanted[machine]
