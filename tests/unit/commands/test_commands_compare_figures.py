"""The figures of ``vaerun compare``: their formats, and what they say of themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from runner.commands.arguments import read
from runner.commands.compare import run
from runner.commands.compare_figures import look_of
from runner.commands.manual import COMPARE
from runner.errors import UsageError
from tests.made_run_folders import write_grid
from tests.snapshot import snapshot


def pictures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "comparison" / "figures").iterdir()}


def test_figures_come_in_the_formats_asked_for_and_older_ones_go(tmp_path: Path):
    write_grid(tmp_path, seeds=1)
    assert run(read(COMPARE, [str(tmp_path)])) == 0
    drawn = {name.removesuffix(".png") for name in pictures(tmp_path)}
    assert "rate_distortion" in drawn
    assert run(read(COMPARE, [str(tmp_path), "--format", "pdf,svg", "--width", "6.9"])) == 0
    assert pictures(tmp_path) == {f"{name}.{form}" for name in drawn for form in ("pdf", "svg")}
    page = (tmp_path / "comparison" / "comparison.html").read_text()
    assert page.count("data:image/png;base64,") == len(drawn)


def test_metadata_names_runs_and_command_and_no_path(tmp_path: Path):
    write_grid(tmp_path / "a_grid", seeds=2)
    arguments = [str(tmp_path / "a_grid"), "--by", "beta", "--out", str(tmp_path / "there")]
    assert run(read(COMPARE, arguments)) == 0
    with Image.open(tmp_path / "there" / "figures" / "rate_distortion.png") as picture:
        told = picture.info
    assert told["Title"] == "rate distortion of a comparison of 8 runs"
    assert "objective=beta_vae,hfvae" in told["Description"]
    assert told["Comment"] == "vaerun compare a_grid --by beta"
    assert str(tmp_path) not in "".join(map(str, told.values()))


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--format", "gif", "--format must be one or several of png, pdf, svg, got 'gif'"),
        ("--width", "wide", "--width must be a number of inches, got 'wide'"),
        ("--width", "50", "--width must be between 3 and 20 inches, got 50.0"),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_changes_nothing(
    tmp_path: Path, option: str, value: str, message: str
):
    write_grid(tmp_path, seeds=1)
    before = snapshot(tmp_path)
    with pytest.raises(UsageError) as refused:
        run(read(COMPARE, [str(tmp_path), option, value]))
    assert refused.value.message == message
    assert snapshot(tmp_path) == before


def test_a_look_has_the_names_of_folders_alone():
    look = look_of(read(COMPARE, ["/home/somebody/grid", "--metric", "elbo,mig", "--trust"]))
    assert look.command == "vaerun compare grid --metric elbo,mig"
