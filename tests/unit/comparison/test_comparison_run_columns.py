"""Lists are sorted and filtered by columns, settings and metrics, by their short names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.comparison.overview import Overview, read_overviews
from runner.comparison.run_columns import Condition, ordered, passing
from runner.errors import UsageError
from tests.made_run_folders import config, write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Overview]:
    root = tmp_path_factory.mktemp("runs")
    write_run(root / "0", config("vae"), -90.0, scores={"purity": 0.5})
    write_run(root / "1", config("hfvae", beta=4.0, epochs=3), -110.0)
    write_run(root / "2", config("hfvae", beta=12.0, name="mine-2"), state="failed")
    write_run(root / "3", config("beta_vae", beta=4.0), -100.0, terms={"reconstruction": 70.0})
    (write_run(root / "4", config()) / "status.json").write_text("{")
    for hours, path in enumerate(sorted(root.iterdir())):
        then = path.stat().st_mtime - 3600 * hours
        os.utime(path / "status.json", (then, then))
    return read_overviews(sorted(root.iterdir()))


def names(runs: list[Overview]) -> str:
    return "".join(run.path.name for run in runs)


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        ("state=finished", "013"), ("state!=finished", "24"), ("state=failed,corrupt", "24"),
        ("objective=hfvae", "12"), ("objective=*vae*", "0123"), ("objective=h*,vae", "012"),
        ("dataset=digits", "0123"), ("beta>4", "2"), ("beta >= 4", "123"), ("beta=4", "13"),
        ("beta=4.0,12", "123"), ("beta!=4", "024"), ("beta<4", "0"), ("elbo>-105", "03"),
        ("epochs=3", "1"), ("epochs=null", "0234"), ("prior.dimensions<=10", "0123"),
        ("prior=normal", "0123"), ("mmd.kernel=imq", "0123"), ("purity>=0.5", "0"),
        ("reconstruction<80", "3"), ("name=mine*", "2"), ("age<90min", "01"), ("age>=2h", "234"),
        ("age<1w", "01234"), ("mig>0", ""), ("error=*failed*", "2"), ("run=*/3", "3"),
        ("state==finished beta>0 elbo<-95", "13"),
    ],
)  # fmt: skip
def test_conditions(runs: list[Overview], conditions: str, kept: str):
    words = [conditions] if " >= " in conditions else conditions.split()
    assert names(passing(runs, map(Condition.read, words))) == kept


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ("elbo", "13024"), ("-elbo", "03124"), ("beta", "01324"), ("-beta", "21304"),
        ("objective,-elbo", "31204"), ("age", "01234"), ("-age", "43210"), ("state", "42013"),
        ("run", "01234"), ("-seed", "01234"), ("mig", "01234"),
    ],
)  # fmt: skip
def test_order(runs: list[Overview], keys: str, order: str):
    assert names(ordered(runs, keys.split(","))) == order


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("bta>4", "no run has a column, setting or metric 'bta'", "did you mean 'beta'?"),
        ("objektive=vae", "no run has a column, setting or metric 'objektive'", "'objective'?"),
        ("beta>big", "'beta>big' compares with 'big'", "> needs a number"),
        ("age<2", "age 2 of what?", "10min"),
        ("age<soon", "'age<soon' compares with 'soon'", "an age"),
        ("beta", "cannot read the condition 'beta'", "such as"),
        (">4", "cannot read the condition '>4'", "such as"),
    ],
)
def test_a_condition_that_cannot_be_is_refused(
    runs: list[Overview], text: str, message: str, hint: str
):
    with pytest.raises(UsageError) as no:
        passing(runs, [Condition.read(text)])
    assert no.value.message == message
    assert hint in (no.value.hint or "")


def test_a_name_that_fits_several_settings_is_refused(tmp_path: Path):
    settings = config("vae", **{"objective.penalties.capacity.weight": 0})
    found = read_overviews([write_run(tmp_path / "a", settings)])
    with pytest.raises(UsageError, match="may be any of several settings") as no:
        ordered(found, ["weight"])
    assert "objective.penalties.capacity.weight" in (no.value.hint or "")
    assert ordered(found, ["capacity.weight"]) == found
