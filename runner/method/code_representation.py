"""A method of deterministic codes as the evaluation sees it.

It has codes and images and no densities. -log p(x|z) is that of the run's likelihood around the
image that a code is decoded to.

Shapes: B images or codes, W columns of z, D numbers of an image, K categories, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Generator, Tensor

from runner.model import Likelihood


class CodeModel(Protocol):
    """What turns images into codes and codes into images; a ``torch.nn.Module``."""

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of a code of each variable, in order."""
        ...

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """The columns of a code at every category of each discrete variable, (K, its width)."""
        ...

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the codes of images as the model sees them, (B, W)."""
        ...

    def decode(self, codes_BW: Tensor) -> Tensor:
        """Return the images of codes, (B, C, H, W); of pixels between 0 and 1."""
        ...

    def output(self, codes_BW: Tensor, likelihood: Likelihood) -> Tensor:
        """Return the output of a likelihood around the decoded images, (B, K, H, W).

        A model that has the logits of its pixels returns those: a mean of 1 says less than they do.
        """
        return likelihood.output_of(self.decode(codes_BW))

    def sample_codes(self, samples: int, source: Generator) -> Tensor | None:
        """Return codes of the model's own distribution, (B, W); None where it has none."""
        ...


class CodeRepresentation:
    """What ``evaluation.representation.Representation`` asks for, of a model of codes."""

    latents = None
    classifier = None

    def __init__(
        self,
        model: CodeModel,
        likelihood: Likelihood,
        to_input: Callable[[Tensor], Tensor],
        device: torch.device,
    ) -> None:
        """Take a model, a likelihood, and what turns stored images into those that it sees."""
        self._model, self._likelihood, self._to_input = model, likelihood, to_input
        self.device = device

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of a code of each variable."""
        return self._model.columns

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """The columns of a code at every category of each discrete variable, (K, its width)."""
        return self._model.category_values

    @property
    def values(self) -> Mapping[str, Tensor]:
        """None: continuous variables take any number."""
        return {}

    @torch.no_grad()
    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the codes of stored images, (B, W)."""
        return self._model.encode(self._to_input(images_BCHW))

    def bulk_encoder(self) -> Callable[[Tensor], Tensor]:
        """Return ``encode``."""
        return self.encode

    def mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the codes, (B, W)."""
        return parameters_BP

    def sample(self, parameters_BP: Tensor, source: Generator) -> Tensor:  # noqa: ARG002
        """Return the codes, (B, W), with discrete variables as categories."""
        return self.discretise(parameters_BP)

    def code_given(
        self, parameters_BP: Tensor, categories: Mapping[str, int] | None = None
    ) -> Tensor:
        """Return codes at categories of discrete variables, (B, W), else the most probable ones."""
        z_BW = self.discretise(parameters_BP)
        for name, category in (categories or {}).items():
            z_BW[:, self.columns[name]] = self.category_values[name][category].to(z_BW)
        return z_BW

    def sample_prior(self, samples: int, source: Generator) -> Tensor | None:
        """Return codes of the model's own distribution, (B, W), where it has one."""
        return self._model.sample_codes(samples, source)

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return codes with every discrete variable at its most probable category, (B, W)."""
        z_BW = z_BW.clone()
        for name, values_KW in self.category_values.items():
            values_KW = values_KW.to(z_BW)  # noqa: PLW2901 - the same on another device
            nearest_B = torch.cdist(z_BW[:, self.columns[name]], values_KW).argmin(1)
            z_BW[:, self.columns[name]] = values_KW[nearest_B]
        return z_BW

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of codes, (B, V)."""
        discrete = self.category_values
        parts = [z_BW[:, each] for name, each in self.columns.items() if name not in discrete]
        return torch.cat(parts, dim=1) if parts else z_BW[:, :0]

    @torch.no_grad()
    def decode(self, z_BW: Tensor) -> Tensor:
        """Return the images of codes, (B, C, H, W), in the values that the model sees."""
        return self._model.decode(z_BW)

    @torch.no_grad()
    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return log p(x|z) of stored images, (B,), in nats."""
        return -self.reconstruction_errors(images_BCHW, z_BW)[1]

    @torch.no_grad()
    def reconstruction_errors(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return the mean squared error per pixel, and -log p(x|z) in nats, of images, (2, B)."""
        inputs_BCHW, mean_BCHW = self._to_input(images_BCHW), self._model.decode(z_BW)
        squared_B = (mean_BCHW - inputs_BCHW).square().flatten(1).mean(1)
        output_BKHW = self._model.output(z_BW, self._likelihood)
        return torch.stack([squared_B, -self._likelihood.log_prob(output_BKHW, inputs_BCHW)])


def plain_columns(count: int) -> dict[str, slice]:
    """Return the columns of continuous variables alone: ``z_0``, ``z_1``, …."""
    return {f"z_{number}": slice(number, number + 1) for number in range(count)}
