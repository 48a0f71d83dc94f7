"""Figures as files: every format, its metadata, and the same bytes each time."""

from __future__ import annotations

import io
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from matplotlib.figure import Figure
from PIL import Image

from runner.store.pictures import PICTURES, About, PictureFiles, rendered
from runner.store.run_folder import RunFolder

ABOUT = About(
    "a_run",
    {"objective": "hfvae", "beta": "4", "seed": "0"},
    "vaerun objective=hfvae beta=4",
    "vaerun 1.2.3",
)
DUBLIN = "{http://purl.org/dc/elements/1.1/}"


def some_figure() -> Figure:
    figure = Figure(figsize=(2, 1))
    axes = figure.add_subplot(title="title")
    axes.imshow([[0, 1], [1, 0]], interpolation="none")
    return figure


@pytest.mark.parametrize("form", PICTURES)
def test_the_same_figure_has_the_same_bytes_and_no_date(form: str):
    first, second = (rendered(some_figure(), form, ABOUT) for _ in range(2))
    assert first == second
    assert b"CreationDate" not in first
    assert b"dc:date" not in first


def test_a_png_says_what_it_shows_and_how_large_it_is():
    picture = Image.open(io.BytesIO(rendered(some_figure(), "png", ABOUT.of("latent_map"), 300)))
    assert picture.info["Title"] == "latent map of a_run"
    assert picture.info["Description"].startswith("objective=hfvae beta=4 seed=0; vaerun ")
    assert picture.info["Comment"] == "vaerun objective=hfvae beta=4"
    assert picture.info["Software"] == "vaerun 1.2.3"
    assert picture.size == (600, 300)


def test_a_pdf_has_its_fonts_within_and_says_what_it_shows():
    content = rendered(some_figure(), "pdf", ABOUT)
    assert content.startswith(b"%PDF-")
    assert content.rstrip().endswith(b"%%EOF")
    assert b"/Title (a_run)" in content
    assert b"/Keywords (objective=hfvae, beta=4, seed=0)" in content
    assert b"/Creator (vaerun 1.2.3)" in content
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_an_svg_is_xml_with_outlines_for_letters_and_says_what_it_shows():
    root = ET.fromstring(rendered(some_figure(), "svg", ABOUT))
    assert next(each.text for each in root.iter(f"{DUBLIN}title")) == "a_run"
    assert "beta=4" in {each.text for each in root.iter() if each.tag.endswith("}li")}
    assert not [each for each in root.iter() if each.tag.endswith("}text")]


def test_pixels_within_vector_files_are_those_of_the_image():
    text = rendered(some_figure(), "svg", ABOUT).decode()
    assert "image-rendering:pixelated" in text  # a browser must not smooth them
    widths = re.findall(rb"/Width (\d+)", rendered(some_figure(), "pdf", ABOUT))
    assert widths == [b"2"]


def test_a_folder_has_a_figure_in_each_format_and_no_older_one(tmp_path: Path):
    folder = RunFolder(tmp_path)
    first = folder.write_figure("map", some_figure(), PictureFiles(("svg", "png"), ABOUT))
    assert first == tmp_path / "figures" / "map.png"
    folder.write_figure("map", some_figure(), PictureFiles(("pdf",), ABOUT))
    names = sorted(path.name for path in (tmp_path / "figures").iterdir())
    assert names == ["map.pdf", "map.png", "map.svg"]
    assert folder.write_figure("map", some_figure(), PictureFiles(("pdf",)), alone=True).exists()
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["map.pdf"]
