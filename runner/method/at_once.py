"""Models that scikit-learn fits in one step: PCA, ICA and sparse coding.

All are linear decoders of codes, x = m + D z. Of PCA and ICA the encoder is linear too; a sparse
code is the lasso of an image on the dictionary.

Shapes: N images, D numbers of an image, W columns of a code, B images of a minibatch.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runner.config import CodePriorConfig, RunConfig
from runner.dataset import Dataset
from runner.errors import UsageError
from runner.method.code_method import CodeKind, CodeMethod, CodeModule, Shape
from runner.method.code_representation import plain_columns
from runner.training import Record, generator

Numbers = NDArray[np.float32]
Fit = Callable[[RunConfig, Numbers], Mapping[str, NDArray[Any]]]
"""From settings and images, (N, D), to the parameters of the model."""


class LinearDecoder(CodeModule):
    """x = m + z D, with images cut to the range of pixels."""

    mean_D: Tensor
    decoder_WD: Tensor

    def __init__(self, shape: Shape, width: int, *, has_prior: bool) -> None:
        super().__init__()
        self.shape, self.width, self.has_prior = shape, width, has_prior
        size = math.prod(shape)
        self.register_buffer("mean_D", torch.zeros(size))
        self.register_buffer("decoder_WD", torch.zeros(width, size))

    @property
    def columns(self) -> Mapping[str, slice]:
        """One for each component."""
        return plain_columns(self.width)

    @property
    def category_values(self) -> Mapping[str, Tensor]:
        """None of the variables is discrete."""
        return {}

    def decode(self, codes_BW: Tensor) -> Tensor:
        """Return m + z D, (B, C, H, W)."""
        images_BD = self.mean_D + codes_BW @ self.decoder_WD
        images_BCHW = images_BD.unflatten(1, self.shape)
        return images_BCHW.clamp(0, 1) if self.shape[1] > 1 else images_BCHW

    def sample_codes(self, samples: int, source: torch.Generator) -> Tensor | None:
        """Return standard normal codes, which is PCA's own model (Tipping & Bishop 1999)."""
        if not self.has_prior:
            return None
        shape = (samples, self.width)
        return torch.randn(shape, generator=source, device=self.mean_D.device)


class LinearCode(LinearDecoder):
    """z = (x - m) E, of variance one over the images that it was fitted to."""

    encoder_DW: Tensor

    def __init__(self, shape: Shape, width: int, *, has_prior: bool) -> None:
        super().__init__(shape, width, has_prior=has_prior)
        self.register_buffer("encoder_DW", torch.zeros(math.prod(shape), width))

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return (x - m) E, (B, W)."""
        return (images_BCHW.flatten(1) - self.mean_D) @ self.encoder_DW


class SparseCode(LinearDecoder):
    """z minimises ||x - m - z D||^2 / 2 + sparsity ||z||_1 (Olshausen & Field 1996)."""

    def __init__(self, shape: Shape, width: int, sparsity: float) -> None:
        super().__init__(shape, width, has_prior=False)
        self.sparsity = sparsity

    def encode(self, images_BCHW: Tensor) -> Tensor:
        """Return the code of each image, (B, W)."""
        from sklearn.decomposition import sparse_encode

        # In float32 the lasso stops short of its own tolerance.
        images_BD = (images_BCHW.flatten(1) - self.mean_D).double().cpu().numpy()
        dictionary_WD = self.decoder_WD.double().cpu().numpy()
        if not len(images_BD):
            return images_BCHW.new_zeros(0, self.width)
        with _without_warnings():
            codes_BW = sparse_encode(
                images_BD, dictionary_WD, algorithm="lasso_cd", alpha=self.sparsity
            )
        return torch.from_numpy(np.asarray(codes_BW, dtype=np.float32)).to(images_BCHW)


def fit_pca(config: RunConfig, images_ND: Numbers) -> Mapping[str, NDArray[Any]]:
    """Return the principal components, scaled to codes of variance one."""
    from sklearn.decomposition import PCA

    width = config.prior.dimensions
    found = PCA(width, svd_solver="randomized", random_state=config.seed)
    found.fit(images_ND)
    std_W = np.sqrt(found.explained_variance_).clip(min=1e-12)
    components_WD = cast("Numbers", found.components_)
    return {
        "mean_D": found.mean_,
        "encoder_DW": components_WD.T / std_W,
        "decoder_WD": components_WD * std_W[:, None],
    }


def fit_ica(config: RunConfig, images_ND: Numbers) -> Mapping[str, NDArray[Any]]:
    """Return the independent components of the principal ones (FastICA, Hyvarinen 1999)."""
    from sklearn.decomposition import FastICA

    pca = fit_pca(config, images_ND)
    white_NW = (images_ND - pca["mean_D"]) @ pca["encoder_DW"]
    ica = FastICA(
        whiten=cast("Any", False),  # noqa: FBT003 - it is done
        max_iter=1000,
        tol=1e-3,
        random_state=config.seed,
    )
    with _without_warnings():
        ica.fit(white_NW)
    rotation_WW = np.asarray(ica.components_)
    return {
        "mean_D": pca["mean_D"],
        "encoder_DW": pca["encoder_DW"] @ rotation_WW.T,
        "decoder_WD": np.linalg.pinv(rotation_WW.T) @ pca["decoder_WD"],
    }


def fit_dictionary(config: RunConfig, images_ND: Numbers) -> Mapping[str, NDArray[Any]]:
    """Return a dictionary of rows of length one (Mairal et al. 2009)."""
    from sklearn.decomposition import MiniBatchDictionaryLearning

    mean_D = images_ND.mean(0)
    found = MiniBatchDictionaryLearning(
        config.prior.dimensions,
        alpha=cast("Any", config.objective.fitted.sparsity),
        batch_size=config.batch_size,
        max_iter=_PASSES,
        fit_algorithm="cd",
        random_state=config.seed,
    )
    with _without_warnings():
        found.fit(images_ND - mean_D)
    return {"mean_D": mean_D, "decoder_WD": found.components_}


@contextmanager
def _without_warnings() -> Generator[None]:
    """Say nothing of iterations that end before their tolerance: the last one is the result."""
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


_PASSES = 10
"""Of the dictionary's fit over the images."""


