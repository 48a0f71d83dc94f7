"""The variational autoencoder: x → q(z|x) → z → p(x|z).

Images are floating-point values as the dataset's kind defines them, from 0 to 1 for pixels.

Shapes: B images, C H W image, W columns of z, P parameters of q(z|x), U uniform
numbers that a network takes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from runner.config import LikelihoodConfig, RunConfig
from runner.model.architecture import build_networks
from runner.model.build_latent_space import build_latent_space
from runner.model.latent_space import LatentSpace
from runner.model.likelihood import Likelihood, build_likelihood
from runner.model.own import own_likelihood, try_likelihood
from runner.model.shapes import NetworkShapes
from runner.plugins import piece


class VAE(nn.Module):
    """Encoder, latent space, decoder and likelihood; only the two networks may run in bfloat16."""

    def __init__(
        self,
        networks: tuple[nn.Module, nn.Module],
        latents: LatentSpace,
        likelihood: Likelihood,
        *,
        bf16: bool,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = networks
        self.latents = latents
        self.likelihood = likelihood
        self.bf16 = bf16

    @property
    def network_uniforms(self) -> tuple[int, int]:
        """Uniform numbers of each example that the encoder and the decoder take in training.

        They are the noise of dropout: a network that has it says in ``uniform_count`` how many.
        """
        counts = [int(getattr(net, "uniform_count", 0)) for net in (self.encoder, self.decoder)]
        return counts[0], counts[1]

    def encode(self, images_BCHW: Tensor, uniform_BU: Tensor | None = None) -> Tensor:
        """Return the parameters of q(z|x), (B, P), without dropout unless numbers are given."""
        with self._precision(images_BCHW.device):
            return _full(self.encoder(images_BCHW, *_given(uniform_BU)))

    def decode(self, z_BW: Tensor, uniform_BU: Tensor | None = None) -> Tensor:
        """Return the decoder's output, (B, K, H, W): the parameters of the likelihood, no image."""
        with self._precision(z_BW.device):
            return _full(self.decoder(self.latents.decoder_input(z_BW), *_given(uniform_BU)))

    def _precision(self, device: torch.device) -> AbstractContextManager[object]:
        """Return the context that the networks run in."""
        return torch.autocast(device.type, torch.bfloat16) if self.bf16 else nullcontext()

    def log_px_z(
        self, images_BCHW: Tensor, z_BW: Tensor, uniform_BU: Tensor | None = None
    ) -> Tensor:
        """Return log p(x|z), (B,), in nats."""
        return self.likelihood.log_prob(self.decode(z_BW, uniform_BU), images_BCHW)

    def bind_latents(self, temperature: float | Tensor | None = None) -> LatentSpace:
        """Return the latent space of one step, with a VampPrior's mixture and a temperature."""
        latents = self.latents.with_encoder(self.encode)
        return latents if temperature is None else latents.at_temperature(temperature)

    def decode_mean(self, z_BW: Tensor) -> Tensor:
        """Return the expected images, (B, C, H, W)."""
        return self.likelihood.mean(self.decode(z_BW))


def _given(uniform_BU: Tensor | None) -> tuple[Tensor, ...]:
    return () if uniform_BU is None else (uniform_BU,)


def _full(output: Tensor) -> Tensor:
    """Return bfloat16 as float32; a float64 model stays one."""
    return output.float() if output.dtype == torch.bfloat16 else output


def build(
    config: RunConfig,
    *,
    shape: tuple[int, int, int],
    classes: int,
    images: Callable[[], Tensor] | None = None,
) -> VAE:
    """Return a model with the parameters of ``config.seed``, on the CPU.

    The parameters are initialised on the CPU, so that a seed gives the same ones on every device.
    ``images`` gives training images as the networks see them, (N, C, H, W), for priors that
    are initialised from them.

    Raises: UsageError when the architecture does not fit the images, or a name is unknown.
    """

    def training_images() -> Tensor:
        if images is None:
            raise ValueError(f"prior={config.prior.name} starts from training images")
        return images().cpu()

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        latents = build_latent_space(
            config.prior,
            shape=shape,
            classes=classes,
            concrete_density=config.objective.concrete_density,
            images=training_images,
            conditional=config.architecture.conditional,
            hard=config.objective.concrete_draws == "hard",
            labelled=config.labels is not None,
        )
        torch.manual_seed(config.seed)  # the networks' start does not depend on the prior
        likelihood = _likelihood(config.likelihood, shape)
        output_channels = likelihood.channels(shape[0])
        values_AC = (
            latents.discrete.values_of_atoms(torch.zeros(0)) if latents.components > 1 else None
        )
        shapes = NetworkShapes(
            shape, latents.parameter_count, latents.width, output_channels, values_AC
        )
        networks = build_networks(config.architecture, shapes)
    return VAE(networks, latents, likelihood, bf16=config.precision == "bf16")


def _likelihood(config: LikelihoodConfig, shape: tuple[int, int, int]) -> Likelihood:
    own = piece("likelihood", config.name)
    if own is None:
        return build_likelihood(config)
    likelihood = own_likelihood(own, config)
    try_likelihood(own, likelihood, shape)
    return likelihood
