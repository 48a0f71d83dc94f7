"""Own networks, priors and likelihoods: built, and tried once before a run begins.

Shapes: B samples, C H W image, K channels of the decoder's output, P parameters of q(z|x), W
columns of z, V continuous variables, U uniform numbers behind a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from runner.config import ArchitectureConfig, LikelihoodConfig, PriorConfig
from runner.errors import UsageError
from runner.model.likelihood import Likelihood
from runner.model.prior import Prior, PriorImages
from runner.model.shapes import NetworkShapes
from runner.plugins import Piece, call, wrong

_SAMPLES = 2
_OF_A_PRIOR = (
    "count", "uniform_count", "factorises", "scale_V", "center_V", "log_marginals", "log_joint",
    "rate", "rate_per_variable", "sample", "with_encoder",
)  # fmt: skip


def own_networks(
    piece: Piece, config: ArchitectureConfig, shapes: NetworkShapes
) -> tuple[nn.Module, nn.Module]:
    """Return the encoder and the decoder of an own network.

    Raises: UsageError where they are none, or do not fit the images or the latent space.
    """
    found = call(piece, piece.given(config), shapes)
    pair = cast("tuple[object, ...]", found) if isinstance(found, (tuple, list)) else ()
    if len(pair) != 2 or not all(isinstance(each, nn.Module) for each in pair):
        what = f"it must return an encoder and a decoder, modules of torch, not {_kind(found)}"
        raise UsageError(wrong(piece, what))
    encoder, decoder = cast("tuple[nn.Module, nn.Module]", pair)
    channels, height, width = shapes.shape
    images_BCHW = torch.zeros(_SAMPLES, channels, height, width)
    _require_shape(piece, "the encoder", encoder, images_BCHW, (_SAMPLES, shapes.parameters))
    z_BW = torch.zeros(_SAMPLES, shapes.width)
    output = (_SAMPLES, shapes.output_channels, height, width)
    _require_shape(piece, "the decoder", decoder, z_BW, output)
    return encoder, decoder


def _require_shape(
    piece: Piece, what: str, network: nn.Module, given: Tensor, expected: tuple[int, ...]
) -> None:
    """Refuse a network that does not make what is expected of an input."""

    def tried(inputs: Tensor) -> object:
        training = network.training
        network.eval()  # so that averages over a minibatch stay as they are
        with torch.no_grad():
            output = network(inputs)
        network.train(training)
        return output

    output = _trial(piece, tried, given)
    shape = tuple(output.shape) if isinstance(output, Tensor) else None
    if shape != expected:
        got = _kind(output) if shape is None else f"the shape {shape}"
        text = f"{what} must turn {tuple(given.shape)} into {expected}, and gives {got}"
        raise UsageError(wrong(piece, text))


def own_prior(piece: Piece, config: PriorConfig, images: PriorImages) -> Prior:
    """Return the density of an own prior.

    Raises: UsageError where it is none, or not of as many variables as ``prior.dimensions``.
    """
    prior = call(piece, piece.given(config), images)
    if missing := [name for name in _OF_A_PRIOR if not hasattr(prior, name)]:
        what = f"it must return a density p(z), and {_kind(prior)} has no {missing[0]}"
        raise UsageError(wrong(piece, what), "runner.model.independent has densities to begin with")
    if not isinstance(prior, nn.Module):
        raise UsageError(wrong(piece, f"its density must be a module of torch, not {_kind(prior)}"))
    density, count = cast("Prior", prior), config.dimensions
    if density.count != count:
        what = f"its density has {density.count} variables, and prior.dimensions is {count}"
        raise UsageError(wrong(piece, what))
    z_BV, scale_BV = torch.zeros(_SAMPLES, count), torch.ones(_SAMPLES, count)
    uniform_BU = torch.full((_SAMPLES, density.uniform_count), 0.5)

    def encode(images_KCHW: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(images_KCHW), count), torch.ones(len(images_KCHW), count)

    bound = _trial(piece, density.with_encoder, encode)
    with torch.no_grad():
        made: Mapping[str, tuple[Any, tuple[int, ...]]] = {
            "log_marginals": (_trial(piece, bound.log_marginals, z_BV), (count, _SAMPLES)),
            "log_joint": (_trial(piece, bound.log_joint, z_BV, [0]), (_SAMPLES,)),
            "rate": (_trial(piece, bound.rate, z_BV, scale_BV, z_BV), (_SAMPLES,)),
            "rate_per_variable": (
                _trial(piece, bound.rate_per_variable, z_BV, scale_BV, z_BV), (_SAMPLES, count)
            ),
            "sample": (_trial(piece, bound.sample, uniform_BU), (_SAMPLES, count)),
        }  # fmt: skip
    for name, (output, expected) in made.items():
        _require(piece, f"{name} of its density", output, expected)
    return density


def own_likelihood(piece: Piece, config: LikelihoodConfig) -> Likelihood:
    """Return an own likelihood.

    Raises: UsageError where it is none.
    """
    found = call(piece, piece.given(config))
    if not isinstance(found, Likelihood):
        what = f"it must return a runner.model.Likelihood, not {_kind(found)}"
        raise UsageError(wrong(piece, what))
    return found


def try_likelihood(piece: Piece, likelihood: Likelihood, shape: tuple[int, int, int]) -> None:
    """Refuse an own likelihood whose log p(x|z) or mean has another shape than the images ask for.

    Raises: UsageError.
    """
    channels, height, width = shape
    images_BCHW = torch.full((_SAMPLES, channels, height, width), 0.5)
    output_BKHW = torch.zeros(_SAMPLES, likelihood.channels(channels), height, width)
    with torch.no_grad():
        log_B = _trial(piece, likelihood.log_prob, output_BKHW, images_BCHW)
        mean_BCHW = _trial(piece, likelihood.mean, output_BKHW)
    _require(piece, "log_prob", log_B, (_SAMPLES,))
    _require(piece, "mean", mean_BCHW, (_SAMPLES, *shape))


def _require(piece: Piece, what: str, output: object, expected: tuple[int, ...]) -> None:
    shape = tuple(output.shape) if isinstance(output, Tensor) else None
    if shape != expected:
        got = _kind(output) if shape is None else f"the shape {shape}"
        raise UsageError(wrong(piece, f"{what} must have the shape {expected}, and has {got}"))


def _trial(piece: Piece, function: Callable[..., Any], *given: object) -> Any:  # noqa: ANN401
    """Return what something that a piece made gives; what it raises is the piece's error."""
    return call(replace(piece, function=function), *given)


def _kind(found: object) -> str:
    return type(found).__name__
