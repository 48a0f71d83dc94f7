"""A run folder from Python: what it holds, and its model at work."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.api.isolation import own_hydra, own_precision, plain_errors
from runner.api.place import Place
from runner.config import RunConfig
from runner.errors import VaerunError
from runner.runs.saved import saved_settings
from runner.store.confined import confined
from runner.store.run_folder import RunFolder
from runner.store.scores_file import ScoresFile

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray
    from pandas import DataFrame
    from torch import Tensor, nn

    from runner.api.encoded import Encoded
    from runner.api.images import Images
    from runner.api.traversing import Traversal
    from runner.runs.load import OpenedModel

_PICTURES = (".svg", ".pdf", ".gif", ".png")
"""Endings of figures; of two of one name the later one here is taken."""


class Run:
    """The folder of a run.

    What it holds is read at each access, so a run that is being trained shows how far it is; the
    settings and the model are read once.
    """

    def __init__(self, path: str | Path, device: str = "cpu", *, trust: bool = False) -> None:
        """Take a run folder.

        Args:
            path: the folder; there must be a run in it.
            device: where its model computes: cpu, cuda, cuda:1, mps, or auto for the first of
                cuda, mps and cpu that there is.
            trust: whether a run that this user did not make may read datasets and log to W&B where
                its folder says, and run the code of its own pieces.

        Raises: UsageError where there is no run.
        """
        self.path = Path(path).expanduser().absolute()
        self.device = device
        self.trust = trust
        with plain_errors():
            self._folder = RunFolder.open(self.path)

    def __repr__(self) -> str:
        try:
            told = f"{self.state}, at step {self.status.get('step', 0)}"
        except VaerunError:
            told = "its status.json is corrupt"
        return f"<Run '{self.path}': {told}>"

    @cached_property
    def config(self) -> RunConfig:
        """The settings, as :func:`runner.compose` returns them."""
        with plain_errors(), own_hydra():
            return saved_settings(self.path, trusted=self.trust)

    @property
    def status(self) -> dict[str, Any]:
        """``status.json``: ``state``, ``step``, ``steps``, ``error``, ``seconds``, versions, …."""
        with plain_errors():
            return self._folder.read_status()

    @property
    def state(self) -> str:
        """Running, finished, interrupted, failed or diverged."""
        return str(self.status.get("state") or "never begun")

    @property
    def records(self) -> DataFrame:
        """The records of the training: ``step``, ``loss``, ``terms/…``, ``rate``, …; in nats.

        Of very many records an evenly spaced part is read.
        """
        import pandas as pd

        with plain_errors():
            return pd.DataFrame(self._folder.read_records())

    @property
    def summary(self) -> dict[str, Any]:
        """``summary.json``: ``elbo``, ``terms``, …; empty before the evaluation."""
        with plain_errors():
            return self._folder.read_summary()

    @property
    def scores(self) -> dict[str, float]:
        """The scores of the run by name, such as ``mean/mig``; those of an earlier step are not."""
        return self._scores_file().numbers()

    @property
    def score_errors(self) -> dict[str, float]:
        """The standard errors of the scores that have one (``metrics.repeats``), by their names."""
        return self._scores_file().standard_errors()

    def _scores_file(self) -> ScoresFile:
        with plain_errors():
            step = self.status.get("step")
            return ScoresFile(self.path / "scores.json", {"step": step})

    @property
    def figures(self) -> dict[str, Path]:
        """The pictures of the run by name: ``traversals``, ``reconstructions``, …."""
        with plain_errors():
            place = confined(self.path / "figures", self.path)
            files = [each for each in sorted(place.glob("*")) if each.suffix in _PICTURES]
            ordered = sorted(files, key=lambda each: _PICTURES.index(each.suffix))
            return {each.stem: self.path / "figures" / each.name for each in ordered}

    @property
    def model(self) -> nn.Module:
        """The trained model, a ``torch.nn.Module``, on ``device``."""
        return self._opened.model

    @cached_property
    def _opened(self) -> OpenedModel:
        from runner.runs.load import open_model

        with plain_errors(), own_hydra():
            return open_model(self.path, self.device, trusted=self.trust)

    @property
    def _place(self) -> Place:
        return Place(self.path, self.device, trusted=self.trust)

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the latent variables, the discrete ones first."""
        return tuple(self._opened.representation.columns)

    def encode(self, images: Images) -> Encoded:
        """Return the codes of images; the dataset is not needed.

        Args:
            images: an array or a tensor, (N, H, W), (N, H, W, C) or (N, C, H, W), of bytes or of
                floats from 0 to 1; PIL images, or paths of pictures, which are brought to the
                model's size; the path of a folder of pictures, or of an .npy or .npz file; or one
                image of any of these kinds.

        Raises: UsageError for images of another shape or range; DataError for a file that is
            missing or not intact.
        """
        from runner.api.images import given_images
        from runner.api.model_use import encode

        with plain_errors(), own_precision():
            opened = self._opened
            return encode(opened, given_images(images, opened.trained_on, opened.config))

    def decode(self, codes: Encoded | ArrayLike | Tensor) -> NDArray[np.float32]:
        """Return the expected images of codes, from 0 to 1: (N, H, W), or (N, H, W, 3) in colour.

        Args:
            codes: what ``encode`` returned, or its ``codes``, (N, W): the columns of each variable,
                in the order of ``variables``, a discrete one with a column per category.

        Raises: UsageError for codes of another width.
        """
        from runner.api.model_use import decode

        with plain_errors(), own_precision():
            return decode(self._opened, codes)

    def sample(self, n: int = 64, seed: int = 0) -> NDArray[np.float32]:
        """Return the expected images of ``n`` codes drawn from the prior, as ``decode`` does.

        Raises: UsageError for a deterministic code, which has no prior.
        """
        from runner.api.model_use import sample

        with plain_errors(), own_precision():
            return sample(self._opened, n, seed)

    def traverse(
        self, image: Images, variable: str | int, values: ArrayLike | None = None
    ) -> Traversal:
        """Return the images of one image's code as one variable takes several values.

        Args:
            image: one image, of any kind that ``encode`` takes.
            variable: its name, such as ``z_3``, or its number among ``variables``.
            values: what it becomes; None: within ``evaluation.traversal_range`` prior standard
                deviations of zero, or every category of a discrete variable.

        Raises: UsageError where there is no such variable, or not one image.
        """
        from runner.api.images import given_images
        from runner.api.traversing import traverse

        with plain_errors(), own_precision():
            opened = self._opened
            given = given_images(image, opened.trained_on, opened.config)
            return traverse(opened, given, variable, values)

    def draw_traversals(self, image: Images, variables: list[str] | None = None) -> Figure:
        """Return a matplotlib figure of an image and its traversals, a row per variable.

        ``variables`` None: all of them, the most informative ones first.

        Raises: UsageError where there is no such variable, or not one image.
        """
        from runner.api.drawing import draw_traversals
        from runner.api.images import given_images

        with plain_errors(), own_precision():
            opened = self._opened
            given = given_images(image, opened.trained_on, opened.config)
            return draw_traversals(opened, given, variables)

    def codes(self, split: str = "test", *overrides: str) -> Encoded:
        """Return the codes of the images of the run's dataset, which is loaded for this.

        Args:
            split: ``train``, ``test`` or ``all``; without a test split, ``test`` and ``all`` are
                all images.
            overrides: where the data are now: ``data_dir=…`` or ``dataset.path=…``.

        Raises: UsageError where there is no such split; DataError where data are missing.
        """
        from runner.api.evaluating import with_dataset
        from runner.api.model_use import encode_split

        with plain_errors(), own_precision():
            loaded = with_dataset(self._place, overrides)
            return encode_split(self._opened, loaded.dataset, split)

    def evaluate(
        self, *names: str, metrics: str = "reference", verbose: bool = False
    ) -> dict[str, float]:
        """Return scores of the run, which are also kept in its ``scores.json``.

        A score that the run has already, with the same settings, is not computed again.

        Args:
            names: of the metrics, such as ``mig`` or ``dci``; none: all of ``metrics``. Settings
                may stand among them: ``metrics.mig.bins=40``, ``metrics.repeats=10`` for standard
                errors, ``data_dir=…``.
            metrics: the choice of ``conf/metrics`` that has their settings: reference, fast.
            verbose: whether progress is shown, on stderr.

        Raises: UsageError where there is no such metric, or it is not defined for these codes;
            DataError where data are missing.
        """
        from runner.api.evaluating import evaluate

        return evaluate(self._place, names, metrics, verbose=verbose)


def load_run(path: str | Path, device: str = "cpu", *, trust: bool = False) -> Run:
    """Return the run of a folder. Its dataset is not needed.

    Args:
        path: the run folder, ``outputs/DATE/TIME-uid-NAME``.
        device: where its model computes; see :class:`Run`.
        trust: whether what the folder asks for is done although this user did not make the run.

    Raises: UsageError where there is no run, or its settings are wrong.
    """
    run = Run(path, device, trust=trust)
    _ = run.config  # read here, so that settings that are wrong are refused at once
    return run
