"""The texts that the coherence of topics is counted in, which lie outside of the run."""

from __future__ import annotations

from runner.config import MetricsConfig
from runner.dataset import COUNTS, Dataset
from runner.dataset.text.reference import REFERENCE, require_reference
from runner.errors import UsageError


def check_reference(metrics: MetricsConfig, dataset: Dataset, *, trusted: bool = True) -> None:
    """Refuse, before anything is written, a reference in which the words cannot be counted.

    ``trusted``: whether the settings are the reader's own, or those of a run that is trusted.

    Raises: DataError where it is missing, or has none of the words of the dataset; UsageError where
        a stranger's run names it.
    """
    wanted = metrics.topic_coherence
    if wanted is None or wanted.reference is None:
        return
    if not trusted:
        message = f"not known as yours, and it would read {REFERENCE}={wanted.reference}"
        raise UsageError(message, "--trust follows the folder")
    words = dataset.value_names if dataset.kind is COUNTS else ()
    require_reference(wanted.reference, words)
