"""Steps are compiled where it is measured to save time, which is measured once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from runner.errors import UsageError
from runner.runs import compile_choice
from runner.runs.compile_choice import choose_compile
from runner.runs.preparation import PreparedRun, prepared
from runner.runs.train import start
from runner.store.run_folder import RunFolder
from runner.training import CompilerError, Trial
from tests.unit.runs.conftest import Settings

GAINS = Trial(plain=0.1, compiled=0.06, cost=20.0, cost_again=3.0)


@pytest.fixture
def run(small: Settings, tmp_path: Path) -> PreparedRun:
    made = prepared(small("training.compile=auto", "steps=10000"), RunFolder(tmp_path / "run"))
    return replace(made, steps=10_000)


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[int]]:
    """``trials(result)`` makes a trial end so, and returns the list that each one adds to."""

    def trials(result: Trial | Exception, seconds: float = 0.1) -> list[int]:
        made: list[int] = []

        def trial(*parts: object) -> Trial:
            made.append(1)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setattr(compile_choice, "try_compiler", trial)
        monkeypatch.setattr(compile_choice, "seconds_of_a_step", lambda *_: seconds)
        monkeypatch.setattr(compile_choice, "missing_compiler", lambda _: None)
        return made

    return trials


def test_a_long_run_is_compiled_where_that_saves_time(
    run: PreparedRun, trials: Callable[..., list[int]]
):
    made = trials(GAINS)
    chosen = choose_compile(run)
    assert chosen.config.training.compile is True
    assert chosen.compile_line == (
        "yes, 0.6 s instead of 1 s per 10 steps, saves about 7 min, after a trial of 23 s"
    )
    again = choose_compile(run)
    assert again.compile_line == "yes, 0.6 s instead of 1 s per 10 steps, saves about 7 min"
    assert len(made) == 1


def test_it_is_not_where_it_would_save_nothing(run: PreparedRun, trials: Callable[..., list[int]]):
    trials(Trial(plain=0.1, compiled=0.0999, cost=20.0, cost_again=3.0))
    chosen = choose_compile(run)
    assert chosen.config.training.compile is False
    assert chosen.compile_line is not None
    assert chosen.compile_line.startswith("no, 0.999 s instead of 1 s per 10 steps")


def test_a_short_run_tries_nothing(run: PreparedRun, trials: Callable[..., list[int]]):
    made = trials(GAINS, seconds=0.01)
    chosen = choose_compile(run)
    assert chosen.config.training.compile is False
    assert chosen.compile_line is None
    assert not made


def test_a_compiler_that_fails_is_tried_once(run: PreparedRun, trials: Callable[..., list[int]]):
    made = trials(CompilerError("no such instruction"))
    lines = {choose_compile(run).compile_line for _ in range(2)}
    assert lines == {"no, the compiler failed: no such instruction"}
    assert len(made) == 1


def test_a_measurement_that_cannot_be_read_is_made_anew(
    run: PreparedRun, trials: Callable[..., list[int]], tmp_path: Path
):
    made = trials(GAINS)
    choose_compile(run)
    (kept,) = (tmp_path / "cache/vaerun/compile").glob("*.json")
    kept.write_text("{")
    assert choose_compile(run).config.training.compile is True
    assert len(made) == 2


def test_another_batch_size_is_another_measurement(
    run: PreparedRun, trials: Callable[..., list[int]]
):
    made = trials(GAINS)
    choose_compile(run)
    choose_compile(replace(run, config=replace(run.config, batch_size=64)))
    assert len(made) == 2


def test_what_is_asked_for_is_not_tried(run: PreparedRun, trials: Callable[..., list[int]]):
    made = trials(GAINS)
    for asked in (True, False):
        training = replace(run.config.training, compile=asked)
        given = replace(run, config=replace(run.config, training=training))
        assert choose_compile(given) is given
    assert not made


def test_compiling_without_a_compiler_is_refused(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("CXX", "/nowhere/c++")
    with pytest.raises(UsageError, match=r"needs a C\+\+ compiler, and there"):
        start(small("training.compile=true"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_was_chosen_is_a_setting_of_the_run(finished: Path):
    settings = yaml.safe_load((finished / "config.yaml").read_text())
    assert settings["training"]["compile"] is False
