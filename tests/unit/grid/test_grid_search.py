"""The runs of a search: their settings, what the study is told, and what survives a kill."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend
from rich.console import Console

import runner.runs.train
from runner.config import LocalLauncherConfig, RunConfig
from runner.console.signals import Interrupt
from runner.errors import DataError, DivergedError, PrunedRun, UsageError
from runner.grid import GridFolder, RunState, work
from runner.grid.search import (
    Outcome,
    Trials,
    check_metric,
    exit_code,
    outcomes,
    print_search,
    require_optuna,
)
from runner.grid.search.objective import value_of
from runner.grid.search.study import Study
from runner.grid.search_figure import draw_search
from runner.grid.search_plan import print_search_plan
from runner.grid.space import Hyperband, Metric, Parameter, Search
from runner.store.records import append
from runner.store.run_folder import RunFolder

SEARCH = Search(
    method="random",
    parameters=(
        Parameter("dataset", "constant", ("digits",)),
        Parameter("beta", "log_uniform_values", min=0.5, max=8),
        Parameter("objective", "categorical", ("beta_vae", "hfvae")),
        Parameter("prior.dimensions", "q_normal", mu=8, sigma=1, q=2),
    ),
    metric=Metric("elbo", "maximize"),
    trials=6,
)


def begun(path: Path, search: Search = SEARCH) -> tuple[GridFolder, Trials]:
    grid = GridFolder.register_search(path / "sweep-s", "s", search)
    return grid, Trials(grid.path, search)


def end(grid: GridFolder, number: int, state: str = "finished", elbo: float | None = -1.0) -> None:
    path = grid.run_path(number)
    path.mkdir(exist_ok=True)
    (path / "status.json").write_text(json.dumps({"state": state, "seconds": 2}))
    if state == "finished":
        (path / "summary.json").write_text(json.dumps({"elbo": elbo}))


def told(grid: GridFolder) -> list[tuple[int, str, float | None]]:
    """What Optuna itself reads in the file: run, state and value of each trial."""
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(grid.path / "study.jsonl")))
    study = optuna.load_study(study_name="search", storage=storage)
    return [(t.user_attrs["run"], t.state.name, t.value) for t in study.trials]


def test_settings_are_drawn_in_order_and_kept(tmp_path: Path):
    grid, trials = begun(tmp_path)
    third = trials.begin(2)
    assert len(third.runs) == 3  # those before it have theirs, too
    assert trials.begin(0).runs == third.runs
    assert GridFolder.open(grid.path) == third
    assert third.is_own
    assert all(run[0] == "dataset=digits" for run in third.runs)
    assert len({run[1] for run in third.runs}) == 3
    assert told(third) == [(n, "RUNNING", None) for n in range(3)]


def test_a_random_search_is_the_same_whoever_draws_it(tmp_path: Path):
    _, trials = begun(tmp_path / "one")
    whole = trials.begin(4).runs
    grid, _ = begun(tmp_path / "other")
    for number in (1, 0, 4):
        by_another_process = Trials(grid.path, SEARCH)
        runs = by_another_process.begin(number).runs
        end(grid, number)
    assert runs == whole
    other_seed = replace_search(seed=1)
    _, trials = begun(tmp_path / "third", other_seed)
    assert trials.begin(4).runs != whole


def replace_search(**changes: Any) -> Search:
    return Search(**{name: getattr(SEARCH, name) for name in SEARCH.__struct_fields__} | changes)


def test_bayes_goes_where_the_metric_is_better(tmp_path: Path):
    search = replace_search(
        method="bayes", startup=5, parameters=(Parameter("beta", "uniform", min=0, max=10),)
    )
    grid, trials = begun(tmp_path, search)
    for number in range(30):
        grid = trials.begin(number)
        beta = float(grid.runs[number][0].partition("=")[2])
        end(grid, number, elbo=-((beta - 7) ** 2))
        trials.end()
    late = [float(run[0].partition("=")[2]) for run in grid.runs[20:]]
    assert sum(abs(beta - 7) < 1.5 for beta in late) >= 5  # of draws at random, 3


def test_the_study_is_told_how_runs_ended(tmp_path: Path):
    grid, trials = begun(tmp_path)
    grid = trials.begin(5)
    end(grid, 0, elbo=-3.0)
    end(grid, 1, "failed")
    end(grid, 2, "diverged")
    end(grid, 3, "pruned")
    end(grid, 4, elbo=None)
    end(grid, 5, "interrupted")
    trials.end()
    expected = [
        (0, "COMPLETE", -3.0), (1, "FAIL", None), (2, "PRUNED", None), (3, "PRUNED", None),
        (4, "FAIL", None), (5, "RUNNING", None),
    ]  # fmt: skip
    assert told(grid) == expected
    trials.end()
    assert told(grid) == expected


def test_a_run_that_is_tried_again_counts_once(tmp_path: Path):
    grid, trials = begun(tmp_path)
    grid = trials.begin(0)
    end(grid, 0, "failed")
    trials.end()
    assert grid.pending(0)
    assert trials.begin(0).runs == grid.runs
    end(grid, 0, elbo=-2.0)
    trials.end()
    assert told(grid) == [(0, "FAIL", None), (0, "COMPLETE", -2.0)]
    with_next = trials.begin(1)
    assert len(with_next.runs) == 2


def test_a_study_that_was_deleted_is_made_again_from_the_folders(tmp_path: Path):
    grid, trials = begun(tmp_path)
    grid = trials.begin(2)
    end(grid, 0)
    trials.end()
    (grid.path / "study.jsonl").unlink()
    Trials(grid.path, SEARCH).end()
    assert [(run, state) for run, state, _ in told(grid)] == [
        (0, "COMPLETE"), (1, "RUNNING"), (2, "RUNNING"),
    ]  # fmt: skip


def test_a_kill_between_two_writes_loses_nothing(tmp_path: Path):
    """Whatever has reached ``study.jsonl``, down to half a line, the search goes on the same."""
    grid, trials = begun(tmp_path)
    grid = trials.begin(1)
    end(grid, 0)
    trials.end()
    whole, expected = (grid.path / "study.jsonl").read_bytes(), told(grid)
    ends = [place + 1 for place, byte in enumerate(whole) if byte == ord("\n")]
    for size in {0, *ends, *(place - 7 for place in ends)}:
        (grid.path / "study.jsonl").write_bytes(whole[:size])
        again = Trials(grid.path, SEARCH)
        assert again.begin(1).runs == grid.runs
        assert told(grid) == expected, size


@pytest.mark.parametrize("text", [
    "nonsense\n", '{"op_code": 99, "worker_id": "a"}\n', '{"op_code": 4}\n', "[1]\n",
    "[" * 99999 + "\n",
    '{"op_code": 0, "worker_id": "x", "study_name": "search", "directions": [7]}\n',
])  # fmt: skip
def test_a_corrupt_study_is_named_in_one_line(tmp_path: Path, text: str):
    grid, trials = begun(tmp_path)
    (grid.path / "study.jsonl").write_text(text)
    with pytest.raises(DataError, match=r"study.jsonl' is corrupt") as refused:
        trials.begin(0)
    assert "\n" not in refused.value.message
    assert "delete it" in str(refused.value.hint)


def test_a_study_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path):
    grid, trials = begun(tmp_path)
    (tmp_path / "theirs").write_text("")
    (grid.path / "study.jsonl").symlink_to(tmp_path / "theirs")
    with pytest.raises(UsageError, match="is a link out of"):
        trials.begin(0)
    assert (tmp_path / "theirs").read_text() == ""


@pytest.mark.parametrize("change", [
    {"moved": []}, {"moved": [[1], [2]]}, {"search": {"method": "random"}},
    {"moved": [[99.0, "hfvae", 0.5]] * 2}, {"moved": [[1.0, "xx", 0.5]] * 2},
])  # fmt: skip
def test_a_grid_whose_runs_are_not_of_its_search_is_corrupt(tmp_path: Path, change: dict[str, Any]):
    grid, trials = begun(tmp_path)
    grid = trials.begin(1)
    content = json.loads((grid.path / "grid.json").read_text())
    (grid.path / "grid.json").write_text(json.dumps(content | change))
    (grid.path / "study.jsonl").unlink()
    with pytest.raises(DataError, match=r"grid.json' is corrupt"):
        Trials(grid.path, SEARCH).begin(1)


def test_another_search_or_a_grid_is_refused(tmp_path: Path):
    grid, _ = begun(tmp_path)
    longer = replace_search(trials=9)
    assert GridFolder.register_search(grid.path, "s", longer).search == longer
    other = replace_search(parameters=(Parameter("beta", "uniform", min=1, max=2),))
    with pytest.raises(UsageError, match="holds another search: ") as refused:
        GridFolder.searching(grid.path, "s", other)
    assert "beta log_uniform_values 0.5 8 there, uniform 1 2 here" in refused.value.message
    with pytest.raises(UsageError, match="holds a search, not a grid"):
        GridFolder.numbered(grid.path, "s", [("beta=1",)])
    plain, _ = GridFolder.register(tmp_path / "grid", None, [("beta=1",)])
    with pytest.raises(UsageError, match="holds a grid, not a search"):
        GridFolder.searching(plain.path, None, SEARCH)


@pytest.mark.parametrize("run", [
    ["dataset=digits", "beta=1.0", "objective=hfvae", "prior.dimensions=8", "name=${oc.env:HOME}"],
    ["dataset=digits", "beta=1.0", "objective=${oc.env:HOME}", "prior.dimensions=8"],
])  # fmt: skip
def test_a_stranger_s_runs_are_those_of_the_search(tmp_path: Path, run: list[str]):
    """A folder that someone else has made cannot put settings of its own into a user's search."""
    grid, trials = begun(tmp_path)
    trials.begin(0)
    content = json.loads((grid.path / "grid.json").read_text())
    objective = run[2].partition("=")[2]
    content |= {"runs": [run], "moved": [[1.0, objective, 0.5]]}
    (grid.path / "grid.json").write_text(json.dumps(content))
    with pytest.raises(UsageError, match="not known as yours, and has runs that are not of"):
        GridFolder.searching(grid.path, "s", SEARCH)
    mended = [*run[:2], "objective=hfvae", run[3]]
    content |= {"runs": [mended], "moved": [[1.0, "hfvae", 0.5]]}
    (grid.path / "grid.json").write_text(json.dumps(content))
    assert len(GridFolder.searching(grid.path, "s", SEARCH).runs) == 1


