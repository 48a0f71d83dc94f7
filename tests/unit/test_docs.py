"""Pages of docs/ say what the code says now; their links and programs exist; their numbers hold."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
import re
import sys
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from runner.config import RunConfig
from runner.evaluation.model_scores import MODEL_SCORES
from runner.metric import METRICS
from runner.objective import TERM_NAMES
from tests.families import OTHERS, SUMS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
STUDIES = DOCS / "studies"
sys.path.append(str(STUDIES))  # where a program of docs/ finds its neighbours


def script(name: str) -> ModuleType:
    """A program of docs/studies/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, STUDIES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look their annotations up
    spec.loader.exec_module(module)
    return module


objectives = script("objective_table")
bias = script("estimator_bias")
estimator = script("estimator_table")
weights_bias = script("encoding_weights_bias")
runs_csv = script("runs_csv")
weights_trained = script("encoding_weights_trained")
metric_study = script("metric_study")


PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
_PROGRAM = re.compile(r"python ((?:docs|tests)/[\w/]+\.py)")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_programs_of_a_page_are_there(path: Path):
    text = path.read_text()
    for link in _LINK.findall(text):
        is_made = "reference/" in link  # with the site, whose build looks for it
        assert is_made or (path.parent / link).exists(), link
    for program in _PROGRAM.findall(text):
        assert (ROOT / program).is_file(), program


def test_docs_is_for_readers_and_programs_stand_beside_their_pages():
    assert {path.suffix for path in DOCS.iterdir() if path.is_file()} == {".md", ".css"}
    assert {path.suffix for path in STUDIES.iterdir() if path.is_file()} == {".md", ".csv", ".py"}


@pytest.fixture(scope="module")
def page() -> str:
    """The page of objectives as its program gives it now."""
    return objectives.render()


WRITER = "python docs/studies/objective_table.py"


def test_the_page_of_objectives_is_what_its_program_gives_now(page: str):
    assert (DOCS / "objectives.md").read_text() == page, f"run: {WRITER}"


def test_every_objective_has_a_row_with_its_source(page: str):
    rows = [line for line in page.splitlines() if line.startswith("| [")]
    others = [line for line in page.splitlines() if line.startswith("| `")]
    assert (len(rows), len(others)) == (len(SUMS), len(OTHERS))
    for row in [*rows, *others]:
        assert objectives._CITATION.search(row.split(" | ")[-1])


@pytest.mark.parametrize(
    ("value", "formula"),
    [
        (1, "1"),
        ("${beta}", "β"),
        ("${vaerun.less:1,${alpha}}", "1 − α"),  # noqa: RUF001 - as in a formula
        ("${vaerun.sum:${alpha},${beta},-1}", "α + β − 1"),  # noqa: RUF001
        ("${vaerun.times:10,${beta}}", "10 · β"),
        ([0.1, 2.0], "0.1, 2"),
        ({"linear": {"from": 0, "to": "${beta}", "over": 10}}, "linear from 0 to β over 10 steps"),
    ],
)
def test_a_value_of_the_yaml_becomes_a_formula(value: object, formula: str):
    assert objectives.symbolic(value) == formula


@pytest.mark.parametrize("name", objectives.REDUCTIONS)
def test_what_is_said_to_be_the_vae_has_its_weights_and_nothing_beside_them(
    composed: Callable[..., RunConfig], name: str
):
    hyperparameters = [f"{key}={value}" for key, value in objectives.REDUCTIONS[name].items()]
    config = composed(f"objective={name}", *hyperparameters)
    objective = config.objective
    assert config.labels is None  # without labels there is no supervision
    assert {getattr(objective.weights, term) for term in TERM_NAMES} == {1}
    assert set(objective.group_information.values()) <= {0}
    for kind, penalty in vars(objective.penalties).items():
        strengths = ("weight", "off_diagonal", "diagonal") if kind != "supervision" else ()
        assert {getattr(penalty, key, 0) for key in strengths} <= {0}


