"""The notebook of ``examples/`` runs from its first cell to its last."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_notebook_of_the_first_steps_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own, about its folders and event loops
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(ROOT / "examples" / "first_steps.ipynb", as_version=4)
        assert all(not cell.get("outputs") for cell in notebook.cells)  # kept without
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *_path()]))
        monkeypatch.delenv("MPLBACKEND", raising=False)
        resources = {"metadata": {"path": str(tmp_path)}}
        NotebookClient(notebook, timeout=300, kernel_name="python3", resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output for output in outputs if output.output_type == "stream"] == []  # quiet
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4
    last = outputs[-1]["data"]["text/plain"]
    assert last == "[1, 4]"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["outputs"]


def _path() -> list[str]:
    return [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
