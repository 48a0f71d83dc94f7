"""Variables that take few values: their information, traversals and scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from runner.config import RunConfig
from runner.dataset import Dataset
from runner.evaluation import encode, summarize
from runner.evaluation.encoded_table import tabulate
from runner.evaluation.encodings import Encodings
from runner.evaluation.traversal_rows import positions_of, traversal_rows, unit_of
from runner.metric.histogram import discretise
from runner.model import VAE, build
from runner.model.representation import VaeRepresentation
from tests.conftest import represent

Composed = Callable[..., RunConfig]
CPU = torch.device("cpu")


@pytest.fixture
def config(composed: Composed) -> RunConfig:
    return composed("architecture=mlp", "prior=quantised_code", "prior.dimensions=3",
                    "objective=qlae", "prior.values=4")  # fmt: skip


@pytest.fixture
def model(config: RunConfig, toy_dataset: Dataset) -> VAE:
    """A code whose variables take all their values; the first one takes one alone."""
    found = build(config, shape=toy_dataset.shape, classes=4)
    last = found.encoder[-1]
    with torch.no_grad():
        std_V, mean_V = torch.std_mean(found.encode(toy_dataset.probe_images(CPU)), dim=0)
        last.weight.mul_(0.4 / std_V[:, None])
        last.bias.sub_(mean_V).mul_(0.4 / std_V)
        last.weight[0], last.bias[0] = 0, 9
        found.latents.continuous.values_VK[1] = torch.tensor([0.5, -0.3, 0.0, 0.1])
    return found


@pytest.fixture
def seen(model: VAE) -> VaeRepresentation:
    return represent(model)


@pytest.fixture
def every(seen: VaeRepresentation, toy_dataset: Dataset) -> Encodings:
    return encode(seen, toy_dataset.test, 256, torch.Generator().manual_seed(0))


def test_information_is_that_of_the_tables_of_counts(
    seen: VaeRepresentation, every: Encodings, toy_dataset: Dataset
):
    summary = summarize(seen, toy_dataset, every, torch.Generator())
    known, errors = summary["information"], summary["standard_errors"]["information"]
    assert summary["elbo"] is None
    assert known["rate"] == {}
    assert known["group"] == known["variable"]
    assert known["variable"]["z_0"] == 0
    (warning,) = summary["warnings"]
    assert warning == "1 of the 3 variables of the code is the same for every image: z_0"
    codes = every.mean_MW.numpy()
    for v in (1, 2):
        counts = np.unique(codes[:, v], return_counts=True)[1]
        assert len(counts) > 2
        p = counts / counts.sum()
        entropy = -(p * np.log(p)).sum()
        assert known["variable"][f"z_{v}"] == pytest.approx(entropy, rel=1e-10)
        of_images = np.repeat(np.log(p), counts)
        error = of_images.std(ddof=1) / np.sqrt(256)
        assert errors["variable"][f"z_{v}"] == pytest.approx(error, rel=1e-10)
        for f, factor in enumerate(toy_dataset.factors):
            numbers = np.unique(codes[:, v], return_inverse=True)[1]
            expected = mutual_info_score(numbers, every.factors_MF[:, f].numpy())
            assert known["factor"][f"z_{v}"][factor.name] == pytest.approx(expected, rel=1e-9)


def test_a_code_of_any_numbers_has_no_information(composed: Composed, toy_dataset: Dataset):
    config = composed("architecture=mlp", "prior=code", "objective=ae")
    seen = represent(build(config, shape=toy_dataset.shape, classes=4))
    assert seen.values == {}
    every = encode(seen, toy_dataset.test, 20, torch.Generator().manual_seed(0))
    summary = summarize(seen, toy_dataset, every, torch.Generator())
    assert summary["information"] == {"variable": {}, "rate": {}, "group": {}, "factor": {}}
    assert "information" not in summary["standard_errors"]


def test_a_traversal_shows_the_values_in_their_order(
    config: RunConfig, seen: VaeRepresentation, every: Encodings
):
    assert positions_of(seen, config.evaluation) == [1, 2, 3, 4]
    assert unit_of(seen) == "numbered from its smallest"
    rows = traversal_rows(seen, every, config.evaluation, {"z_1": 1.0})
    assert [row.label for row in rows] == ["z_1", "z_0", "z_2"]
    code_4W = every.mean_MW[:1].repeat(4, 1)
    code_4W[:, 1] = torch.tensor([-0.3, 0.0, 0.1, 0.5])
    expected = seen.decode(code_4W).detach().numpy()
    np.testing.assert_allclose(rows[0].images_TCHW, expected, rtol=1e-5, atol=1e-6)


def test_of_many_values_a_traversal_shows_as_many_as_it_has_steps(
    config: RunConfig, seen: VaeRepresentation, every: Encodings
):
    few = replace(config.evaluation, traversal_steps=2)
    assert positions_of(seen, few) == [1, 4]
    assert all(len(row.images_TCHW) == 2 for row in traversal_rows(seen, every, few, {}))


def test_scores_see_each_value_as_one(seen: VaeRepresentation, toy_dataset: Dataset):
    source = torch.Generator().manual_seed(0)
    codes = tabulate(seen, toy_dataset, None, source).codes("mean", seen, toy_dataset)
    assert codes.variables[1].values == pytest.approx((-0.3, 0.0, 0.1, 0.5))
    # In two bins of equal width, 0.0 and -0.3 would be one value, and 0.1 with them.
    bins_NV = discretise(codes.codes_ND, codes.variables, 2)
    for v in (1, 2):
        assert len(np.unique(bins_NV[:, v])) == 4
        order = np.argsort(codes.codes_ND[:, v], kind="stable")
        assert (np.diff(bins_NV[order, v]) >= 0).all()