@pytest.fixture(scope="module")
def small() -> tuple[list, list]:
    """The estimator measured on toys of few images, one minibatch of which is all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bias, "TOY_IMAGES", 256)
        patch.setattr(bias, "BATCHES", (32, 64, 256))
        patch.setattr(bias, "ENCODINGS", (128,))
        patch.setattr(bias, "MINIBATCHES", 4)
        cases = [bias.toy(scale) for scale in (0.1, 0.5)]
        with torch.no_grad():
            return cases, [row for case in cases for row in bias.measure(case)]


def test_all_encodings_leave_no_bias(small: tuple[list, list]):
    whole = [row for row in small[1] if row.encodings == 256]
    assert len(whole) == 2 * 4
    for row in whole:
        assert row.bias == pytest.approx(0, abs=1e-4)


def test_the_biases_of_the_four_terms_cancel(small: tuple[list, list]):
    kinds = {(row.case, row.bank, row.batch, row.encodings) for row in small[1]}
    assert {kind[1] for kind in kinds} == {"none", "fresh", "stale"}
    for kind in kinds:
        mine = [r for r in small[1] if (r.case, r.bank, r.batch, r.encodings) == kind]
        assert sum(row.bias for row in mine) == pytest.approx(0, abs=1e-3)


def test_a_fresh_bank_is_nearer_than_the_minibatch_alone(small: tuple[list, list]):
    wide = small[0][-1].name  # where encodings are narrow, a draw knows its own and no other
    bias = {(r.case, r.bank): r.bias for r in small[1] if r.batch == 32 and r.term == TERM_NAMES[1]}
    assert abs(bias[wide, "fresh"]) < 0.7 * abs(bias[wide, "none"])


def test_the_limit_of_the_toy_is_that_of_a_wide_sample():
    """Many wide posteriors: q(z) is nearly normal, so the exact terms are near their limit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bias, "BATCHES", (1024,))
        patch.setattr(bias, "ENCODINGS", ())
        patch.setattr(bias, "MINIBATCHES", 2)
        case = bias.toy(2.0)
        with torch.no_grad():
            rows = list(bias.measure(case))
    for row in rows:
        assert row.exact == pytest.approx(case.limit[row.term], abs=0.1)


