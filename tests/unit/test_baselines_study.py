"""The program that puts every method's runs on a dataset into one table, from run folders."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from tests.unit.test_docs import beside, finished

__all__ = ["beside"]

Programs = Callable[..., ModuleType]


def made(folder: Path, method: str, reconstruction: float, **config: Any) -> Path:
    """A finished run of a method on sprites."""
    settings = {
        "dataset": {"name": "sprites"},
        "objective": {"name": method, "method": method},
        "prior": {"name": "code", "dimensions": 10},
        "steps": 5000,
    }
    summary = {"terms": {"reconstruction": reconstruction}}
    run = finished(folder, summary, **(settings | config))
    Image.new("L", (8, 4)).save(run / "figures" / "reconstructions.png")
    return run


def test_a_row_for_every_method(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for seed, error in enumerate((90.0, 92.0, 94.0)):
        made(tmp_path / f"p{seed}", "pca", error, seed=seed)
    made(tmp_path / "r0", "rbm", 120.0)
    beside("baselines", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["", "## What the codes say", ""]
    assert lines[3] == "| objective | variables | steps | seeds | reconstruction, nats |"
    assert [line.split(" | ")[1:] for line in lines[5:]] == [
        ["10", "5,000", "3", "92.0 ± 2.0 |"],
        ["10", "5,000", "1", "120.0 |"],
    ]
    page = tmp_path / "baselines_sprites.md"
    assert page.read_text().splitlines()[-len(lines) :] == lines
    rows = list(csv.DictReader((tmp_path / "baselines_sprites.csv").read_text().splitlines()))
    assert [row["terms/reconstruction"] for row in rows] == ["90.0", "92.0", "94.0", "120.0"]
    assert (tmp_path / "figures" / "baselines_sprites.png").is_file()
    page.write_text(
        page.read_text()
        .replace("## What the codes say", "## Old")
        .replace("<!--", "Read it.\n<!--")
    )
    beside("baselines", tmp_path)
    assert "Read it." in page.read_text()
    assert "## Old" not in page.read_text()


def test_lines_of_other_rows_stay_and_are_in_the_tables(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    first, second = tmp_path / "first", tmp_path / "second"
    for seed in range(2):
        made(first / f"p{seed}", "pca", 90.0 + seed, seed=seed)
    made(first / "r", "rbm", 120.0)
    beside("baselines", first)
    made(second / "g", "gan", 99.0, steps=700)
    made(second / "r", "rbm", 110.0)
    capsys.readouterr()
    beside("baselines", second)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[1:] for line in lines[5:]] == [
        ["10", "700", "1", "99.0 |"],
        ["10", "5,000", "2", "90.5 ± 0.7 |"],
        ["10", "5,000", "1", "110.0 |"],
    ]
    assert (tmp_path / "figures" / "baselines_sprites_gan_rbm.png").is_file()


def test_runs_on_two_datasets_are_refused(beside: Programs, tmp_path: Path):
    made(tmp_path / "a", "pca", 90.0)
    made(tmp_path / "b", "pca", 90.0, dataset={"name": "mnist"})
    with pytest.raises(SystemExit, match="error: runs on mnist and sprites"):
        beside("baselines", tmp_path)


def test_nothing_to_compare_is_one_line(beside: Programs, tmp_path: Path):
    with pytest.raises(SystemExit, match="error: "):
        beside("baselines", tmp_path / "none")
