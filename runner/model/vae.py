"""The variational autoencoder: x → q(z|x) → z → p(x|z).

Shapes: B images, C H W image, W columns of z, P numbers from the encoder.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.model.architecture import NetworkShapes, build_networks
from runner.model.build_latent_space import build_latent_space
from runner.model.latent_space import LatentSpace
from runner.model.likelihood import Likelihood, build_likelihood


class VAE(nn.Module):
    """Encoder, prior, decoder and likelihood; in bfloat16 only the two networks are."""

    def __init__(
        self,
        networks: tuple[nn.Sequential, nn.Sequential],
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

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the parameters of q(z|x), (B, P)."""
        with torch.autocast(images_BCHW.device.type, torch.bfloat16, enabled=self.bf16):
            return _full(self.encoder(images_BCHW))

    def decode(self, z_BW: Tensor) -> Tensor:
        """Return the decoder's output, (B, C, H, W): what the likelihood reads, not an image."""
        with torch.autocast(z_BW.device.type, torch.bfloat16, enabled=self.bf16):
            return _full(self.decoder(self.latents.decoder_input(z_BW)))

    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return log p(x|z), (B,), in nats."""
        return self.likelihood.log_prob(self.decode(z_BW), images_BCHW)

    def bind_latents(self, temperature: float | Tensor | None = None) -> LatentSpace:
        """Return the prior for one step: with the mixture of a VampPrior, and its temperature."""
        latents = self.latents.with_encoder(self.encode)
        return latents if temperature is None else latents.at_temperature(temperature)

    def decode_mean(self, z_BW: Tensor) -> Tensor:
        """Return the expected images, (B, C, H, W), pixels between 0 and 1."""
        return self.likelihood.mean(self.decode(z_BW))


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

    The parameters are drawn on the CPU whatever the device, so that a seed means one start.
    ``images`` gives training images as the networks see them, (N, C, H, W), for priors that start
    from them.

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
        )
        torch.manual_seed(config.seed)  # the networks' start does not depend on the prior
        likelihood = build_likelihood(config.likelihood)
        output_channels = likelihood.channels(shape[0])
        ends = NetworkShapes(shape, latents.parameter_count, latents.width, output_channels)
        networks = build_networks(config.architecture, ends)
    return VAE(networks, latents, likelihood, bf16=config.precision == "bf16")
