"""Every kind of model is exported, and what is written gives what the model gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch

from runner.config import CHOICES, RunConfig
from runner.dataset import IMAGES, POINTS
from runner.errors import UsageError, VaerunError
from runner.method.trained_on import TrainedOn
from runner.method.vae import OpenedVae
from runner.model import build
from runner.runs import export as exports
from runner.runs import export_formats
from runner.runs.export import BATCHES, TOLERANCE, Exported, export, halves
from runner.runs.export_files import description
from runner.runs.export_formats import FORMATS, require_packages
from runner.runs.load import OpenedModel
from runner.store.run_folder import RunFolder
from tests.network_sizes import SIZES

DISCRETE = "++prior.discrete={switch: bernoulli, colour: 3}"

WITH_DISCRETE = ("conv32", "normal", "laplace", (DISCRETE,))
COVERING = [
    ("mlp", "normal", "bernoulli", ()),
    ("conv", "concrete_normal", "gaussian", ()),
    ("conv28", "log_normal", "continuous_bernoulli", ()),
    ("conv64", "sigmoid_code", "categorical", ("likelihood.levels=4",)),
    ("broadcast", "normal", "bernoulli", ()),
    ("prodlda", "dirichlet_laplace", "multinomial", ()),
    ("nvdm", "normal", "bernoulli", ()),
    ("mlp", "vamp", "gaussian", ("architecture.tied=true", "precision=bf16")),
]
"""With it, each network, each likelihood, and each way from the encoder's output to codes."""


def opened(composed: Callable[..., RunConfig], *choices: str, points: bool = False) -> OpenedModel:
    """An untrained model of small networks."""
    config = composed(*choices)
    small = {"widths": [8], "features": 8, "channels": 4}
    parts = {key: value for key, value in small.items() if hasattr(config.architecture, key)}
    config = replace(config, architecture=replace(config.architecture, **parts))
    size = SIZES[config.architecture.name]
    shape = (1, 1, 2) if points else (1, size, size)
    trained_on = TrainedOn(shape, 4, POINTS if points else IMAGES, None)
    images = trained_on.placeholder_images(config.prior)
    model = build(config, shape=shape, classes=4, images=lambda: images)
    model.eval().requires_grad_(requires_grad=False)
    return OpenedModel(OpenedVae(model), trained_on, config, RunFolder(Path("nowhere")), 7)


def choices_of(architecture: str, prior: str, likelihood: str) -> list[str]:
    names = {"architecture": architecture, "prior": prior, "likelihood": likelihood}
    return [f"{group}={name}" for group, name in names.items()]


def exported(composed: Callable[..., RunConfig], case: tuple, formats: list[str]) -> list[Exported]:
    return export(opened(composed, *choices_of(*case[:3]), *case[3]), formats)


def test_a_model_gives_the_same_numbers_in_both_formats(composed):
    files = exported(composed, WITH_DISCRETE, [*FORMATS])
    assert [file.name for file in files] == [
        "encoder.onnx", "encoder.pt2", "decoder.onnx", "decoder.pt2",
    ]  # fmt: skip
    assert all(0 <= file.difference < TOLERANCE * 10 for file in files)


@pytest.mark.parametrize("case", COVERING, ids=lambda case: "-".join(case[:3]))
def test_every_kind_of_model_is_exported(composed, case):
    assert len(exported(composed, case, ["torch"])) == 2


@pytest.mark.slow
@pytest.mark.parametrize("case", COVERING, ids=lambda case: "-".join(case[:3]))
def test_every_kind_of_model_is_exported_as_onnx(composed, case):
    assert len(exported(composed, case, ["onnx"])) == 2


@pytest.mark.slow
@pytest.mark.parametrize("likelihood", CHOICES["likelihood"])
@pytest.mark.parametrize("architecture", CHOICES["architecture"])
def test_every_network_is_exported_with_every_likelihood(composed, architecture, likelihood):
    case = (architecture, "normal", likelihood, ())
    assert len(exported(composed, case, ["torch"])) == 2


@pytest.mark.slow
@pytest.mark.parametrize("prior", CHOICES["prior"])
def test_every_prior_is_exported_as_onnx(composed, prior: str):
    assert len(export(opened(composed, "architecture=mlp", f"prior={prior}"), ["onnx"])) == 2


