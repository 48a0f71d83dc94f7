"""Images and networks of a case in plain PyTorch, for all who do not build them themselves.

Shapes: N B images, C H W image, V latent variables.
"""

from __future__ import annotations

import numpy as np
import torch
from cases import Case
from torch import Tensor, nn


def images_of(case: Case) -> Tensor:
    """Return bright rectangles on black, uint8, (N, 1, H, W); the same in every process."""
    source = np.random.default_rng(0)
    size, number = case.size, case.images
    place = source.integers(0, size // 2, (2, number, 1))
    edge = source.integers(size // 4, size // 2, (2, number, 1))
    along = np.arange(size)
    rows, columns = (along >= place) & (along < place + edge)
    brightness = source.integers(128, 256, (number, 1, 1), dtype=np.uint8)
    images = torch.empty(number, 1, size, size, dtype=torch.uint8)
    for part in np.array_split(
        np.arange(number), 1 + number // 10_000
    ):  # little memory beside them
        inside = rows[part][:, :, None] & columns[part][:, None, :]
        images[part] = torch.from_numpy(inside * brightness[part])[:, None]
    return images


def networks(case: Case) -> tuple[nn.Sequential, nn.Sequential]:
    """Return the encoder, to (B, 2 V), and the decoder, to logits, (B, 1, H, W), of a case."""
    shapes = {"mlp": _mlp, "conv28": _conv28, "conv64": _conv64}
    return shapes[case.architecture](case)


def _mlp(case: Case) -> tuple[nn.Sequential, nn.Sequential]:
    pixels, size = case.size**2, case.size
    encoder = nn.Sequential(
        nn.Flatten(), nn.Linear(pixels, 400), nn.ReLU(), nn.Linear(400, 200), nn.ReLU(),
        nn.Linear(200, 2 * case.latents),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(case.latents, 200), nn.ReLU(), nn.Linear(200, 400), nn.ReLU(),
        nn.Linear(400, pixels), nn.Unflatten(1, (1, size, size)),
    )  # fmt: skip
    return encoder, decoder


def _conv28(case: Case) -> tuple[nn.Sequential, nn.Sequential]:
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 2 * case.latents),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(case.latents, 256), nn.ReLU(), nn.Linear(256, 3136), nn.ReLU(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def _conv64(case: Case) -> tuple[nn.Sequential, nn.Sequential]:
    encoder = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 2, 2), nn.ReLU(), nn.Conv2d(64, 64, 2, 2), nn.ReLU(), nn.Flatten(),
        nn.Linear(1024, 256), nn.ReLU(), nn.Linear(256, 2 * case.latents),
    )  # fmt: skip
    decoder = nn.Sequential(
        nn.Linear(case.latents, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU(),
        nn.Unflatten(1, (64, 4, 4)),
        nn.ConvTranspose2d(64, 64, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 32, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 2, 1),
    )  # fmt: skip
    return encoder, decoder


def parameters_of(*modules: nn.Module) -> int:
    """Return the number of trained parameters."""
    return sum(p.numel() for module in modules for p in module.parameters())
