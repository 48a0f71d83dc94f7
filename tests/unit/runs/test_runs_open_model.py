"""A trained model opened without its dataset."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from rich.console import Console

from runner.dataset import IMAGES
from runner.errors import DataError, UsageError
from runner.runs import load as loading
from runner.runs import saved
from runner.runs.load import RunLoader, open_model
from runner.runs.train import start
from tests.unit.runs.conftest import Settings, tensors_of


@pytest.fixture
def without_datasets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No dataset can be loaded by whoever opens a run."""

    def refuse(*_):
        raise DataError("no dataset is here")

    monkeypatch.setattr(loading, "load", refuse)


@pytest.mark.usefixtures("without_datasets")
def test_a_model_is_opened_as_its_checkpoint_has_it(finished: Path):
    opened = open_model(finished)
    tensors = tensors_of(finished)
    for name, value in opened.model.state_dict().items():
        assert torch.equal(value, tensors[f"model/{name}"])
    assert not opened.model.training
    assert (opened.step, opened.folder.path, opened.device.type) == (8, finished, "cpu")
    known = opened.trained_on
    assert (known.shape, known.classes, known.kind, known.images) == ((1, 8, 8), 10, IMAGES, 1500)
    parameters_BP = opened.representation.encode(torch.zeros(2, 1, 8, 8, dtype=torch.uint8))
    assert opened.representation.mean(parameters_BP).shape == (2, 4)


@pytest.mark.parametrize(
    "prior",
    [
        ("prior=vamp", "prior.pseudo_inputs=70", "prior.dimensions=4"),
        ("prior=anisotropic", "prior.variances=pca", "prior.dimensions=4"),
        ("prior=concrete_normal", "prior.dimensions=4"),
    ],
)
def test_priors_that_start_from_the_images_have_what_they_learned(
    prior: tuple[str, ...],
    small: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
):
    start(small("steps=1", "objective.encodings=null", *prior), tmp_path / "run")
    request.getfixturevalue("without_datasets")
    tensors = tensors_of(tmp_path / "run")
    for name, value in open_model(tmp_path / "run").model.state_dict().items():
        assert torch.equal(value, tensors[f"model/{name}"])


def _older(finished: Path, folder: Path) -> Path:
    """A copy of a run whose checkpoint does not say what it was trained on."""
    shutil.copytree(finished, folder)
    file = folder / "checkpoint" / "state.json"
    content = json.loads(file.read_text())
    del content["state"]["dataset"]
    file.write_text(json.dumps(content))
    return folder


def test_an_older_run_asks_its_dataset(finished: Path, tmp_path: Path):
    opened = open_model(_older(finished, tmp_path / "old"))
    assert opened.trained_on.shape == (1, 8, 8)


@pytest.mark.usefixtures("without_datasets")
def test_an_older_run_of_a_published_dataset_needs_no_files(finished: Path, tmp_path: Path):
    folder = _older(finished, tmp_path / "old")
    config = folder / "config.yaml"
    config.write_text(config.read_text().replace("name: digits\n", "name: dsprites\n", 1))
    with pytest.raises(UsageError, match="another model"):  # its shape, 64x64, is known
        open_model(folder)
    with pytest.raises(DataError, match="no dataset is here"):
        open_model(_older(finished, tmp_path / "digits"))


def test_what_cannot_be_opened_says_why(finished: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="is not a run folder"):
        open_model(tmp_path)
    with pytest.raises(UsageError, match="is not on this machine"):
        open_model(finished, "cuda:77")
    shutil.copytree(finished, tmp_path / "run")
    state = tmp_path / "run" / "checkpoint" / "state.json"
    content = json.loads(state.read_text())
    content["state"]["dataset"]["shape"] = [1, 9, 8]
    state.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="has shape"):
        open_model(tmp_path / "run")
    content["state"]["dataset"]["shape"] = [0, 8, 8]
    state.write_text(json.dumps(content))
    with pytest.raises(DataError, match="corrupt"):
        open_model(tmp_path / "run")


def test_of_a_strangers_run_only_the_model_is_read(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(saved, "is_own", lambda *_: False)
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    tree = yaml.safe_load((folder / "config.yaml").read_text())
    more = {"images": "images", "factors": "auto", "bins": 10, "size": None, "channels": None}
    more |= {
        "fit": "crop",
        "test_share": 0.2,
        "test_seed": 0,
        "class_factor": None,
        "changed": "refuse",
    }
    tree["dataset"] |= {"name": "npz", "path": "/home/other/images.npz", **more}
    (folder / "config.yaml").write_text(yaml.safe_dump(tree))
    with pytest.raises(UsageError, match="not known as yours, and it would read"):
        RunLoader(Console(file=io.StringIO())).open(folder)
    for file in (folder / "checkpoint").glob("optimizer-*"):
        file.unlink()
    assert open_model(folder).step == 8