def test_no_run_is_begun_once_one_has_reached_the_target(tmp_path: Path):
    search = replace_search(metric=Metric("elbo", "maximize", -5))
    grid, trials = begun(tmp_path, search)
    grid = trials.begin(1)
    end(grid, 0, elbo=-6)
    assert not trials.is_over(2)
    end(grid, 0, elbo=-5)
    assert trials.is_over(2)
    assert not trials.is_over(1)  # it has begun


Train = Callable[[RunConfig, Path, Callable[[Mapping[str, float | None]], bool] | None], None]


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Callable[[Train], None]:
    """Replace the training of a run."""
    monkeypatch.setattr(Interrupt, "last", None)

    def put(train: Train) -> None:
        def start(config: RunConfig, path: Path, unresolved: str, goes_on: Any) -> None:
            path.mkdir(exist_ok=True)
            train(config, path, goes_on)

        monkeypatch.setattr(runner.runs.train, "start", start)

    return put


def test_a_worker_trains_runs_as_their_settings_are_chosen(
    tmp_path: Path, training: Callable[[Train], None], capfd: pytest.CaptureFixture[str]
):
    names: list[str] = []

    def train(config: RunConfig, path: Path, _: object) -> None:
        names.append(config.name)
        if config.beta > 4:
            raise DivergedError("the loss is no longer a number")
        (path / "status.json").write_text('{"state": "finished"}')
        (path / "summary.json").write_text(json.dumps({"elbo": -config.beta}))

    training(train)
    grid, _ = begun(tmp_path)
    with capfd.disabled():
        work(grid.path, tuple(range(6)), (), lambda _: True)
    grid = GridFolder.open(grid.path)
    values = [value for _, _, value in told(grid)]
    betas = [float(run[1].partition("=")[2]) for run in grid.runs]
    assert values == [None if beta > 4 else -beta for beta in betas]
    assert "beta=" in names[0]
    assert "prior.dimensions=" in names[0]


