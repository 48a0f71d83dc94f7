"""A model whose style depends on its category, from the command line: trained, then scored."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Vaerun
from tests.end_to_end.test_run import only_run, read

TINY = (
    "dataset=digits", "prior=concrete_normal", "prior.dimensions=2", "architecture=mlp",
    "architecture.widths=[8]", "architecture.conditional=true", "objective=hfvae", "beta=3",
    "steps=3", "batch_size=20", "metrics=none", "evaluation.encodings=60",
    "evaluation.map_points=10", "evaluation.traversal_steps=2",
)  # fmt: skip
SCORES = (
    "metrics=none", "metrics.images=100", "metrics.reconstruction={samples: 50}",
    "metrics.mig_density={samples: 40, encodings: 60}",
    "metrics.information={samples: 40, encodings: 60}",
    "metrics.pruning={samples: 40, encodings: 60}",
    "metrics.log_likelihood={images: 10, samples: 20}",
)  # fmt: skip


def numbers(tree: Any) -> Iterator[float]:
    """Yield every number of a JSON document; None, for what is not known, is NaN."""
    if isinstance(tree, dict | list):
        for each in tree.values() if isinstance(tree, dict) else tree:
            yield from numbers(each)
    elif not isinstance(tree, str):
        yield math.nan if tree is None else float(tree)


def test_a_conditional_model_is_trained_and_scored(vaerun: Vaerun, tmp_path: Path):
    done = vaerun(*TINY)
    assert done.returncode == 0, done.stderr
    run = only_run(tmp_path)
    summary = read(run / "summary.json")
    assert all(math.isfinite(number) for number in numbers(summary)), summary
    assert sum(summary["terms"].values()) == pytest.approx(-summary["elbo"])
    assert summary["information"]["variable"].keys() == {"category", "style_0", "style_1"}

    scored = vaerun("evaluate", str(run), *SCORES)
    assert scored.returncode == 0, scored.stderr
    assert "Traceback" not in scored.stderr
    found = read(run / "scores.json")["scores"]
    names = ("information", "log_likelihood", "mig_density", "pruning", "reconstruction")
    assert sorted(found) == [f"model/{name}" for name in names]
    for score in found.values():
        assert score["scores"]
        assert all(math.isfinite(number) for number in numbers(score["scores"])), score
