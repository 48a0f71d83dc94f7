"""What all tests share: composed settings, small synthetic images, random log-densities."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from functools import cache

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig
from torch import Tensor

from runner import config as settings
from runner.config import RunConfig
from runner.console.signals import Interrupt
from runner.dataset import IMAGES, Dataset, Factor, ResidentSplit
from runner.model import VAE, Densities, LatentSpace, Node, VaeRepresentation
from runner.model.discrete import Discrete
from runner.model.discrete_block import DiscreteBlock
from runner.model.independent import Independent, StandardNormal
from runner.model.prior import Prior
from runner.model.variables import Normals
from runner.objective import nodes_of

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def heard_interrupts() -> None:
    """A test run in the background of a script ignores Ctrl-C, and so would what it tests."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def no_signal_of_another_test() -> Iterator[None]:
    """A worker stops for a signal that any run of its process has seen."""
    yield
    Interrupt.last = None


@pytest.fixture(autouse=True)
def no_own_pieces_of_another_test() -> Iterator[None]:
    """Settings of a test have the pieces of the plugins that it names, and no others."""
    yield
    settings.use_plugins([])


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The key that signs this user's runs is not that of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def composed() -> Callable[..., RunConfig]:
    """Settings as the command line would give them: ``composed("objective=vae", "beta=2")``.

    A composition takes a quarter of a second, so each set of choices (``objective=vae``) is
    composed once; values (``beta=2``) are written into a copy of it by Hydra's own code, in the
    order given. Every call returns settings of its own.
    """
    conf = settings.data_root() / "conf"
    groups = {path.name for path in conf.iterdir() if path.is_dir()}
    parser = OverridesParser.create()

    @cache
    def base(choices: tuple[str, ...]) -> DictConfig:
        settings.register()  # here, since a test may have cleared what Hydra knows
        with initialize_config_dir(str(conf), version_base="1.3"):
            return compose("config", list(choices))

    def build(*overrides: str) -> RunConfig:
        choices = tuple(word for word in overrides if word.partition("=")[0] in groups)
        values = [word for word in overrides if word not in choices]
        config = deepcopy(base(choices))
        ConfigLoaderImpl._apply_overrides_to_config(parser.parse_overrides(values), config)
        return settings.parse(config)

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
        has_test_split=False,
        factors=(Factor("label", 4),),
        shape=(1, 8, 8),
        class_factor="label",
        class_names=("0", "1", "2", "3"),
    )


def represent(model: VAE) -> VaeRepresentation:
    """A model of images as the evaluation sees it."""
    return VaeRepresentation(model, IMAGES.to_input)


def tree_of(sizes: Sequence[int]) -> Node:
    """A tree of groups of so many neighbouring variables; one variable alone is a leaf."""
    groups, first = [], 0
    for g, size in enumerate(sizes):
        variables = tuple(range(first, first + size))
        leaves = tuple(Node(f"v{v}", (v,)) for v in variables) if size > 1 else ()
        groups.append(Node(f"g{g}", variables, leaves))
        first += size
    return Node("all", tuple(range(first)), tuple(groups))


def random_densities(
    tree: Node, samples: int, *, enumerated: int = 0, correlated: bool = False, seed: int = 0
) -> Densities:
    """Arbitrary log-densities of a tree's variables; each of the first ones has two values."""
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=source, dtype=torch.float64)

    count, atoms = len(tree.variables), 2**enumerated
    sampled_VBM = normal(count - enumerated, samples, samples)
    enumerated_VAM = normal(enumerated, atoms, samples)
    # A prior of each set of variables; that of a set is the sum unless they are correlated.
    single_VAB = normal(count, atoms, samples)
    joint = {node.variables: normal(atoms, samples) for node in nodes_of(tree) if node.children}

    def log_pz(variables: Sequence[int]) -> Tensor:
        part = single_VAB[list(variables)].sum(0)
        return part + joint[tuple(variables)] if correlated and len(variables) > 1 else part

    return Densities(
        tree=tree,
        atoms_AB=torch.softmax(normal(atoms, samples), 0),
        sampled_VBM=sampled_VBM,
        enumerated_VAM=enumerated_VAM,
        own_sampled_VB=sampled_VBM.diagonal(dim1=1, dim2=2),
        own_enumerated_VAB=enumerated_VAM,
        log_pz=log_pz,
        prior_factorises=not correlated,
    )


def prior_of(
    discrete: Mapping[str, Discrete] | None = None,
    normals: int = 0,
    *,
    groups: Sequence[int] | None = None,
    density: str = "exact",
    p: Prior | None = None,
) -> LatentSpace:
    """Discrete variables and standard normal ones, cut into groups of so many neighbours.

    Without ``groups`` each discrete variable is one, and the normals are another.
    """
    names = [*(discrete or {}), *(f"z_{v}" for v in range(normals))]
    sizes = groups or [1] * len(discrete or {}) + [normals] * (normals > 0)
    block = DiscreteBlock(discrete or {}, density, 0.66)
    return LatentSpace(
        block, Normals(normals), p or Independent(StandardNormal(normals)), tree_of(sizes), names
    )