def test_runs_that_fall_behind_are_pruned(tmp_path: Path, training: Callable[[Train], None]):
    """Of runs whose loss is their number, all but the first two stop at a band."""
    search = replace_search(
        metric=Metric("validation/loss"), early_terminate=Hyperband(min_iter=2, eta=2)
    )
    trained: dict[int, int] = {}

    def train(config: RunConfig, path: Path, goes_on: Any) -> None:
        number = int(path.name)
        for step in range(1, 7):
            record = {"step": 10 * step, "loss": 9.0}
            if step % 2 == 0:
                record["validation/loss"] = number
            append(path / "metrics.jsonl", record)
            trained[number] = step
            if not goes_on(record):
                (path / "status.json").write_text('{"state": "pruned"}')
                raise PrunedRun("pruned")
        (path / "status.json").write_text('{"state": "finished"}')

    training(train)
    grid, _ = begun(tmp_path, search)
    work(grid.path, (0, 1, 2, 3), (), lambda _: True)
    states = [state for _, state, _ in told(grid)]
    assert states == ["COMPLETE", "COMPLETE", "PRUNED", "PRUNED"]
    assert trained == {0: 6, 1: 6, 2: 4, 3: 4}
    assert [value for _, _, value in told(grid)][:2] == [0.0, 1.0]


