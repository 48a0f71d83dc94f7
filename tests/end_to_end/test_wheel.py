"""conf/ and sweeps/ are found from a wheel and a source tree, not only an editable install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def vaerun_from(place: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the package as it stands in a folder, whatever is installed."""
    code = "import sys; from runner.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(place), "WANDB_MODE": "disabled"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def build(kind: str, folder: Path) -> None:
    """Build a ``wheel`` or an ``sdist`` into a folder."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=200,
    )


@pytest.fixture(scope="module")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build("wheel", folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_a_wheel_contains_conf_and_no_tests(unpacked_wheel: Path):
    assert (unpacked_wheel / "runner/_data/conf/config.yaml").is_file()
    assert (unpacked_wheel / "runner/_data/sweeps/smoke.yaml").is_file()
    assert {path.name for path in unpacked_wheel.iterdir() if path.suffix != ".dist-info"} == {
        "runner"
    }


def test_a_source_archive_has_all_that_its_readme_links(tmp_path: Path):
    build("sdist", tmp_path)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    linked = set(re.findall(r"\]\(([^)#:]+)", (ROOT / "README.md").read_text()))
    assert len(linked) > 10
    assert linked <= names
    assert {"mkdocs.yml", "conf/config.yaml", "tests/test_house.py", "docs/style.css"} <= names
    assert not any(name.startswith(("site/", "outputs/")) for name in names)


def test_a_wheel_trains(unpacked_wheel: Path, tmp_path: Path):
    done = vaerun_from(unpacked_wheel, tmp_path, "dataset=digits", "debug=default")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / done.stdout.strip() / "summary.json").is_file()


def test_a_source_tree_and_a_sweep_of_the_user_s_own(tmp_path: Path):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps" / "mine.yaml").write_text(
        "parameters: {dataset: {value: digits}, debug: {value: default}, seed: {values: [1, 2]}}"
    )
    done = vaerun_from(ROOT, tmp_path, "sweep=mine")
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "outputs").glob("sweep-mine/[01]/summary.json"))) == 2
