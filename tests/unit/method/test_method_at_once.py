"""PCA, ICA and sparse coding: what is fitted, what is kept of it, and whole runs of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

import runner
from runner.config import RunConfig
from runner.dataset import COUNTS, Dataset
from runner.errors import UsageError
from runner.figures.of_run import RunFigures
from runner.method import METHODS, method_of
from runner.method.at_once import AT_ONCE, fit_ica
from runner.method.code_method import CodeMethod
from runner.runs.train import resume, start
from tests.families import OTHERS, SUMS
from tests.families import method_of as named_method

CPU = torch.device("cpu")
SMALL = (
    "debug=default", "dataset=digits", "architecture=mlp", "prior.dimensions=4", "device=cpu",
    "evaluation.encodings=60", "evaluation.map_points=10", "evaluation.traversal_steps=2",
    "wandb.mode=disabled", "metrics=none",
)  # fmt: skip
NAMES = tuple(AT_ONCE)


def new(config: RunConfig, dataset: Dataset) -> CodeMethod:
    method = method_of(config).new(config, dataset, CPU)
    assert isinstance(method, CodeMethod)
    method.check(config, dataset)
    return method


def images_of(method: CodeMethod) -> torch.Tensor:
    split = method.dataset.train
    return method.images_of(split, torch.arange(split.size))


@pytest.fixture
def digits() -> Dataset:
    from runner.dataset import load

    return load(runner.compose("dataset=digits").dataset, "data", CPU)


@pytest.fixture
def fitted(composed: Callable[..., RunConfig], digits: Dataset) -> Callable[..., CodeMethod]:
    def fitted(name: str, *words: str) -> CodeMethod:
        config = composed(f"objective={name}", *SMALL, *words)
        method = new(config, digits)
        (record,) = method.train(config, method.steps_of(config, digits))
        assert record is not None
        assert record["step"] == method.step == 1
        assert record["loss"] == record["terms/reconstruction"] > 0
        assert not list(method.train(config, 1))
        return method

    return fitted


def test_every_objective_has_a_method_and_every_method_an_objective():
    assert {named_method(name) for name in (*SUMS, *OTHERS)} == set(METHODS)


def test_principal_components_are_those_of_all_images(fitted: Callable[..., CodeMethod]):
    method = fitted("pca")
    images_ND = images_of(method).flatten(1).numpy()
    exact = PCA(4, svd_solver="full", whiten=True).fit(images_ND)
    expected_NW = exact.transform(images_ND)
    codes_NW = method.model.encode(images_of(method)).numpy()
    signs_W = np.sign((codes_NW * expected_NW).sum(0))
    assert np.allclose(codes_NW * signs_W, expected_NW, atol=2e-2)
    assert np.allclose(codes_NW.std(0), 1, atol=1e-2)
    rebuilt_ND = method.model.decode(torch.from_numpy(codes_NW)).flatten(1).numpy()
    expected_ND = exact.inverse_transform(expected_NW).clip(0, 1)
    assert np.abs(rebuilt_ND - expected_ND).max() < 5e-3


def test_independent_sources_are_found(composed: Callable[..., RunConfig]):
    draws = np.random.default_rng(0)
    sources_NV = draws.laplace(size=(4000, 3)).astype(np.float32)
    mixing_VD = draws.normal(size=(3, 12)).astype(np.float32)
    images_ND = sources_NV @ mixing_VD + 2
    config = composed("objective=ica", "prior.dimensions=3")
    found = fit_ica(config, images_ND)
    codes_NV = (images_ND - found["mean_D"]) @ found["encoder_DW"]
    alike = np.abs(np.corrcoef(codes_NV.T, sources_NV.T)[:3, 3:])
    assert sorted(alike.argmax(1)) == [0, 1, 2]
    assert alike.max(1).min() > 0.97
    rebuilt_ND = codes_NV @ found["decoder_WD"] + found["mean_D"]
    assert np.allclose(rebuilt_ND, images_ND, atol=1e-2)


def test_a_sparse_code_satisfies_the_conditions_of_the_lasso(fitted: Callable[..., CodeMethod]):
    """The rest's product with an atom is the sparsity where the atom is used, else less."""
    method = fitted("sparse_coding", "prior.dimensions=8", "objective.fitted.sparsity=0.3")
    images_BCHW, model = images_of(method)[:40], method.model
    codes_BW = model.encode(images_BCHW)
    tensors = model.state_dict()
    rest_BD = images_BCHW.flatten(1) - tensors["mean_D"] - codes_BW @ tensors["decoder_WD"]
    gradient_BW = rest_BD @ tensors["decoder_WD"].T
    used_BW = codes_BW != 0
    assert 0.1 < used_BW.float().mean() < 0.9
    assert torch.allclose(gradient_BW[used_BW], 0.3 * codes_BW[used_BW].sign(), atol=2e-3)
    assert (gradient_BW[~used_BW].abs() <= 0.302).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_model_that_is_opened_again_is_the_same(name: str, fitted: Callable[..., CodeMethod]):
    method = fitted(name)
    again = new(method.config, method.dataset)
    again.restore(method.tensors(), 1)
    assert again.step == 1
    images_BCHW = images_of(method)[:5]
    assert torch.equal(again.model.encode(images_BCHW), method.model.encode(images_BCHW))
    with pytest.raises(UsageError, match="another model"):
        again.restore({"model": {"mean_D": torch.zeros(3)}}, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_run(
    name: str, composed: Callable[..., RunConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Trained, evaluated, resumed and used through the API without its dataset."""
    monkeypatch.setattr(RunFigures, "animation", lambda _: None)
    run = tmp_path / "run"
    start(composed(f"objective={name}", *SMALL, "validation.every=1"), run)
    summary = json.loads((run / "summary.json").read_text())
    assert summary["elbo"] is None
    assert summary["terms"]["reconstruction"] > 0
    assert summary["validation"]["terms/reconstruction"] > 0
    drawn = {path.stem for path in (run / "figures").iterdir()}
    assert {"reconstructions", "traversals"} <= drawn
    assert ("samples" in drawn) == (name == "pca")
    with pytest.raises(UsageError, match="is finished") as refused:
        resume(run, [])
    assert refused.value.hint == f"objective={name} cannot be trained further"
    with pytest.raises(UsageError, match=f"objective={name} cannot be trained further"):
        resume(run, ["steps=5"])
    opened = runner.load_run(run)
    images = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)
    encoded = opened.encode(images)
    assert encoded.codes.shape == (3, 4)
    assert encoded.scales is None
    assert opened.decode(encoded).shape == (3, 8, 8)
    assert len(opened.traverse(images[:1], "z_1")) == 2
    if name == "pca":
        assert opened.sample(2).shape == (2, 8, 8)
    else:
        with pytest.raises(UsageError, match="nothing to sample from"):
            opened.sample(2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prior=normal"], "a deterministic code of its own making, not prior=normal"),
        (["prior=sigmoid_code"], "not prior=sigmoid_code"),
        (["likelihood=categorical"], "likelihood=categorical needs more"),
        (["prior.dimensions=65"], "prior.dimensions=65: objective=pca has at most 64"),
        (["objective.fitted.images=3"], "prior.dimensions=4: objective=pca has at most 3"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_line(
    composed: Callable[..., RunConfig], digits: Dataset, words: list[str], message: str
):
    with pytest.raises(UsageError, match=message) as refused:
        new(composed("objective=pca", *SMALL, *words), digits)
    assert "\n" not in refused.value.message


def test_documents_are_refused(composed: Callable[..., RunConfig], digits: Dataset):
    counts = replace(digits, kind=COUNTS)
    with pytest.raises(UsageError, match="objective=pca gives expected images") as refused:
        new(composed("objective=pca", *SMALL, "likelihood=multinomial"), counts)
    assert "objective=vae" in (refused.value.hint or "")


def test_no_such_method(composed: Callable[..., RunConfig]):
    config = composed("objective=pca", "objective.method=pcaa")
    with pytest.raises(UsageError, match=r"objective\.method must be one of") as refused:
        method_of(config)
    assert refused.value.hint == "did you mean 'pca'?"