def test_points_are_exported(composed):
    model = opened(
        composed, "architecture=mlp", "prior=normal", "likelihood=gaussian",
        "likelihood.mean=linear", points=True,
    )  # fmt: skip
    assert [file.name for file in export(model, ["torch"])] == ["encoder.pt2", "decoder.pt2"]
    assert description(model, [])["encoder"]["inputs"][0]["range"] is None


@pytest.fixture(scope="module")
def discrete(composed) -> OpenedModel:
    return opened(composed, "architecture=mlp", "prior=normal", "prior.dimensions=4", DISCRETE)


def test_outputs_are_named_and_codes_go_into_the_decoder(discrete: OpenedModel):
    encoder, decoder = halves(discrete)
    assert encoder.gives == (
        "codes", "means", "scales", "probabilities_switch", "probabilities_colour",
    )  # fmt: skip
    codes, means, scales, switch, colour = encoder.module(encoder.examples(5))
    assert [tuple(each.shape) for each in (codes, means, scales, switch, colour)] == [
        (5, 8), (5, 4), (5, 4), (5, 1), (5, 3),
    ]  # fmt: skip
    assert torch.equal(codes[:, 4:], means)
    assert torch.equal(codes[:, :1], switch)
    assert torch.allclose(colour.sum(1), torch.ones(5))
    assert decoder.module(codes).shape == (5, 1, 8, 8)


def test_the_description_says_what_is_in_the_codes(discrete: OpenedModel):
    found = description(discrete, [])
    assert json.loads(json.dumps(found)) == found
    assert [each["name"] for each in found["encoder"]["outputs"]] == list(halves(discrete)[0].gives)
    assert found["variables"] == [
        {"name": "switch", "kind": "bernoulli", "columns": [0, 1], "values": 2},
        {"name": "colour", "kind": "categorical", "columns": [1, 4], "values": 3},
        *({"name": f"z_{i}", "kind": "normal", "columns": [4 + i, 5 + i]} for i in range(4)),
    ]
    named = {variable for group in found["groups"] for variable in group["variables"]}
    assert named == {"switch", "colour", "z_0", "z_1", "z_2", "z_3"}
    assert found["encoder"]["inputs"] == [
        {"name": "images", "dtype": "float32", "shape": ["batch", 1, 8, 8], "range": [0, 1]}
    ]


def test_a_program_takes_batches_of_sizes_that_were_not_checked(discrete: OpenedModel):
    (encoder, _), files = halves(discrete), export(discrete, ["torch"])
    program = torch.export.load(BytesIO(files[0].content)).module()
    for count in (3, 33):
        assert count not in BATCHES
        inputs = encoder.examples(count)
        for ours, theirs in zip(encoder.reference(inputs), program(inputs), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)


def test_other_numbers_than_the_model_s_are_refused(discrete: OpenedModel):
    encoder, _ = halves(discrete)

    def changed(inputs: torch.Tensor) -> list[torch.Tensor]:
        return [each + 0.01 * (len(inputs) == 7) for each in encoder.reference(inputs)]

    differ = r"encoder\.pt2 gives codes that differ .* by 0\.01 in a batch of 7"
    with pytest.raises(VaerunError, match=differ) as no:
        exports._difference(encoder, changed, "encoder.pt2")
    assert no.value.exit_code == 1
    nothing = exports._difference(encoder, encoder.reference, "encoder.pt2")
    assert nothing == 0


def test_a_network_that_cannot_be_exported_is_one_line(discrete: OpenedModel, monkeypatch, capfd):
    class Branching(torch.nn.Module):
        def forward(self, images):
            return images if float(images.sum()) > 0 else -images

    monkeypatch.setattr(discrete.model, "encoder", Branching())
    with pytest.raises(VaerunError, match="the encoder cannot be exported: ") as no:
        export(discrete, ["torch"])
    assert "\n" not in no.value.message
    assert capfd.readouterr() == ("", "")


def test_onnx_without_its_packages_is_refused_and_torch_is_not(monkeypatch):
    monkeypatch.setattr(
        export_formats, "find_spec", lambda name: None if name == "onnxruntime" else 1
    )
    with pytest.raises(UsageError, match="onnxruntime") as no:
        require_packages(["onnx", "torch"])
    assert "pip install 'vaerun[export]'" in (no.value.hint or "")
    require_packages(["torch"])