@dataclass
class AtOnce(CodeMethod):
    """A model that is fitted in one step."""

    def check(self, config: RunConfig, dataset: Dataset) -> None:
        """Refuse more variables than images or pixels, besides what all refuse.

        Raises: UsageError.
        """
        super().check(config, dataset)
        prior, of = config.prior, f"objective={config.objective.name}"
        if not isinstance(prior, CodePriorConfig) or prior.activation != "linear" or prior.discrete:
            message = f"{of} has a deterministic code of its own making, not prior={prior.name}"
            raise UsageError(message, "prior=code, without discrete variables")
        most = min(self.images_per_step(config), math.prod(dataset.shape))
        if config.objective.method != "sparse_coding" and prior.dimensions > most:
            raise UsageError(
                f"prior.dimensions={prior.dimensions}: {of} has at most {most} of them"
            )

    def steps_of(self, config: RunConfig, dataset: Dataset) -> int:  # noqa: ARG002
        """Return one."""
        return 1

    def images_per_step(self, config: RunConfig) -> int:
        """Return the number of images that it is fitted to."""
        return min(config.objective.fitted.images, self.dataset.train.size)

    def train(self, config: RunConfig, steps: int) -> Iterator[Record | None]:
        """Fit the model to training images that the seed chooses."""
        if self.made >= steps:
            return
        split, count = self.dataset.train, self.images_per_step(config)
        draws = generator(torch.device("cpu"), config.seed, "order", 0)
        indices_N = torch.randperm(split.size, generator=draws)[:count].to(self.place)
        parts = [self.images_of(split, part).flatten(1).cpu() for part in indices_N.split(500)]
        found = FITS[config.objective.method](config, torch.cat(parts).numpy())
        tensors = {name: torch.from_numpy(np.array(v, np.float32)) for name, v in found.items()}
        self.model.load_state_dict(tensors)
        self.made = 1
        loss = self.reconstruction(split, indices_N[:1000])
        yield {"step": 1, "loss": loss, "terms/reconstruction": loss}


FITS: Mapping[str, Fit] = {"pca": fit_pca, "ica": fit_ica, "sparse_coding": fit_dictionary}
"""Name in ``objective.method`` → the function that fits it."""


def _linear(config: RunConfig, shape: Shape) -> LinearCode:
    has_prior = config.objective.method == "pca"
    return LinearCode(shape, config.prior.dimensions, has_prior=has_prior)


def _sparse(config: RunConfig, shape: Shape) -> SparseCode:
    return SparseCode(shape, config.prior.dimensions, config.objective.fitted.sparsity)


AT_ONCE: Mapping[str, CodeKind] = {
    "pca": CodeKind(AtOnce, _linear),
    "ica": CodeKind(AtOnce, _linear),
    "sparse_coding": CodeKind(AtOnce, _sparse),
}
"""Name in ``objective.method`` → how it is built."""
