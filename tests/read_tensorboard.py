"""What TensorBoard shows of a run folder, read by its own reader."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shown:
    """Scalars and pictures by tag → (step, value) in order, and the hyperparameters."""

    scalars: dict[str, list[tuple[int, float]]]
    pictures: dict[str, list[tuple[int, bytes]]]
    hyperparameters: dict[str, Any]
    texts: dict[str, list[tuple[int, str]]]
    """Tables, as Markdown."""
    status: int | None
    """Of the session: 1 for success, 2 for a failure, None where it has not ended."""

    def steps(self, tag: str) -> list[int]:
        """The steps of a scalar, of a picture or of a text."""
        return [step for step, _ in (self.scalars | self.pictures | self.texts).get(tag, [])]


def read_tensorboard(run: Path) -> Shown:
    """What is shown of a run."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams import metadata

    found = EventAccumulator(str(run / "tensorboard"), {"scalars": 0, "images": 0}).Reload()
    tags = found.Tags()
    data = {
        tag: known.plugin_data.content
        for tag, known in found.summary_metadata.items()
        if tag.startswith("_hparams_/")
    }
    start = metadata.parse_session_start_info_plugin_data(data[metadata.SESSION_START_INFO_TAG])
    end = data.get(metadata.SESSION_END_INFO_TAG)
    return Shown(
        {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in tags["scalars"]},
        {
            tag: [(e.step, e.encoded_image_string) for e in found.Images(tag)]
            for tag in tags["images"]
        },
        {name: getattr(v, v.WhichOneof("kind")) for name, v in start.hparams.items()},
        _texts(run),
        metadata.parse_session_end_info_plugin_data(end).status if end else None,
    )


def _texts(run: Path) -> dict[str, list[tuple[int, str]]]:
    """Texts by tag, read as TensorBoard's server reads them: the other reader forgets none."""
    from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator

    found = EventAccumulator(str(run / "tensorboard"), {"tensors": 0}).Reload()
    return {
        tag: [(e.step, e.tensor_proto.string_val[0].decode()) for e in found.Tensors(tag)]
        for tag, known in found.summary_metadata.items()
        if known.plugin_data.plugin_name == "text"
    }
