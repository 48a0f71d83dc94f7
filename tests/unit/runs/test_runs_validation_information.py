"""The information of the groups over the images that are set aside, while a run trains."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from runner.evaluation import encode
from runner.evaluation.summary import summarize
from runner.figures.of_run import RunFigures
from runner.runs import train as story
from runner.runs.validate import validate
from runner.training import generator
from tests.unit.runs.conftest import Settings

WORDS = ("metrics=none", "prior=concrete_normal", "validation.every=4", "validation.images=60")
LABEL = {"information/factor/category/label", "information/factor/style/label"}
IMAGE = {"information/group/category", "information/group/style"}


@pytest.fixture(scope="module")
def saved(small: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was validated without the information, with a Concrete variable."""
    path = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFigures, "figures", lambda *_: iter(()))
        patch.setattr(RunFigures, "animation", lambda _: None)
        story.start(small(*WORDS), path)
    return path


def test_the_information_is_that_of_the_summary_over_the_images_set_aside(saved: Path):
    reader = story.SavedRun.read(saved, [], trusted=True)
    run = story.prepared(reader.config, reader.folder, reader)
    asked = replace(run.config, validation=replace(run.config.validation, information=True))
    plain = validate(run.method, run.dataset, run.config)
    found = validate(run.method, run.dataset, asked)
    added = {k.removeprefix("validation/"): v for k, v in found.items() if k not in plain}
    assert {k: v for k, v in found.items() if k in plain} == plain
    assert added.keys() == {*LABEL, *IMAGE, "scores/purity"}

    model = run.method.represents()
    assert run.dataset.validation is not None
    source = generator(torch.device("cpu"), run.config.seed, "validation")
    encodings = encode(model, run.dataset.validation, 60, source)
    summary = summarize(model, run.dataset, encodings, source)
    assert added["scores/purity"] == summary["scores"]["purity"]
    for key in LABEL | IMAGE:
        kind, *names = key.split("/")[1:]
        expected = summary["information"][kind]
        for name in names:
            expected = expected[name]
        assert added[key] == pytest.approx(expected, abs=1e-6), key
