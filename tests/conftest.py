"""What all tests share: composed settings, small synthetic images, random log-densities."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hydra import compose, initialize_config_dir
from torch import Tensor

from runner import config as settings
from runner.config import RunConfig
from runner.dataset import Dataset, Factor, ResidentSplit
from runner.model import Densities
from runner.model.prior import GroupDensities

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def composed() -> Callable[..., RunConfig]:
    """Settings as the command line would give them: ``composed("objective=vae", "beta=2")``."""
    settings.register()

    def build(*overrides: str) -> RunConfig:
        conf = str(settings.data_root() / "conf")
        with initialize_config_dir(conf, version_base="1.3"):
            return settings.parse(compose("config", list(overrides)))

    return build


@pytest.fixture(scope="session")
def toy_dataset() -> Dataset:
    """256 noisy 8x8 images of 4 classes: one bright quadrant each."""
    source = torch.Generator().manual_seed(0)
    classes = torch.arange(256) % 4
    images = torch.rand(256, 1, 8, 8, generator=source) * 60
    for image, label in zip(images, classes, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 180
    split = ResidentSplit(images.to(torch.uint8), classes[:, None])
    return Dataset(
        name="toy",
        train=split,
        test=split,
        held_out=False,
        factors=(Factor("label", 4),),
        shape=(1, 8, 8),
        class_factor="label",
        class_names=("0", "1", "2", "3"),
    )


def random_densities(sizes: list[int], samples: int, *, atoms: int = 1, seed: int = 0) -> Densities:
    """Arbitrary log-densities: group g has sizes[g] variables; the first is enumerated."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    groups = []
    for g, size in enumerate(sizes):
        a = atoms if g == 0 else 1
        pairs = normal(size, a, samples, samples)
        own = pairs.diagonal(dim1=-2, dim2=-1)
        groups.append(GroupDensities(pairs, own, normal(size, a, samples)))
    return Densities(tuple(groups), torch.softmax(normal(atoms, samples), 0))
