"""Python processes that are started import nothing from the current folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import runner
from runner.store.subprocesses import safe_environment
from tests.hostile_folder import fill

HOME = str(Path(runner.__file__).parent.parent)


def executed(folder: Path, arguments: list[str], env: dict[str, str]) -> str:
    """Run Python in a hostile folder, and return which module of it was executed first."""
    trace = fill(folder, package="runner.cli" not in arguments)
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    return trace.read_text() if trace.exists() else ""


@pytest.mark.parametrize("imported", ["selectors", "json", "joblib", "runner.grid.worker", "wandb"])
def test_nothing_is_imported_from_the_current_folder(tmp_path: Path, imported: str):
    assert executed(tmp_path, ["-c", f"import {imported}"], safe_environment()) == ""


def test_without_it_python_does_import_from_there(tmp_path: Path):
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    assert executed(tmp_path, ["-c", "import selectors"], env) == "selectors"


def test_the_command_line_as_a_module_imports_from_its_own_place(tmp_path: Path):
    env = {k: v for k, v in os.environ.items() if k != "PYTHONSAFEPATH"} | {"PYTHONPATH": HOME}
    assert executed(tmp_path, ["-m", "runner.cli", "list", "launcher"], env) == ""


def test_the_package_is_found_where_this_process_found_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", [place for place in sys.path if place != HOME])
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert safe_environment()["PYTHONPATH"] == HOME
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    assert safe_environment()["PYTHONPATH"] == os.pathsep.join([HOME, "/elsewhere"])
    monkeypatch.setattr(sys, "path", [HOME])
    assert safe_environment()["PYTHONPATH"] == "/elsewhere"
