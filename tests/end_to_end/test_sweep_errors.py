"""Grids that are asked for wrongly: one line, at once, and nothing is written or executed."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from tests.end_to_end.conftest import Vaerun

FILES = {
    "unknown.yaml": "parameters: {betaa: {values: [1, 2]}}",
    "nested.yaml": "parameters: {prior: {parameters: {dimm: {values: [2, 3]}}}}",
    "value.yaml": "parameters: {beta: {values: [1, abc]}, dataset: {value: digits}}",
    "huge.yaml": "parameters: {seed: {min: 0, max: 9999}, beta: {min: 0, max: 9999}, "
    "gamma: {min: 0, max: 9999}}",
}

CASES = [
    (["sweep=unknown.yaml"], "unknown.yaml: unknown setting 'betaa'", "did you mean 'beta'?"),
    (["sweep=nested.yaml"], "nested.yaml: unknown setting 'prior.dimm'", None),
    (["sweep=value.yaml"], "value.yaml: beta", None),
    (["sweep=value.yaml", "betta=3"], "unknown setting 'betta'", "did you mean 'beta'?"),
    (["sweep=huge.yaml"], "has 1,000,000,000,000 runs; a grid has at most 100,000", None),
    (["sweep=pipe.yaml"], "'pipe.yaml' is not a file", None),
    (["sweep=smoke", "seed=range(0,1000000000000)"], "more than 100,000 values", None),
    (["sweep=smoke", "only=1-10000000000000"], "there is no run 4", "the grid has 0 to 3"),
    (["sweep=smoke", "only=3-1"], "only=3-1: 3-1 runs backwards", None),
    (["sweep=smoke", "only=a"], "cannot read only=a", "only=3,7-9"),
    (["sweep=smoke", "sweep_name=../../x"], "sweep_name=../../x: a name has letters", None),
    (["-m", "seed=0,1", "sweep_name=/x"], "sweep_name=/x: a name has letters", None),
    (["-m", "seed=0,1", "sweep_name="], "sweep_name=: a name has letters", None),
    (["-m", "seed=0,1", "sweep_name=a\nb"], r"sweep_name='a\nb': a name has letters", None),
    (["sweep_name=.."], "sweep_name=..: a name has letters", None),
    (["sweep=smoke", "launcher=slrum"], "unknown launcher 'slrum'", "did you mean 'slurm'?"),
    (["sweep=smoke", "launcher=slurm"], "launcher=slurm needs sbatch", None),
    (["--experimental-rerun=rerun.pickle"], "--experimental-rerun has no use here", None),
    (["--experimental-rerun", "rerun.pickle"], "--experimental-rerun has no use here", None),
    (["--experimental-r", "rerun.pickle"], "no option '--experimental-r'", None),
    (["sweep=smoke", "--experimental-rerun=rerun.pickle"], "--experimental-rerun has no", None),
    (["+hydra.callbacks.a._target_=os.abort"], "'hydra.callbacks.a._target_' is not", None),
    (["sweep=smoke", "hydra.job_logging={}"], "'hydra.job_logging' is not used here", None),
    (["hydra.searchpath=[pkg://antigravity]"], "a setting does not name code", None),
]


class Opened:
    """Leaves a file when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("opened",)


@pytest.mark.parametrize(("arguments", "message", "hint"), CASES, ids=lambda v: str(v)[:50])
def test_a_wrong_grid_is_refused_in_one_line_and_nothing_is_written(
    vaerun: Vaerun, tmp_path: Path, arguments: list[str], message: str, hint: str | None
):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "rerun.pickle").write_bytes(pickle.dumps(Opened()))
    os.mkfifo(tmp_path / "pipe.yaml")
    before = sorted(tmp_path.rglob("*"))
    done = vaerun(*arguments, PATH="/nonexistent")
    assert done.returncode == 2, done.stderr
    error, *rest = done.stderr.splitlines()
    assert error.startswith("error: ")
    assert message in error
    assert len(rest) <= 1
    assert hint is None or hint in rest[0]
    assert not {path.name for path in set(tmp_path.rglob("*")) - set(before)} - {
        ".cache",
        ".config",
    }


def test_hydra_s_settings_in_an_experiment_execute_nothing(vaerun: Vaerun, tmp_path: Path):
    (tmp_path / "own" / "experiment").mkdir(parents=True)
    (tmp_path / "own" / "experiment" / "odd.yaml").write_text(
        "# @package _global_\nhydra: {callbacks: {a: {_target_: os.mkdir, path: opened}},\n"
        "  job_logging: {version: 1, handlers: {x: {(): os.mkdir, path: opened}}}}\n"
    )
    given = ("--config-dir", "own", "experiment=odd", "dataset=digits", "steps=2", "metrics=none")
    for arguments in (given, ("--cfg", "all", *given), ("-m", *given, "seed=0,1")):
        vaerun(*arguments)
        assert not (tmp_path / "opened").exists()
        assert not list(tmp_path.rglob("opened"))
