"""A run folder from Python: its content, and its model at work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import runner
from runner.dataset import digits
from runner.evaluation.codes_file import read_codes
from runner.model import VAE
from runner.runs import load as loading


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Six digits as bytes, (6, 8, 8)."""
    return digits.load(torch.device("cpu")).test.images(torch.arange(6))[:, 0].numpy()


def test_a_run_has_what_its_folder_has(trained: runner.Run):
    run = runner.load_run(str(trained.path))
    assert run.config.prior.dimensions == 3
    assert isinstance(run.records, pd.DataFrame)
    assert list(run.records["step"]) == [1, 2, 4]
    assert run.summary["step"] == run.status["step"] == 4
    assert run.summary["elbo"] < 0
    assert isinstance(run.model, VAE)
    assert run.figures["traversals"].is_file()
    assert run.variables == ("category", "style_0", "style_1", "style_2")
    assert "finished, at step 4" in repr(run)
    with pytest.raises(runner.UsageError, match="is not a run folder"):
        runner.load_run(run.path.parent)


def test_the_names_are_there_without_torch():
    code = (
        "import runner, sys; import runner.errors; assert 'load_run' in dir(runner);"
        "assert 'torch' not in sys.modules and 'hydra' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lod_run'"):
        _ = runner.lod_run  # pyright: ignore[reportAttributeAccessIssue]


def test_images_of_every_form_have_the_same_codes(
    trained: runner.Run, images: np.ndarray, tmp_path: Path
):
    expected = trained.encode(images)
    assert expected.codes.shape == (6, 13)
    assert expected.means.shape == expected.scales.shape == (6, 3)
    assert expected.names == ("style_0", "style_1", "style_2")
    assert np.allclose(expected.probabilities["category"].sum(1), 1)
    assert (expected.classes["category"] == expected.probabilities["category"].argmax(1)).all()
    pictures = [Image.fromarray(image) for image in images]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / f"{number}.png")
    np.save(tmp_path / "images.npy", images)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(6))
    forms = [
        images[..., None],
        images[:, None],
        images.astype(np.int64),
        images / 255,
        torch.from_numpy(images),
        torch.from_numpy(images[:, None] / 255).float(),
        list(images),
        [torch.from_numpy(image) for image in images],
        pictures,
        [picture.resize((8, 8)).convert("RGB") for picture in pictures],
        [tmp_path / f"{number}.png" for number in range(6)],
        tmp_path / "images.npy",
        str(tmp_path / "images.npz"),
    ]
    for form in forms:
        assert np.allclose(trained.encode(form).codes, expected.codes, atol=1e-6)
    (tmp_path / "images.npy").unlink()
    folder = trained.encode(tmp_path)
    assert folder.images == tuple(f"{number}.png" for number in range(6))
    assert np.allclose(folder.codes, expected.codes, atol=1e-6)
    for one in (images[0], images[0, :, :, None], images[:1], pictures[0], tmp_path / "0.png"):
        assert np.allclose(trained.encode(one).codes, expected.codes[:1], atol=1e-6)
    assert trained.encode(tmp_path / "images.npz").factor_names == ("label",)
    large = Image.fromarray(images[0]).resize((80, 60))
    assert len(trained.encode([large, pictures[1]])) == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((3, 9, 9)), r"shape \(3, 9, 9\), and the model takes \(N, 8, 8\)"),
        (np.zeros((3, 3, 8, 8)), "shape"),
        (np.zeros((2, 8, 8)) + 200, "values from 200 to 200"),
        (np.full((8, 8), np.nan), "not finite"),
        (np.full((8, 8), 70000), "values from 70000"),
        (np.full((8, 8), -1), "values from -1"),
        (np.full((8, 8), "a"), "must be numbers"),
        (np.zeros((8, 8)) * 1j, "real numbers"),
        ([[1, 2], [3]], "not one array"),
        ([np.zeros((8, 8)), "x.png"], "a list of pictures has one that is none"),
        ("missing.png", "does not exist"),
        (__file__, "is not a file of images"),
    ],
)
def test_what_are_no_images_of_the_model_is_refused(
    trained: runner.Run, given: object, message: str
):
    with pytest.raises(runner.VaerunError, match=message) as refused:
        trained.encode(given)  # pyright: ignore[reportArgumentType]
    assert "\n" not in refused.value.message


def test_codes_become_images(trained: runner.Run, images: np.ndarray):
    codes = trained.encode(images)
    decoded = trained.decode(codes)
    assert decoded.shape == (6, 8, 8)
    assert decoded.min() >= 0
    assert decoded.max() <= 1
    assert np.array_equal(trained.decode(codes.codes), decoded)
    assert np.array_equal(trained.decode(torch.from_numpy(codes.codes)), decoded)
    assert trained.decode(codes.codes[0]).shape == (1, 8, 8)
    assert trained.encode(decoded).codes.shape == (6, 13)
    for bad, message in (
        (np.zeros((2, 3)), "not \\(N, 13\\)"),
        (np.full((2, 13), np.inf), "not finite"),
        ("abc", "not one array"),
    ):
        with pytest.raises(runner.UsageError, match=message):
            trained.decode(bad)  # pyright: ignore[reportArgumentType]


def test_samples_depend_on_the_seed_alone(trained: runner.Run):
    first = trained.sample(5)
    assert first.shape == (5, 8, 8)
    assert np.array_equal(first, trained.sample(5))
    assert not np.array_equal(first, trained.sample(5, seed=1))
    with pytest.raises(runner.UsageError, match="from 1 on"):
        trained.sample(0)


