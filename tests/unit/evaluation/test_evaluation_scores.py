"""The scores of a model: their selection, their numbers, and the codes that they evaluate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from runner import config as settings
from runner import progress
from runner.config import MetricsConfig, RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.dataset.archive.residency import MappedSplit
from runner.errors import UsageError
from runner.evaluation import (
    CodesEvaluator,
    Evaluator,
    ScoreRequest,
    has_groups,
    score_requests,
    score_requests_of_codes,
)
from runner.evaluation import encoded_table as code_table
from runner.evaluation.encoded_table import tabulate
from runner.evaluation.model_scores import MODEL_SCORES
from runner.metric import METRICS, Codes
from runner.model import VAE, build
from tests.conftest import represent

FEW = (
    *(f"metrics.{n}={{train: 40, test: 20}}" for n in ("dci", "explicitness", "sap")),
    *(f"metrics.{n}={{train: 40, test: 20}}" for n in ("eastwood_williams", "linear_probe")),
    "metrics.neighbour_probe={train: 40, test: 20, neighbours: 3}",
    "metrics.downstream_logistic={train: [10, 30], test: 20}",
    "metrics.downstream_boosted={train: [10, 40], test: 20}",
    "metrics.beta_vae={train: 50, test: 20, batch: 4}",
    *(f"metrics.{n}={{train: 40, test: 20}}" for n in ("dci_groups", "sap_groups")),
    "metrics.eastwood_williams_groups={train: 40, test: 20}",
    "metrics.factor_vae_groups.train=50",
    "metrics.factor_vae_groups.test=20",
    "metrics.factor_vae.train=50",
    "metrics.factor_vae.test=20",
    "metrics.log_likelihood={images: 5, samples: 20}",
    *(f"metrics.{n}={{samples: 30, encodings: 60}}" for n in ("mig_density", "information")),
    "metrics.pruning={samples: 20, encodings: 60}",
    *(f"metrics.{n}.samples=60" for n in ("infom", "infoc", "infoe", "infoe_groups")),
    *(
        f"metrics.{n}={{train: 40, test: 20, probe: fourier, features: [2, 4], widths: [0, 2],"
        " depths: [1, 2], most_classes: 10}"
        for n in ("dci_es", "dci_es_groups")
    ),
    "metrics.codes=[mean,sampled]",
)


OF_TOPICS = ("perplexity", "topic_coherence", "topic_diversity")
"""Scores of counts of words, which a preset of their own has."""


@pytest.fixture(scope="module")
def grid() -> Dataset:
    """Return 72 images of 8x8 pixels of a bar, with its brightness, row and column as factors."""
    factors = torch.tensor(list(product(range(3), range(4), range(6))))
    images = torch.zeros(len(factors), 1, 8, 8, dtype=torch.uint8)
    for image, (shade, row, column) in zip(images, factors.tolist(), strict=True):
        image[0, row : row + 4, column : column + 2] = 80 * shade + 90
    split = ResidentSplit(images, factors)
    sizes = {"shade": 3, "row": 4, "column": 6}
    return Dataset(
        name="bars",
        train=split,
        test=split,
        has_test_split=False,
        factors=tuple(Factor(name, size) for name, size in sizes.items()),
        shape=(1, 8, 8),
        class_factor="shade",
        class_names=("dark", "grey", "light"),
    )


@pytest.fixture(scope="module")
def few() -> MetricsConfig:
    return settings.metrics("reference", list(FEW))


@pytest.fixture(scope="module")
def model_of(composed: Callable[..., RunConfig], grid: Dataset) -> Callable[[str], VAE]:
    def model(prior: str, groups: Sequence[str] = ("prior.group_size=1",)) -> VAE:
        overrides = (f"prior={prior}", "architecture=mlp", "architecture.widths=[16]")
        density = () if prior != "code" else ("objective=ae",)
        config = composed(*overrides, *density, "prior.dimensions=3", *groups)
        return build(config, shape=grid.shape, classes=grid.classes)

    return model


@pytest.mark.parametrize("prior", ["normal", "concrete_normal", "mixture", "code"])
def test_every_score_has_finite_numbers_or_a_reason(
    model_of: Callable[[str], VAE], grid: Dataset, few: MetricsConfig, prior: str
):
    model = model_of(prior)
    evaluator = Evaluator(represent(model), grid, few)
    refused: list[str] = []
    single = score_requests(few, sampled=model.latents.has_density, grouped=False)
    for request in single:
        try:
            result = evaluator.compute(request)
        except UsageError as error:
            refused.append(f"{request.key}: {error.message}")
            continue
        assert result.numbers
        assert all(math.isfinite(number) for number in result.numbers.values()), request.key
        assert all(name.split("/")[0] for name in result.numbers)
        errors = result.standard_errors
        assert all(math.isfinite(error) for error in errors.values())
        if request.needs_model:
            without = {"pruning/variables_for_90_percent"}
            assert errors.keys() | without == result.numbers.keys() | without, request.key
    without_density = ["mig_density", "information", "log_likelihood", "pruning"]
    expected = [f"model/{name}" for name in without_density] if prior == "code" else []
    assert [line.partition(":")[0] for line in refused] == expected
    assert not any("\n" in line for line in refused)


def test_with_repeats_scores_of_codes_have_standard_errors(
    model_of: Callable[[str], VAE], grid: Dataset, few: MetricsConfig
):
    repeated = replace(few, repeats=2, codes=["mean"])
    evaluator = Evaluator(represent(model_of("normal")), grid, repeated)
    without = []
    for request in score_requests(repeated, grouped=False):
        result = evaluator.compute(request)
        if not result.standard_errors:
            without.append(request.key)
        assert result.standard_errors.keys() <= result.numbers.keys()
        assert all(math.isfinite(error) for error in result.standard_errors.values())
        once = Evaluator(evaluator.model, grid, few).compute(request)
        assert result.numbers == once.numbers or request.codes == "model", request.key
    assert all(key.startswith("model/") for key in without)
    table = tabulate(evaluator.model, grid, None, torch.Generator().manual_seed(0))
    given = CodesEvaluator(Codes.of(table.mean_NW, table.factors_NF), "factor_0", repeated)
    assert given.compute(ScoreRequest("mig", "codes", vars(few.mig))).standard_errors["mig"] > 0


def test_scores_of_groups_have_finite_numbers_where_the_prior_has_groups(
    model_of: Callable[..., VAE], grid: Dataset, few: MetricsConfig
):
    groups = "prior.groups={a: [category, style_0], b: [style_1, style_2]}"
    model = represent(model_of("concrete_normal", [groups]))
    assert has_groups(model)
    assert not has_groups(represent(model_of("normal")))
    assert not has_groups(represent(model_of("code", ["prior.group_size=null"])))
    evaluator = Evaluator(model, grid, few)
    of_groups = [request for request in score_requests(few) if "_groups" in request.metric]
    assert len(of_groups) == 22  # of mean and of sampled codes
    for request in (*of_groups, ScoreRequest("knn", "mean", vars(few.knn))):
        numbers = evaluator.compute(request).numbers
        assert all(math.isfinite(number) for number in numbers.values()), request.key
    assert {"knn/shade/a", "knn/column/b"} <= numbers.keys()


def test_scores_of_groups_are_left_out_for_single_variables_unless_they_alone_are_asked_for(
    few: MetricsConfig,
):
    due = {request.metric for request in score_requests(few)}
    single = {request.metric for request in score_requests(few, grouped=False)}
    assert due - single == {name for name, score in METRICS.items() if score.of_groups}
    assert single >= {"mig", "knn", "pruning"}
    asked = settings.metrics("none", ["metrics.mig_groups={samples: 50, neighbours: 3}"])
    assert [r.metric for r in score_requests(asked, grouped=False)] == ["mig_groups"]
    assert [r.metric for r in score_requests_of_codes(asked, grouped=False)] == ["mig_groups"]


def test_reference_requests_all_scores_with_sampled_codes_after_mean_codes(
    few: MetricsConfig,
):
    due = [request.key for request in score_requests(few)]
    of_codes = [name for name in METRICS if name != "dci_lightgbm"]
    assert due == [
        *(f"mean/{name}" for name in of_codes),
        *(f"sampled/{name}" for name in of_codes),
        *(f"model/{name}" for name in MODEL_SCORES if name not in OF_TOPICS),
    ]
    assert [t.key for t in score_requests(few, sampled=False)] == [
        k for k in due if "sampled" not in k
    ]
    assert [t.metric for t in score_requests_of_codes(few)] == of_codes


def test_a_score_does_not_depend_on_which_others_are_computed(
    model_of: Callable[[str], VAE], grid: Dataset, few: MetricsConfig
):
    model = model_of("normal")
    chosen = {request.key: request for request in score_requests(few)}
    everything = Evaluator(represent(model), grid, few)
    for key in ("sampled/mig", "model/pruning", "mean/sap"):
        numbers = everything.compute(chosen[key]).numbers
        assert Evaluator(represent(model), grid, few).compute(chosen[key]).numbers == numbers


def test_pruning_comes_with_its_figure(
    model_of: Callable[[str], VAE], grid: Dataset, few: MetricsConfig
):
    (request,) = [request for request in score_requests(few) if request.metric == "pruning"]
    assert Evaluator(represent(model_of("normal")), grid, few).compute(request).pruning is not None


def test_codes_from_a_file_have_the_same_scores(
    model_of: Callable[[str], VAE], grid: Dataset, few: MetricsConfig
):
    model = model_of("normal")
    table = tabulate(represent(model), grid, None, torch.Generator().manual_seed(0))
    names = [factor.name for factor in grid.factors]
    given = Codes.of(table.mean_NW, table.factors_NF, factor_names=names, complete=True)
    alone = CodesEvaluator(given, "shade", few)
    of_run = {request.metric: request for request in score_requests(few, sampled=False)}
    for request in score_requests_of_codes(few):
        if request.metric in ("mig", "beta_vae", "linear_probe"):
            numbers = Evaluator(represent(model), grid, few).compute(of_run[request.metric]).numbers
            assert alone.compute(request).numbers == numbers


def test_codes_do_not_depend_on_how_many_images_are_encoded_at_a_time(
    model_of: Callable[[str], VAE], grid: Dataset, monkeypatch: pytest.MonkeyPatch
):
    model = model_of("normal")
    told: list[tuple[int, int]] = []
    whole = tabulate(represent(model), grid, None, torch.Generator().manual_seed(0))
    monkeypatch.setattr(code_table, "_CHUNK", 50)
    monkeypatch.setattr(progress, "tell", lambda _, done, total: told.append((done, total)))
    parts = tabulate(represent(model), grid, None, torch.Generator().manual_seed(0))
    assert whole.mean_NW == pytest.approx(parts.mean_NW, abs=1e-6)
    assert (whole.factors_NF == parts.factors_NF).all()
    assert told == [(50, 72), (72, 72)]


def test_sampled_codes_are_distributed_around_the_means(
    model_of: Callable[[str], VAE], grid: Dataset
):
    table = tabulate(represent(model_of("normal")), grid, None, torch.Generator().manual_seed(0))
    assert table.complete
    difference = table.sampled_NW - table.mean_NW
    assert 0 < np.abs(difference.mean()) < 0.5
    assert 0.5 < difference.std() < 2


def test_subsets_and_test_splits_are_not_complete(model_of: Callable[[str], VAE], grid: Dataset):
    model, source = model_of("normal"), torch.Generator().manual_seed(0)
    some = tabulate(represent(model), grid, 30, source)
    assert len(some.factors_NF) == 30 == len(np.unique(some.factors_NF, axis=0))
    assert not some.complete
    assert not tabulate(represent(model), replace(grid, has_test_split=True), None, source).complete


def test_images_on_the_disk_have_the_codes_of_images_in_memory(
    model_of: Callable[[str], VAE], grid: Dataset
):
    split = grid.test
    assert isinstance(split, ResidentSplit)
    mapped = MappedSplit(split.images_NCHW.numpy(), split.factors_NF)
    tables = [
        tabulate(represent(model_of("normal")), each, None, torch.Generator().manual_seed(0))
        for each in (grid, replace(grid, test=mapped))
    ]
    assert (tables[0].mean_NW == tables[1].mean_NW).all()
    assert (tables[0].sampled_NW == tables[1].sampled_NW).all()


def test_a_category_is_one_variable(model_of: Callable[[str], VAE], grid: Dataset):
    model = model_of("concrete_normal")
    table = tabulate(represent(model), grid, None, torch.Generator().manual_seed(0))
    codes = table.codes("mean", represent(model), grid)
    assert [v.is_discrete for v in codes.variables] == [True, False, False, False]
    assert codes.codes_ND.shape == (72, 3 + 3)
    drawn = table.codes("sampled", represent(model), grid).codes_ND[:, :3]
    assert set(np.unique(drawn)) == {0.0, 1.0}
