"""The two halves of a trained VAE as modules of plain tensors, for other programs.

Both compute in float32, whatever the model was trained in.

Shapes: B images or codes, W columns of z, V continuous variables, K categories, C H W image.
"""

from __future__ import annotations

from torch import Tensor, nn

from runner.model.vae import VAE

CODES, MEANS, SCALES, IMAGES = "codes", "means", "scales", "images"
PROBABILITIES = "probabilities_"
"""What the names of outputs of discrete variables begin with; the name of the variable follows."""


class PortableEncoder(nn.Module):
    """From images to what q(z|x) says of them."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.network = model.encoder
        self.latents = model.latents

    @property
    def outputs(self) -> dict[str, list[int]]:
        """Name of each output → its shape without the batch.

        ``codes`` are the mean codes, which the decoder takes; ``means`` and ``scales`` belong to
        the normal variables, and a deterministic code has none.
        """
        latents = self.latents
        shapes = {CODES: [latents.width]}
        if latents.has_density:
            shapes |= {MEANS: [latents.continuous.count], SCALES: [latents.continuous.count]}
        named = latents.discrete.by_name
        return shapes | {PROBABILITIES + name: [each.width] for name, each in named.items()}

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs for images as the encoder sees them, (B, C, H, W), in their order."""
        parameters_BP = self.network(images)
        codes_BW = self.latents.posterior_mean(parameters_BP)
        found = [codes_BW]
        if self.latents.has_density:
            found += self.latents.posterior(parameters_BP)
        columns = self.latents.columns
        # Copies: an exported program may not return the same tensor twice.
        found += [codes_BW[:, columns[name]].clone() for name in self.latents.discrete.by_name]
        return tuple(found)


class PortableDecoder(nn.Module):
    """From codes to the expected images."""

    def __init__(self, model: VAE) -> None:
        super().__init__()
        self.network = model.decoder
        self.latents = model.latents
        self.likelihood = model.likelihood

    def forward(self, codes: Tensor) -> Tensor:
        """Return the means of p(x|z), (B, C, H, W), of codes, (B, W)."""
        return self.likelihood.mean(self.network(self.latents.decoder_input(codes)))