def test_a_run_that_goes_on_counts_the_records_before(tmp_path: Path):
    search = replace_search(metric=Metric("loss"), early_terminate=Hyperband(min_iter=3))
    grid, trials = begun(tmp_path, search)
    grid = trials.begin(1)
    for number, value in ((0, 1.0), (1, 5.0)):
        grid.run_path(number).mkdir()
        for step in (1, 2, 3):
            append(grid.run_path(number) / "metrics.jsonl", {"step": step, "loss": value})
    first = trials.watch(0)
    assert first is not None
    assert first({"step": 3, "loss": 1.0})
    after_a_kill = Trials(grid.path, search).watch(1)
    assert after_a_kill is not None
    assert not after_a_kill({"step": 3, "loss": 5.0})


def _share(path: str, count: int) -> None:
    search = replace(GridFolder.open(Path(path))).search
    assert search is not None
    trials = Trials(Path(path), search)
    for number in range(count):
        grid = trials.begin(number)
        end(grid, number, elbo=-float(number))
        trials.end()


def test_processes_share_a_study(tmp_path: Path):
    grid, _ = begun(tmp_path)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_share, args=(str(grid.path), 6)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert told(grid) == [(n, "COMPLETE", -float(n)) for n in range(6)]
    shutil.rmtree(grid.path)


