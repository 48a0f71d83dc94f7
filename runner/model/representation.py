"""A trained VAE as the evaluation sees it.

It gives what ``evaluation.representation.Representation`` asks for. Discrete variables are
categorical here however they were trained, and a VampPrior is the mixture that it stands for.

Shapes: B images or codes, W columns of z, P parameters of q(z|x), K categories, C H W image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy

import torch
from torch import Generator, Tensor

from runner.model.known_class import Classifier
from runner.model.latent_space import LatentSpace
from runner.model.topics import NvdmDecoder, ProdldaDecoder
from runner.model.vae import VAE


class VaeRepresentation:
    """Codes, reconstructions and densities of a model that is no longer trained."""

    def __init__(self, model: VAE, to_input: Callable[[Tensor], Tensor]) -> None:
        """Take a model, and what turns stored images into those that it sees."""
        self._model = model
        self._to_input = to_input
        self._latents: LatentSpace | None = None

    @property
    def device(self) -> torch.device:
        """The model's."""
        return next(self._model.parameters()).device

    @property
    def columns(self) -> Mapping[str, slice]:
        """The columns of z of each variable."""
        return self._model.latents.columns

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """The columns of z at every category of each discrete variable, (K, its width)."""
        return {
            name: variable.as_value(torch.arange(variable.categories), torch.zeros(0))
            for name, variable in self._model.latents.discrete.by_name.items()
        }

    @property
    def values(self) -> Mapping[str, Tensor]:
        """The numbers that a variable of one column takes, (K,), where there are K of them."""
        latents = self._model.latents
        if (values_VK := latents.continuous.values_VK) is None:
            return {}
        names = latents.variable_names[len(latents.discrete.variables) :]
        return dict(zip(names, values_VK.detach().sort(1).values, strict=True))

    @property
    def latents(self) -> LatentSpace | None:
        """The densities q(z|x) and p(z); None for a deterministic code, which has none."""
        if self._latents is None and self._model.latents.has_density:
            with torch.no_grad():  # once: a VampPrior encodes its pseudo-inputs here
                self._latents = self._model.bind_latents().with_categorical()
        return self._latents

    @property
    def classifier(self) -> Classifier | None:
        """The discrete variable that is trained with labels, where there is one."""
        latents = self._model.latents
        return None if latents.discrete.class_variable is None else Classifier(latents)

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the parameters of q(z|x), (B, P), of stored images."""
        return self._model.encode(self._to_input(images_BCHW))

    def bulk_encoder(self) -> Callable[[Tensor], Tensor]:
        """Return a function like ``encode`` that is faster for a whole dataset."""
        # Convolutions are faster with channels last in memory. A copy: the layout of the model
        # itself is the trainer's choice.
        model = deepcopy(self._model).to(memory_format=torch.channels_last)
        return lambda images_BCHW: model.encode(self._to_input(images_BCHW))

    def mean(self, parameters_BP: Tensor) -> Tensor:
        """Return the mean codes, (B, W): means, and probabilities of categories."""
        return self._model.latents.posterior_mean(parameters_BP)

    def sample(self, parameters_BP: Tensor, source: Generator) -> Tensor:
        """Return a sample from each q(z|x), (B, W), discrete variables as categories."""
        latents = self._model.latents.with_categorical()
        noise_BW = latents.noise(len(parameters_BP), source)
        return latents.discretise(latents.sample(parameters_BP, noise_BW))

    def code_given(
        self, parameters_BP: Tensor, categories: Mapping[str, int] | None = None
    ) -> Tensor:
        """Return the codes at categories of discrete variables, (B, W).

        Discrete variables that are not named have their most probable categories. The continuous
        ones have their means given all of these, which differ from one category to the next where
        the posterior is conditional.
        """
        latents = self._model.latents
        z_BW = latents.discretise(latents.posterior_mean(parameters_BP))
        for name, category in (categories or {}).items():
            z_BW[:, latents.columns[name]] = self.category_values[name][category].to(z_BW)
        return latents.mean_given(parameters_BP, z_BW[:, : latents.discrete.width])

    def sample_prior(self, samples: int, source: Generator) -> Tensor | None:
        """Return samples from p(z), (B, W); None for a deterministic code."""
        if self.latents is None:
            return None
        shape = (samples, self.latents.uniform_count)
        uniform_BU = torch.rand(shape, generator=source, device=source.device)
        return self.latents.sample_prior(uniform_BU)

    def discretise(self, z_BW: Tensor) -> Tensor:
        """Return codes with every discrete variable at its most probable category, (B, W)."""
        return self._model.latents.discretise(z_BW)

    def continuous_part(self, z_BW: Tensor) -> Tensor:
        """Return the continuous variables of codes, (B, V)."""
        return self._model.latents.continuous_part(z_BW)

    def decode(self, z_BW: Tensor) -> Tensor:
        """Return the expected images, (B, C, H, W), in the values that the model sees."""
        return self._model.decode_mean(z_BW)

    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return log p(x|z) of stored images, (B,), in nats."""
        return self._model.log_px_z(self._to_input(images_BCHW), z_BW)

    def reconstruction_errors(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return two errors of every image, (2, B), from codes that are decoded once.

        The first is the squared difference from the expected image, the mean over pixels; the
        second is -log p(x|z), in nats.
        """
        likelihood, inputs_BCHW = self._model.likelihood, self._to_input(images_BCHW)
        output_BKHW = self._model.decode(z_BW)
        difference_BCHW = likelihood.expected(output_BKHW, inputs_BCHW) - inputs_BCHW
        squared_error_B = difference_BCHW.square().flatten(1).mean(1)
        return torch.stack([squared_error_B, -likelihood.log_prob(output_BKHW, inputs_BCHW)])

    @torch.no_grad()
    def loadings(self) -> Tensor:
        """Return how much a larger value of each column of z favours each value of x, (W, C*H*W).

        They are the weights of a decoder that has a linear layer of the code. Of another they are
        the change of log p(x|z), per value, from the middle of the prior to one standard deviation
        of it above in that column; a column of a discrete variable is moved by one.
        """
        decoder = self._model.decoder
        if isinstance(decoder, ProdldaDecoder | NvdmDecoder):
            return decoder.loadings()
        latents = self._model.latents
        like = torch.zeros(1, latents.width, device=self.device)
        middle_W = latents.prior_center(like) if latents.has_density else like[0]
        step_W = torch.ones_like(middle_W)
        for name, std in latents.prior_std.items():
            step_W[latents.columns[name]] = std
        moved_WW = middle_W + torch.diag(step_W)
        expected = self.decode(torch.cat([middle_W[None], moved_WW])).flatten(1)
        log_expected = expected.clamp(min=torch.finfo(expected.dtype).tiny).log()
        return log_expected[1:] - log_expected[0]
