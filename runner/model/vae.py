"""The variational autoencoder: x → q(z|x) → z → p(x|z).

Shapes: B images, C H W image, W columns of z, P numbers from the encoder.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.model.architecture import Ends, build_networks
from runner.model.likelihood import Likelihood, build_likelihood
from runner.model.prior import Prior, build_prior


class VAE(nn.Module):
    """Encoder, prior, decoder and likelihood; in bfloat16 only the two networks are."""

    def __init__(
        self,
        networks: tuple[nn.Sequential, nn.Sequential],
        prior: Prior,
        likelihood: Likelihood,
        *,
        bf16: bool,
    ) -> None:
        super().__init__()
        self.encoder, self.decoder = networks
        self.prior = prior
        self.likelihood = likelihood
        self.bf16 = bf16

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the numbers of q(z|x), (B, P), for images of bytes or of values from 0 to 1."""
        with torch.autocast(images_BCHW.device.type, torch.bfloat16, enabled=self.bf16):
            return self.encoder(to_unit(images_BCHW)).float()

    def decode(self, z_BW: Tensor) -> Tensor:
        """Return the decoder's output, (B, C, H, W): what the likelihood reads, not an image."""
        with torch.autocast(z_BW.device.type, torch.bfloat16, enabled=self.bf16):
            return self.decoder(z_BW).float()

    def log_px_z(self, images_BCHW: Tensor, z_BW: Tensor) -> Tensor:
        """Return log p(x|z), (B,), in nats."""
        return self.likelihood.log_prob(self.decode(z_BW), to_unit(images_BCHW))

    def draw(self, z_BW: Tensor) -> Tensor:
        """Return the expected images, (B, C, H, W), pixels between 0 and 1."""
        return self.likelihood.mean(self.decode(z_BW))


def to_unit(images_BCHW: Tensor) -> Tensor:
    """Return bytes as values from 0 to 1; values stay as they are."""
    return images_BCHW.float() / 255 if images_BCHW.dtype == torch.uint8 else images_BCHW


def build(config: RunConfig, *, shape: tuple[int, int, int], classes: int) -> VAE:
    """Return a model with the parameters of ``config.seed``, on the CPU.

    The parameters are drawn on the CPU whatever the device, so that a seed means one start.

    Raises: UsageError when the architecture does not fit the images, or a name is unknown.
    """
    density = config.objective.concrete_density
    prior = build_prior(config.prior, classes=classes, concrete_density=density)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        ends = Ends(shape, prior.parameters, prior.width)
        networks = build_networks(config.architecture, ends)
    likelihood = build_likelihood(config.likelihood)
    return VAE(networks, prior, likelihood, bf16=config.precision == "bf16")
