"""GANs from the command line, with their networks for images of both sizes of the field."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_conditional import numbers
from tests.end_to_end.test_run import only_run, read

TINY = (
    "steps=4", "batch_size=8", "prior.dimensions=4", "objective.adversarial.noise=4",
    "metrics=none", "metrics.images=60", "metrics.reconstruction={samples: 40}",
    "metrics.mig={samples: 40, bins: 5}", "evaluation.encodings=60",
    "evaluation.map_points=10", "evaluation.traversal_steps=2", "training.record_every=1",
    "device=cpu",
)  # fmt: skip
CASES = {
    "conv28": ("28", "objective=info_gan", "architecture=conv28", "prior.discrete={kind: 3}"),
    "conv28 penalised": ("28", "objective=gan", "architecture=conv28",
                         "objective.adversarial.stability=gradient_penalty"),
    "conv64": ("64", "objective=info_gan", "architecture=conv64"),
    "conv64 penalised": ("64", "objective=gan", "architecture=conv64",
                         "objective.adversarial.stability=gradient_penalty"),
    "broadcast 64": ("64", "objective=info_gan", "architecture=broadcast"),
    "broadcast 64 penalised": ("64", "objective=gan", "architecture=broadcast",
                               "objective.adversarial.stability=gradient_penalty"),
}  # fmt: skip


def write_images(path: Path, side: int) -> None:
    """Write 60 images of a bright square, and the place of it as a factor."""
    images = np.zeros((60, side, side), np.uint8)
    place = np.arange(60) % 3
    for image, at in zip(images, place, strict=True):
        image[4 + 4 * at :, : side // 2] = 220
    np.savez(path, images=images, place=place)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_is_trained_scored_and_sampled(vaerun: Vaerun, tmp_path: Path, case: tuple[str, ...]):
    side, *words = case
    write_images(tmp_path / "squares.npz", int(side))
    done = vaerun("dataset=npz", "dataset.path=squares.npz", *words, *TINY)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records] == [1, 2, 3, 4]
    assert all(math.isfinite(number) for number in numbers(records)), records
    scores = read(run / "scores.json")["scores"]
    found = [scores[name]["scores"] for name in ("mean/mig", "model/reconstruction")]
    assert all(math.isfinite(number) for number in numbers(found)), found
    assert (run / "figures" / "reconstructions.png").is_file()
    drawn = vaerun("sample", str(run), "-o", "samples.png")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "samples.png").stat().st_size > 1000
