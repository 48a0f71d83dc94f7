"""The programs that print and draw the claim about HFVAE, from run folders made for it."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.unit.test_docs import beside, finished

__all__ = ["beside"]

Programs = Callable[..., ModuleType]
HFVAE = {"name": "hfvae", "concrete_density": "argmax", "group_information": {"category": 0}}
BETA_VAE = HFVAE | {"name": "beta_vae"}


def made(folder: Path, in_c: float, in_style: float, rec: float, **config: Any) -> Path:
    """A finished run with these figures."""
    known = {"category": {"label": in_c}, "style": {"label": in_style}}
    summary = {
        "information": {"factor": known, "variable": {"category": 2.0}},
        "terms": {"reconstruction": rec, "group_total_correlation": 0.25},
        "standard_errors": {"information": {"factor": {"category": {"label": 0.03},
                                                       "style": {"label": 0.04}}}},
    }  # fmt: skip
    settings = {"dataset": {"name": "mnist"}, "objective": HFVAE, "epochs": 15, "steps": 1000}
    return finished(folder, summary, **(settings | config))


def test_the_tables_of_the_claim(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for seed in range(3):
        gain = 0.1 * seed
        made(tmp_path / f"h{seed}", 1.0 + gain, 0.5, 120 + seed, seed=seed, beta=12, gamma=4)
        made(tmp_path / f"b{seed}", 0.8 + gain, 0.6, 115, seed=seed, objective=BETA_VAE, beta=4)
    made(tmp_path / "c0", 1.3, 0.3, 119, beta=12, gamma=4, architecture={"conditional": True})
    beside("claim_table", tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith(
        "| MNIST | conditional | hfvae beta=12 gamma=4 | as published | 15 epochs | 1 "
        "| 1.30 ± 0.06 | 0.30 ± 0.08 | 1.00 ± 0.10 | 0.50 |"  # 1.96 standard errors
    )
    assert lines[3].startswith(
        "| MNIST | independent | beta_vae beta=4 | as published | 15 epochs | 3 | 0.90 ± 0.25 |"
    )
    # Student's t with two degrees of freedom: 4.303 * 0.1 / sqrt(3).
    assert lines[4].split(" | ")[6:9] == ["1.10 ± 0.25", "0.50 ± 0.00", "0.60 ± 0.25"]
    assert lines[4].endswith("| 121.0 ± 2.5 | 0.25 ± 0.00 | 2.00 ± 0.00 |")
    (difference,) = [line for line in lines if "| beta=12 gamma=4 | beta=4 | 3 |" in line]
    # Paired by seed, so the seeds' own spread does not widen the interval.
    assert difference.split(" | ")[7:10] == ["+0.20 ± 0.00 *", "-0.10 ± 0.00 *", "+0.30 ± 0.00 *"]
    rows = list(csv.DictReader((tmp_path / "claim.csv").read_text().splitlines()))
    assert [float(row["their difference"]) for row in rows] == pytest.approx(
        [1.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    )


def test_runs_that_a_row_cannot_tell_apart_are_refused(beside: Programs, tmp_path: Path):
    for name in ("one", "two"):
        made(tmp_path / name, 1.0, 0.5, 120)
    with pytest.raises(SystemExit, match=r"one and .*two are both seed 0 of 'mnist, independent"):
        beside("claim_table", tmp_path)


def test_what_is_not_as_usual_is_in_the_form(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plan = {"linear": {"from": 8, "to": 0, "over": 9}}
    paid = {"concrete_density": "exact", "group_information": {"category": -20}}
    more = {"group_rate": {"style": plan}, "encodings": 1024, "encoding_weights": "equal"}
    made(tmp_path / "a", 1.0, 0.5, 120, objective=HFVAE | paid | more)
    beside("claim_table", tmp_path)
    form = "exact with reward 20, {}, 1,024 encodings, equal weights of q(z)"
    shown = form.format("a style that is expensive at first")
    assert f"| MNIST | independent | hfvae beta=2 gamma=3 | {shown} |" in capsys.readouterr().out
    (row,) = csv.DictReader((tmp_path / "claim.csv").read_text().splitlines())
    assert row["form"] == form.format("rate of style linear(from 8, to 0, over 9)")


def test_the_beta_of_equal_reconstruction(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    made(tmp_path / "h", 1.0, 0.5, 120, beta=12, gamma=4)
    made(tmp_path / "h long", 1.0, 0.5, 119, beta=12, gamma=4, epochs=60)
    for beta, rec in ((4, 114), (6, 137), (1, 95)):
        made(tmp_path / f"b{beta}", 1.0, 0.5, rec, objective=BETA_VAE, beta=beta)
    beside("equal_reconstruction", tmp_path)
    said, other = capsys.readouterr().out.splitlines()
    # Between 4 and 6, 6/23 of the way up in log beta.
    assert "reconstructs at 120.0 nats, beta-VAE at beta=4.45 (95.0 at 1, 114.0 at 4" in said
    assert other.endswith("which is not between beta-VAE's (there are no runs)")


def validation(step: int, in_c: float) -> dict[str, float]:
    """The record of a validation."""
    known = {"factor/category/label": in_c, "factor/style/label": 0.5, "group/category": 2.0}
    return {"step": step, **{f"validation/information/{k}": v for k, v in known.items()}}


def test_the_curves_over_epochs_and_the_table_of_one(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for seed, kind in ((0, HFVAE), (1, HFVAE), (0, BETA_VAE)):
        run = made(tmp_path / f"{kind['name']}{seed}", 1, 1, 120, seed=seed, objective=kind)
        (run / "status.json").write_text('{"state": "interrupted", "steps": 1000}')
        records = [{"step": 500}, validation(200, 1.0 + seed), validation(600, 1.0 + seed)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    made(tmp_path / "never validated", 1, 1, 120, seed=2)
    program = beside("claim_curves", tmp_path)
    rows = list(csv.DictReader((tmp_path / "claim_curves.csv").read_text().splitlines()))
    assert [(row["objective"], row["seed"], row["epoch"]) for row in rows] == [
        ("beta_vae", "0", "3"), ("beta_vae", "0", "9"),
        ("hfvae", "0", "3"), ("hfvae", "0", "9"), ("hfvae", "1", "3"), ("hfvae", "1", "9"),
    ]  # fmt: skip
    assert rows[-1]["their difference, nats"] == "1.5"
    curves = program.read([tmp_path])
    runs = next(runs for row, runs in curves.items() if row.objective == "hfvae")
    assert program.mean_curve(runs.values(), program.DIFFERENCE) == ([3, 9], [1, 1])
    assert (tmp_path / "figures" / "claim_curves.png").is_file()
    beside("claim_table", "--epoch", 9, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    shared = "| MNIST | independent | {} | as published | 9 epochs |"
    assert lines[2] == shared.format("beta_vae beta=2") + " 1 | 1.00 | 0.50 | 0.50 | 2.00 |"
    assert lines[3].startswith(shared.format("hfvae beta=2 gamma=3") + " 2 | 1.50 ± 6.35 | 0.50 ±")
    with pytest.raises(SystemExit, match="no such run"):
        beside("claim_table", "--epoch", 4, tmp_path)


def test_what_relaxed_samples_are_worth(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for seed in range(2):
        run = made(tmp_path / f"h{seed}", 1.0, 0.5, 120, seed=seed, beta=12, gamma=4)
        trained = [{"step": step, "terms/reconstruction": 90.0 + seed, "loss": 99.0}
                   for step in (3000, 4000)]  # fmt: skip
        early = {"step": 1000, "terms/reconstruction": 500.0, "loss": 500.0}
        last = {"validation/terms/reconstruction": 110.0 + seed, "validation/loss": 101.0}
        records = [early, *trained, {"step": 4000, **last}]
        (run / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    unvalidated = made(tmp_path / "none", 1.0, 0.5, 120, beta=3, gamma=4)
    (unvalidated / "metrics.jsonl").write_text("")
    beside("relaxed_samples", tmp_path)
    _, _, row = capsys.readouterr().out.splitlines()
    assert row.split(" | ")[2:] == ["2", "90.5", "110.5", "20.0", "99.0", "101.0", "2.0 |"]


def lines_of(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def test_lines_of_other_rows_stay_and_those_of_the_same_are_replaced(
    beside: Programs, tmp_path: Path
):
    first, second = tmp_path / "first", tmp_path / "second"
    made(first / "h", 1.0, 0.5, 120, beta=12, gamma=4)
    made(first / "b", 0.8, 0.5, 115, objective=BETA_VAE, beta=4)
    beside("claim_table", first)
    before = lines_of(tmp_path / "claim.csv")
    made(second / "h", 1.5, 0.5, 120, beta=12, gamma=4)
    made(second / "fashion", 1.0, 0.5, 240, dataset={"name": "fashion_mnist"}, beta=12, gamma=4)
    beside("claim_table", second)
    after = lines_of(tmp_path / "claim.csv")
    assert [line[0] for line in after[1:]] == ["fashion_mnist", "mnist", "mnist"]
    assert after[2] == before[1]  # beta-VAE, of the first folder alone
    assert (before[2][7], after[3][7]) == ("1", "1.5")
    (tmp_path / "claim.csv").write_text("dataset,other\nmnist,1\n")
    with pytest.raises(SystemExit, match=r"claim\.csv has other columns"):
        beside("claim_table", second)


def test_curves_of_other_rows_are_kept_and_drawn(beside: Programs, tmp_path: Path):
    for name, dataset in (("one", "mnist"), ("two", "fashion_mnist")):
        run = made(tmp_path / name / "h", 1, 1, 120, dataset={"name": dataset}, beta=12, gamma=4)
        records = [validation(200, 1.1), validation(600, 1.2)]
        (run / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
    beside("claim_curves", tmp_path / "one")
    before = lines_of(tmp_path / "claim_curves.csv")
    program = beside("claim_curves", tmp_path / "two")
    after = lines_of(tmp_path / "claim_curves.csv")
    assert after[3:] == before[1:]
    drawn = program.with_other_rows(program.read([tmp_path / "two"]), tmp_path / "claim_curves.csv")
    assert [row.dataset for row in drawn] == ["fashion_mnist", "mnist"]
    (points,) = list(drawn.values())[1].values()
    in_c = [values["information/factor/category/label"] for _, values in points]
    assert in_c == [1.1, 1.2]


def test_the_summary_of_all_runs(
    beside: Programs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    runs = tmp_path / "runs"
    for seed in range(3):
        made(runs / f"h{seed}", 1.0 + seed, 0.5, 120 + seed, seed=seed, beta=12, gamma=4)
        made(runs / f"b{seed}", 0.8 + seed, 0.6, 115, seed=seed, objective=BETA_VAE, beta=4)
        made(runs / f"o{seed}", 0.8, 0.6, 118, seed=seed, objective=BETA_VAE, beta=5)
    made(runs / "alone", 1.3, 0.3, 119, beta=12, gamma=4, architecture={"conditional": True})
    beside("claim_table", runs)
    heads = "dataset,objective,reward,encodings,seed,I(label; c),I(label; style),reconstruction\n"
    (tmp_path / "concrete_latents.csv").write_text(
        heads
        + "mnist,hfvae beta=12 gamma=4,20,128,0,1.0,0.5,120\n"
        + "mnist,beta_vae beta=4,20,128,0,1.5,0.25,110\n"
        + 'mnist,beta_vae beta=4,20,"1,024",0,9,0,100\n'
    )
    capsys.readouterr()
    beside("claim_summary")
    lines = capsys.readouterr().out.splitlines()[2:]
    assert lines == [
        "| independent | as published | MNIST | 15 epochs | 3 | 4 | 1.50 ± 2.48 | 1.20 ± 2.48 "
        "| +0.30 ± 0.00 * | +6.0 ± 2.5 * |",
        "| independent | as published | MNIST | 15 epochs | 3 | 5 | 1.50 ± 2.48 | 0.20 ± 0.00 "
        "| +1.30 ± 2.48 | +3.0 ± 2.5 * |",
        "| independent | exact with reward 20 | MNIST | 20 epochs | 1 | 4 | 0.50 | 1.25 "
        "| -0.75 | +10.0 |",
    ]