def test_the_study_of_a_folder_is_not_pickled(tmp_path: Path):
    grid, trials = begun(tmp_path)
    trials.begin(3)
    lines = (grid.path / "study.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert Study(grid, SEARCH).values_at(1) == []


def test_the_metric_is_where_wandb_shows_it(tmp_path: Path):
    folder = RunFolder(tmp_path)
    (tmp_path / "summary.json").write_text('{"elbo": -3.5, "terms": {"reconstruction": 2.0}}')
    entry = {"scores": {"mig": 0.25, "mig/x": 0.5}}
    content = {"scores": {"mean/mig": entry, "sampled/mig": {"scores": {"mig": 0.1}}}}
    (tmp_path / "scores.json").write_text(json.dumps(content))
    for step, loss in ((1, 9.0), (2, 8.0)):
        record = {"step": step, "loss": loss, "terms/reconstruction": 7.0}
        append(tmp_path / "metrics.jsonl", record)
    append(tmp_path / "metrics.jsonl", {"step": 3, "validation/elbo": -4.0})
    expected = {
        "elbo": -3.5, "terms/reconstruction": 2.0, "scores/mean/mig": 0.25, "loss": 8.0,
        "scores/mean/mig/x": 0.5, "scores/sampled/mig": 0.1, "validation/elbo": -4.0,
        "scores/mean/sap": None, "nothing": None, "terms": None,
    }  # fmt: skip
    assert {name: value_of(folder, name) for name in expected} == expected
    (tmp_path / "summary.json").write_text("{")
    assert value_of(folder, "elbo") is None


@pytest.mark.parametrize(("name", "early", "hint"), [
    ("elbo", None, None), ("loss", Hyperband(min_iter=1), None),
    ("scores/mean/mig", None, "vaerun list metrics"),
    ("scores/mean/dci/disentanglement", None, None), ("mig", None, "'scores/mean/mig'"),
    ("terms/reconstruction", Hyperband(min_iter=1), None),
    ("adversarial/information", Hyperband(min_iter=1), None), ("eblo", None, "'elbo'"),
    ("terms/recontsruction", None, "'terms/reconstruction'"),
    ("mean/mig", None, "'scores/mean/mig'"), ("validation/elbo", None, "validation.every=100"),
    ("elbo", Hyperband(min_iter=1), "validation/elbo"),
])  # fmt: skip
def test_a_metric_that_no_run_will_have_is_refused(
    composed: Callable[..., RunConfig], name: str, early: Hyperband | None, hint: str | None
):
    search = replace_search(metric=Metric(name), early_terminate=early)
    chosen = "metrics=none" if hint == "vaerun list metrics" else "metrics=reference"
    configs = [composed("dataset=digits", chosen)]
    if hint is None:
        check_metric(search, configs)
        return
    with pytest.raises(UsageError) as refused:
        check_metric(search, configs)
    assert hint in str(refused.value.hint)


def test_the_report_has_the_best_first_and_its_command(tmp_path: Path):
    grid, trials = begun(tmp_path)
    grid = trials.begin(3)
    end(grid, 0, elbo=-3.0)
    end(grid, 1, elbo=-2.0)
    end(grid, 2, "diverged")
    end(grid, 3, elbo=None)
    found = outcomes(grid, SEARCH)
    console = Console(file=StringIO(), width=120)
    print_search(console, grid, SEARCH, found)
    lines = console.file.getvalue().splitlines()
    rows = [line.split()[0] for line in lines if line.strip()[:1].isdigit()]
    assert rows == ["1", "0", "2", "3", "3"]  # the last counts the states
    assert "the metric is not among its numbers" in lines[6]
    place = lines.index("best  run 1, elbo -2")
    assert lines[place + 1] == " ".join(["vaerun", *grid.runs[1]])
    assert draw_search(grid, SEARCH, found) == grid.path / "figures" / "search.png"
    assert exit_code(found) == 0


@pytest.mark.parametrize(("ended", "code"), [
    ([("finished", -1.0), ("diverged", None), ("pruned", None)], 0),
    ([("finished", -1.0), ("failed", None)], 1),
    ([("diverged", None), ("diverged", None)], 1),
    ([("diverged", None), ("interrupted", None)], 0),
    ([], 0),
])  # fmt: skip
def test_the_exit_code_says_whether_the_search_has_a_result(
    ended: list[tuple[str, float | None]], code: int
):
    found = {n: Outcome(RunState(state), value) for n, (state, value) in enumerate(ended)}
    assert exit_code(found) == code


def test_a_dry_run_says_what_is_searched(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    grid, trials = begun(tmp_path, replace_search(early_terminate=Hyperband(max_iter=9, s=2)))
    grid = trials.begin(1)
    end(grid, 0, elbo=-3.0)
    assert grid.search is not None
    local = LocalLauncherConfig("local", 1, 1, 1)
    print_search_plan(grid, grid.search, local, "cpu")
    printed = capsys.readouterr()
    assert [line.split("\t")[:3] for line in printed.out.splitlines()] == [
        ["0", "finished", "-3"], ["1", "waiting", ""],
    ]  # fmt: skip
    for text in (
        "method random, to maximize elbo", "log_uniform_values 0.5 to 8",
        "q_normal mu 8 sigma 1 q 2", "one of beta_vae, hfvae", "after 1, 3 records",
        "6 runs, 5 to train", "best  run 0", "about 2 s each",
    ):  # fmt: skip
        assert text in printed.err


def test_without_optuna_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "optuna" else 1)
    with pytest.raises(UsageError, match="a search needs Optuna") as refused:
        require_optuna()
    assert refused.value.hint == "pip install 'vaerun[search]'"