def test_one_variable_is_moved(trained: runner.Run, images: np.ndarray):
    usual = trained.traverse(images[0], "style_1")
    assert usual.values.tolist() == [-2.5, 0.0, 2.5]  # of evaluation.traversal_steps=3
    assert usual.images.shape == (3, 8, 8)
    code = trained.encode(images[0]).codes
    code[0, :10] = np.eye(10)[code[0, :10].argmax()]
    code[0, 11] = 0.5
    moved = trained.traverse(images[0], 2, values=[0.5])
    assert moved.variable == "style_1"
    assert np.allclose(moved.images, trained.decode(code), atol=1e-6)
    categories = trained.traverse(images[0], "category")
    assert len(categories) == 10
    assert categories.is_discrete
    assert len(trained.traverse(images[0], "category", [3])) == 1
    figure = trained.draw_traversals(images[0], ["style_0", "category"])
    labels = [text.get_text() for axes in figure.axes for text in axes.get_yticklabels()]
    assert labels == [
        "",
        "style_0",
        *(f"category {a}\N{EN DASH}{a + 2}" for a in (0, 3, 6)),
        "category 9",
    ]
    for arguments, message in (
        ((images, "style_1"), "starts from one image, and there are 6"),
        ((images[0], "style_7"), "no variable 'style_7'"),
        ((images[0], 4), "no variable 4"),
        ((images[0], "category", [10]), "categories 0 to 9"),
        ((images[0], "style_0", []), "list of numbers"),
    ):
        with pytest.raises(runner.UsageError, match=message):
            trained.traverse(*arguments)


def test_the_dataset_is_loaded_for_its_codes_only(
    trained: runner.Run, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
):
    test, every = trained.codes(), trained.codes("all")
    assert (len(test), len(trained.codes("train")), len(every)) == (297, 1500, 1797)
    assert (test.factor_names, test.class_factor, test.complete) == (("label",), "label", False)
    assert np.allclose(test.codes[:6], trained.encode(images).codes, atol=1e-6)
    with pytest.raises(runner.UsageError, match="no split 'val'") as refused:
        trained.codes("val")
    assert refused.value.hint == "splits: train, test, all"
    with pytest.raises(runner.UsageError, match="does not say where data are"):
        trained.codes("test", "beta=4")

    def refuse(*_):
        raise runner.DataError("no dataset is here")

    monkeypatch.setattr(loading, "load", refuse)
    assert len(runner.load_run(trained.path).encode(images)) == 6
    with pytest.raises(runner.DataError, match="no dataset"):
        trained.codes()


def test_codes_are_kept_in_files(trained: runner.Run, images: np.ndarray, tmp_path: Path):
    codes = trained.codes()
    path = codes.save(tmp_path / "codes.npz")
    known = read_codes(path)
    assert known.class_factor == "label"
    assert [variable.name for variable in known.codes.variables] == list(trained.variables)
    assert known.codes.variables[0].is_discrete
    assert [group.name for group in known.codes.groups] == ["category", "style"]
    assert [variable.name for variable in known.codes.groups[1].variables] == list(codes.names)
    assert np.allclose(known.codes.codes_ND, codes.codes)
    table = pd.read_csv(codes.save(tmp_path / "codes.csv"))
    assert table.shape == (297, 1 + 1 + 10 + 6)
    assert list(table) == list(codes.frame())
    assert np.allclose(table["style_1"], codes.means[:, 1], atol=1e-6)
    with pytest.raises(runner.UsageError, match="is there already"):
        codes.save(path)
    assert codes.save(path, overwrite=True) == path
    with pytest.raises(runner.UsageError, match="not the name of a file of codes"):
        codes.save(tmp_path / "codes.txt")
    with pytest.raises(runner.UsageError, match="there is no folder"):
        codes.save(tmp_path / "none" / "codes.npz")


def test_scores_are_computed_once(trained: runner.Run, tmp_path: Path):
    shutil.copytree(trained.path, tmp_path / "run")
    run = runner.load_run(tmp_path / "run", trust=True)
    assert run.scores == {}
    found = run.evaluate("mig", "metrics.mig.bins=7", metrics="fast")
    assert list(found) == ["mean/mig", "mean/mig/label"]
    assert run.scores == found
    assert '"bins": 7' in (run.path / "scores.json").read_text()
    assert run.score_errors == {}
    again = run.evaluate("mig", "metrics.mig.bins=7", "metrics.repeats=3", metrics="fast")
    assert again == found
    assert run.score_errors.keys() == found.keys()
    for given, message in (
        (("migg",), "no metric 'migg'"),
        (("beta=4",), "evaluate cannot change 'beta'"),
        (("factor_vae",), "needs 2 factors"),
    ):
        with pytest.raises(runner.UsageError, match=message):
            run.evaluate(*given, metrics="fast")
    with pytest.raises(runner.UsageError, match="no settings of 'dci'"):
        run.evaluate("dci", metrics="fast")
    with pytest.raises(runner.UsageError, match="unknown metrics"):
        run.evaluate(metrics="fats")


def test_a_strangers_run_is_opened_as_data(trained: runner.Run, images: np.ndarray, tmp_path: Path):
    folder = tmp_path / "run"
    shutil.copytree(trained.path, folder)
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("data_dir: data", "data_dir: /elsewhere"))
    run = runner.load_run(folder)
    assert np.array_equal(run.encode(images).codes, trained.encode(images).codes)
    (folder / "figures" / "out.png").symlink_to("/etc/passwd")
    shutil.rmtree(folder / "checkpoint")
    (folder / "checkpoint").symlink_to(trained.path / "checkpoint")
    with pytest.raises(runner.UsageError, match="link out of"):
        runner.load_run(folder)


def test_settings_records_and_scores_need_no_torch(trained: runner.Run):
    code = (
        f"import runner, sys; run = runner.load_run({str(trained.path)!r});"
        "run.config, run.summary, run.scores; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
