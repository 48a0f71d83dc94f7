"""Own images: trained, scored and compared from the command line, with labels and without."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.end_to_end.conftest import Vaerun

QUICK = (
    "dataset.size=16", "steps=3", "batch_size=8", "architecture.channels=4",
    "architecture.features=8", "prior.dimensions=4", "evaluation.traversal_steps=3",
    "evaluation.map_points=10", "device=cpu", "metrics=none", "wandb.mode=disabled",
)  # fmt: skip


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    source = np.random.default_rng(0)
    for folder in ("cats", "dogs"):
        (tmp_path / "photos" / folder).mkdir(parents=True)
        for number in range(15):
            pixels = source.integers(0, 256, (*source.integers(10, 40, 2), 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / folder / f"{number}.png")
    return tmp_path / "photos"


def test_images_with_and_without_labels(vaerun: Vaerun, photos: Path, tmp_path: Path):
    runs: list[Path] = []
    for factors, metrics in (("auto", "mig"), ("none", "unsupervised")):
        scored = {"mig": "{bins: 5}", "unsupervised": "{samples: 20, bins: 5}"}[metrics]
        done = vaerun(
            "dataset=folder", "dataset.path=photos", f"dataset.factors={factors}", *QUICK
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        runs.append(tmp_path / done.stdout.strip())
        evaluated = vaerun("evaluate", str(runs[-1]), f"metrics.{metrics}={scored}")
        assert evaluated.returncode == 0, evaluated.stderr
        scores = json.loads((runs[-1] / "scores.json").read_text())["scores"]
        assert scores[f"mean/{metrics}"]["scores"]
        assert (runs[-1] / "figures" / "latents.png").is_file()
    summaries = [json.loads((run / "summary.json").read_text()) for run in runs]
    assert [list(s["information"]["factor"]["z_0-1"]) for s in summaries] == [["label"], []]
    compared = vaerun("compare", *map(str, runs))
    assert compared.returncode == 0, compared.stderr
    assert sorted(path.name for path in photos.iterdir()) == ["cats", "dogs"]


def test_a_path_that_is_missing_is_answered(vaerun: Vaerun, photos: Path):
    done = vaerun("dataset=folder", "dataset.path=photo")
    assert done.returncode == 3
    assert done.stderr.splitlines() == [
        "error: dataset.path: 'photo' does not exist",
        "  did you mean 'photos'?",
    ]
    done = vaerun("dataset=folder")
    assert done.returncode == 2
    assert "dataset.path must be the path of your images" in done.stderr