def test_what_is_written_by_hand_is_kept(
    small: tuple[list, list], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(estimator, "__file__", str(tmp_path / "estimator_table.py"))
    estimator.write(*small)
    page = tmp_path / "estimator.md"
    first = page.read_text()
    page.write_text(f"{first}\nA word.\n")
    estimator.write(*small)
    assert page.read_text() == f"{first}A word.\n"


def test_the_page_of_the_estimator_has_a_row_for_every_kind_in_the_csv():
    with (STUDIES / "estimator.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    kinds = {(row["case"], row["B"], row["encodings M"], row["bank"]) for row in rows}
    lines = (STUDIES / "estimator.md").read_text().splitlines()
    for kind in kinds:
        assert sum(line.startswith(f"| {' | '.join(kind)} |") for line in lines) == 1


@pytest.fixture(scope="module")
def weighed() -> list[Any]:
    """Both weights on a toy of 256 images, all of which a minibatch and a bank may hold."""
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(bias, "TOY_IMAGES", 256)
        patch.setattr(weights_bias, "BATCHES", (64, 128))
        patch.setattr(weights_bias, "BANKS", (0, 64, 128, 192))
        return list(weights_bias.measure(bias.toy(0.5)))


def test_neither_of_the_weights_has_a_bias_with_all_encodings(weighed: list[Any]):
    whole = [row for row in weighed if row.batch + row.bank == 256 and row.term == "index_code_mi"]
    assert [(row.weights, row.batch) for row in whole] == [
        ("stratified", 64), ("equal", 64), ("stratified", 128), ("equal", 128)
    ]  # fmt: skip
    for row in whole:
        assert row.bias == pytest.approx(0, abs=1e-4)


def test_stratified_weights_say_too_much_information_and_equal_ones_too_little(weighed: list[Any]):
    for row in weighed:
        if row.term == "index_code_mi" and row.bank == 0:
            assert row.bias > 0.05 if row.weights == "stratified" else row.bias < -0.05
            if row.weights == "equal":
                assert row.exact + row.bias < math.log(row.batch)


def test_the_table_of_weights_has_a_line_for_each_estimate(weighed: list[Any]):
    lines = list(weights_bias.table(weighed))
    assert len(lines) == 2 + 1 + 2 * (4 + 3)
    assert lines[2].startswith("| toy, s = 0.5 | **exact** |")
    assert lines[3].startswith("| toy, s = 0.5 | stratified | 64 | 0 | +")


def test_the_table_of_trained_models_has_the_mean_and_the_spread_over_seeds():
    runs = {0: {"reconstruction": 100.0, "MIG": 0.1}, 1: {"reconstruction": 102.0, "MIG": 0.1}}
    last = weights_trained.table({("sprites", "hfvae", "equal", "0"): runs})[-1]
    assert last == "| sprites | hfvae | equal | 0 | 2 | 101.00 ± 1.41 | 0.10 ± 0.00 |"


def test_trained_models_are_compared_seed_by_seed_and_kept_in_the_file(tmp_path: Path):
    by_weights = {("stratified", "0"): (3, 10, 20), ("stratified", "64"): (7, 20, 30),
                  ("equal", "64"): (5, 19, 29)}  # fmt: skip
    rows = {
        ("sprites", "hfvae", *key): {seed: {"MIG": value} for seed, value in enumerate(values)}
        for key, values in by_weights.items()
    }
    heads, path = ("dataset", "objective", "weights", "bank"), tmp_path / "runs.csv"
    runs_csv.write(path, heads, rows.items(), ["MIG"], "{:.4f}".format)
    assert runs_csv.read(path, heads) == rows
    assert runs_csv.read(tmp_path / "none.csv", heads) == {}
    assert weights_trained.differences(rows)[2:] == [
        "| sprites | hfvae | stratified | 64 | stratified, 0 | 3 | +8.00 ± 8.61 |",
        "| sprites | hfvae | equal | 64 | stratified, 0 | 3 | +6.67 ± 10.04 |",
        "| sprites | hfvae | equal | 64 | stratified, 64 | 3 | -1.33 ± 1.43 |",
    ]


def scored(folder: Path, objective: str, seed: int, scores: dict[str, dict[str, float]]) -> None:
    """Write what the study of scores reads of a run."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(f"seed: {seed}\nobjective: {{name: {objective}}}\n")
    entries = {key: {"scores": numbers} for key, numbers in scores.items()}
    (folder / "scores.json").write_text(json.dumps({"of": {"step": 1}, "scores": entries}))


@pytest.fixture
def scored_runs(tmp_path: Path) -> list[Any]:
    """Four runs whose SAP rises as their MIG falls; only the first has an IRS."""
    for i, (objective, seed) in enumerate(product(("vae", "hfvae"), (0, 1))):
        scores = {"mean/mig": {"mig": 0.1 * i, "mig/x": 9}, "mean/sap": {"sap": 1 - 0.3 * i**2}}
        scores["mean/dci"] = {"dci/disentanglement": 0.5}
        if i == 0:
            scores["mean/irs"] = {"irs": 0.3}
        scored(tmp_path / f"run{i}", objective, seed, scores)
    return metric_study.read([tmp_path])


def test_the_study_of_scores_reads_what_every_run_has(scored_runs: list[Any]):
    assert [(run.objective, run.seed) for run in scored_runs] == [
        ("vae", 0), ("vae", 1), ("hfvae", 0), ("hfvae", 1),
    ]  # fmt: skip
    titles = metric_study._present(scored_runs, metric_study.SCORES)
    assert titles == ["MIG", "DCI disentanglement", "SAP"]


def test_the_study_of_scores_correlates_ranks(scored_runs: list[Any]):
    titles = ["MIG", "SAP", "DCI disentanglement"]
    found = metric_study.rank_correlation(scored_runs, titles, titles)
    assert found[:2, :2] == pytest.approx(np.array([[1, -1], [-1, 1]]))
    assert np.isnan(found[2]).all()  # a score that is the same for all ranks nothing


def test_the_study_of_scores_gives_mean_and_spread(scored_runs: list[Any]):
    row = metric_study._means(scored_runs, ["MIG"]).splitlines()[-1]
    assert row == "| MIG | 0.050 ± 0.071 | 0.250 ± 0.071 |"


def test_the_study_of_scores_looks_for_scores_that_there_are():
    known = {**METRICS, **MODEL_SCORES, "udr": None}
    for at in {
        **metric_study.SCORES,
        **metric_study.UNSUPERVISED,
        **metric_study.DOWNSTREAM,
    }.values():
        codes, metric, name = at.split("/", 2)
        assert metric in known
        assert codes == ("model" if metric in MODEL_SCORES else "mean")
        assert name.startswith(metric) or metric in ("unsupervised", "udr")


TERMS = dict.fromkeys(TERM_NAMES, 0.5)
DISTANCES = ("dimension_wise_mmd", "mmd", "covariance_of_means", "covariance_of_codes")


def finished(folder: Path, summary: dict[str, Any], **config: Any) -> Path:
    """Write what the programs read of a finished run."""
    (folder / "figures").mkdir(parents=True)
    defaults = {"seed": 0, "alpha": 1, "beta": 2, "gamma": 3, "batch_size": 8}
    (folder / "config.yaml").write_text(json.dumps(defaults | config))
    (folder / "status.json").write_text('{"state": "finished"}')
    numbers = {"rate": 9.0, "terms": TERMS, "scores": {"purity": 0.5, "hoyer_sparsity": 0.25}}
    numbers["distances"] = dict.fromkeys(DISTANCES, 0.1)
    numbers["information"] = {"group": {"z_0": 1.0}}
    (folder / "summary.json").write_text(json.dumps(numbers | summary))
    (folder / "metrics.jsonl").write_text('{"terms/group_total_correlation": 0.75}\n')
    return folder


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """``beside("mathieu", …)``: run a program; what it writes goes to the test's folder."""

    def run(name: str, *arguments: object) -> ModuleType:
        program = script(name)
        (tmp_path / "figures").mkdir(exist_ok=True)
        for place, folder in (("HERE", tmp_path), ("FIGURES", tmp_path / "figures")):
            if isinstance(getattr(program, place, None), Path):
                monkeypatch.setattr(program, place, folder)
        monkeypatch.setattr(program, "__file__", str(tmp_path / f"{name}.py"))
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        program.main()
        return program

    return run


def test_the_programs_of_figures_write_where_the_pages_look():
    for name in ("mathieu", "metric_study", "sprites_terms", "grid_table"):
        program = script(name)
        assert (program.HERE, program.FIGURES) == (STUDIES, DOCS / "figures")


def test_the_table_of_concrete_latents(
    beside: Callable[..., ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    known = {"category": {"label": 1.25}, "style": {"label": 0.5}}
    information = {"factor": known, "variable": {"category": 2.0}}
    objective = {"name": "beta_vae", "concrete_density": "exact", "group_information": {}}
    runs = [
        finished(
            tmp_path / f"run{seed}",
            {"information": information},
            objective=objective,
            dataset={"name": "mnist"},
            seed=seed,
        )
        for seed in (0, 1)
    ]
    beside("concrete_table", *runs, tmp_path / "nowhere")
    row = capsys.readouterr().out.splitlines()[2]
    assert row.startswith("| mnist | beta_vae beta=2 | 0 | 8 | 2 | 1.25 ± 0.00 | 0.50 ± 0.00 |")
    assert len((tmp_path / "concrete_latents.csv").read_text().splitlines()) == 3


def test_the_table_of_terms_on_sprites(beside: Callable[..., ModuleType], tmp_path: Path):
    runs = [
        finished(tmp_path / name, {"rate": rate}, objective={"name": name})
        for name, rate in (("vae", 20.0), ("beta_vae", 9.0))
    ]
    beside("sprites_terms", *runs)
    row = "| beta_vae | beta=2 | rate | 9.000 | 20.000 | yes | 0.500 | 0.500 |"
    assert row in (tmp_path / "sprites_terms.md").read_text().splitlines()
    assert (tmp_path / "figures" / "sprites_terms.png").is_file()


def test_the_table_of_a_first_run(
    beside: Callable[..., ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    mig = "validation/scores/mean/mig"
    for seed, gap in enumerate((0.2, 0.4, 0.9)):
        run = tmp_path / str(seed)
        run.mkdir()
        gaps = {f"{mig}/{factor}": gap for factor in ("scale", "x", "y")}
        records = [{"step": 1}, {"step": 5, mig: gap / 2, **gaps}]
        (run / "metrics.jsonl").write_text("\n".join(map(json.dumps, records)))
        (run / "config.yaml").write_text(
            f"{{seed: {seed}, batch_size: 8, architecture: {{name: mlp, widths: [4, 2]}}, "
            "prior: {dimensions: 6}}"
        )
    beside("first_run", *tmp_path.iterdir())
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith("| mlp 4-2, 8 images, 6 variables | 2 | 5 | 0.45 | 0.90 | 0.90 |")
    assert lines[-1].startswith("| mlp 4-2, 8 images, 6 variables | median of 3 | | 0.20 | 0.40 |")
    assert (tmp_path / "figures" / "first_run_mig.png").is_file()


def test_the_tables_of_mathieu(beside: Callable[..., ModuleType], tmp_path: Path):
    names = ("shape", "scale", "orientation", "x", "y")
    known = {"z_0": dict.fromkeys(names, 0.5), "z_1": dict.fromkeys(names, 0.5)}
    sparse = {"name": "sparse", "gamma": 0.8}
    pinwheel = finished(tmp_path / "plane", {}, dataset={"name": "pinwheel"}, prior={"name": "n"},
                        alpha=0)  # fmt: skip
    Image.new("RGB", (1000, 400)).save(pinwheel / "figures" / "plane.png")
    runs = [
        finished(tmp_path / "sparse", {}, dataset={"name": "fashion_mnist"}, prior=sparse),
        finished(
            tmp_path / "sprites",
            {"information": {"factor": known}},
            dataset={"name": "sprites"},
            prior={"name": "normal"},
        ),
    ]
    beside("mathieu", pinwheel, *runs)
    page = (tmp_path / "mathieu.md").read_text()
    assert "| 0.800 | 1 | 0.250 | 0.500 | 9.000 | 0.100 |" in page
    assert "| normal | 2 | 0.000 | 0.500 | 9.000 | 1.000 |" in page
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        "pinwheel.png",
        "sparsity.png",
    }


@pytest.mark.filterwarnings("ignore:constrained_layout")  # room for three scores only
def test_the_study_of_scores_writes_its_page(
    beside: Callable[..., ModuleType], scored_runs: list[Any], tmp_path: Path
):
    beside("metric_study", tmp_path)
    assert "from 4 models (2 of vae, 2 of hfvae)" in (tmp_path / "metrics.md").read_text()
    assert (tmp_path / "metrics.csv").read_text().startswith("objective,seed,MIG,")
    assert (tmp_path / "figures" / "metric_agreement.png").is_file()
