"""``vaerun export``: what is refused before a model is opened, and what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.commands import export as command
from runner.commands.arguments import read
from runner.commands.manual_of_runs import EXPORT
from runner.config import RunConfig
from runner.dataset import IMAGES
from runner.errors import UsageError
from runner.grid.folder import GridFolder
from runner.method.trained_on import TrainedOn
from runner.method.vae import OpenedVae
from runner.model import build
from runner.runs import export as exports
from runner.runs import export_formats, load
from runner.runs.export import Exported
from runner.runs.load import OpenedModel
from runner.store.run_folder import RunFolder
from tests.made_run_folders import config, write_run
from tests.snapshot import snapshot


@pytest.fixture(autouse=True)
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, composed: Callable[..., RunConfig]
) -> Path:
    """A run whose model is opened and exported by stubs."""
    monkeypatch.chdir(tmp_path)
    settings = composed("architecture=mlp", "architecture.widths=[4]", "precision=bf16")
    model = build(settings, shape=(1, 4, 4), classes=0)
    opened = OpenedModel(
        OpenedVae(model), TrainedOn((1, 4, 4), 0, IMAGES, None), settings, RunFolder(Path("run")), 3
    )
    monkeypatch.setattr(load, "open_model", lambda *_, **__: opened)
    monkeypatch.setattr(
        exports,
        "export",
        lambda _, formats: [
            Exported(half, f"{half}{export_formats.FORMATS[name]}", name.encode(), 1e-7)
            for half in ("encoder", "decoder")
            for name in formats
        ],
    )
    return write_run(tmp_path / "run", config())


def test_files_and_their_description_are_written(run: Path, capsys):
    assert command.run(read(EXPORT, ["run", "-o", "model"])) == 0
    out, err = capsys.readouterr()
    assert out == "model\n"
    assert err.count("largest difference 1e-07 in batches of 1, 2, 7, 64") == 4
    assert "compute in float32, not in bf16" in err
    assert {path.name for path in Path("model").iterdir()} == {
        "encoder.onnx", "encoder.pt2", "decoder.onnx", "decoder.pt2", "model.json",
    }  # fmt: skip
    found = json.loads(Path("model/model.json").read_text())
    assert [each["name"] for each in found["decoder"]["files"]] == ["decoder.onnx", "decoder.pt2"]
    assert found["step"] == 3


def test_the_folder_of_the_run_has_room_for_it(run: Path, capsys):
    assert command.run(read(EXPORT, ["run", "--format=torch"])) == 0
    assert capsys.readouterr().out == "run/export\n"
    assert command.run(read(EXPORT, ["run", "--format=onnx"])) == 0
    assert "'run/export/encoder.pt2' is of an earlier export" in capsys.readouterr().err
    files = json.loads((run / "export" / "model.json").read_text())["encoder"]["files"]
    assert [each["name"] for each in files] == ["encoder.onnx"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "export takes the folder of one run"),
        (["run", "run"], "export takes the folder of one run"),
        (["run", "beta=1"], "export takes no settings such as 'beta=1'"),
        (["sweep"], "'sweep' is a grid, not one run"),
        (["nowhere"], "'nowhere' is not a run folder"),
        (["run", "-o", "run/config.yaml"], "cannot write to 'run/config.yaml'"),
        (["run", "-o", "taken"], "'taken/model.json' is a folder, not a file"),
        (["run"], "'run/export' is a link out of 'run'"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is(
    tmp_path: Path, run: Path, arguments: list[str], message: str
):
    GridFolder.register(tmp_path / "sweep", "some", [("beta=1",)])
    (tmp_path / "taken" / "model.json").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (run / "export").symlink_to(tmp_path / "outside")
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match=message):
        command.run(read(EXPORT, arguments))
    assert snapshot(tmp_path) == before


def test_onnx_needs_its_packages_and_torch_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export_formats, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="ONNX models need onnx, onnxscript, onnxruntime") as no:
        command.run(read(EXPORT, ["run", "-o", "model"]))
    assert no.value.hint == "pip install 'vaerun[export]', or --format torch does without"
    assert not Path("model").exists()
    assert command.run(read(EXPORT, ["run", "-o", "model", "--format", "torch"])) == 0
