"""The programs that make pages from the code: what they read of docstrings and schemas."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "docs" / "generate"))

import docstrings  # noqa: E402 - found by the line above
import metrics_page  # noqa: E402
import root_pages  # noqa: E402
import run_folder_page  # noqa: E402
from hooks import on_page_markdown  # noqa: E402
from tables import plain, table  # noqa: E402

from runner.evaluation.model_scores import MODEL_SCORES  # noqa: E402
from runner.metric import METRICS  # noqa: E402

DOCSTRING = """Return a score of ``<codes>``; see :func:`runner.metric.mig.mig`.

    Text with <factor> in it.

    Args:
        codes: the codes.

    Keys:
        a/b: the first, in
            two lines.
        a/c: the second.
    Range: 0 to 1, and a second
    line.
    Raises: UsageError if nothing varies; DataError when it is corrupt.
    Source: Chen et al. 2018.
    """


def test_a_docstring_is_read_as_one_of_google_s():
    text = docstrings.to_markdown(DOCSTRING)
    assert "``<codes>``; see ``runner.metric.mig.mig``." in text
    assert "Text with &lt;factor> in it." in text
    assert "Args:\n    codes: the codes.\n" in text
    assert "**Keys:**\n\n- `a/b`: the first, in two lines.\n- `a/c`: the second.\n" in text
    assert "\n**Range:** 0 to 1, and a second line.\n" in text
    assert (
        "Raises:\n    UsageError: if nothing varies\n    DataError: when it is corrupt.\n" in text
    )
    assert text.endswith("**Source:** Chen et al. 2018.\n")


def test_on_a_page_errors_are_a_paragraph():
    text = docstrings.as_page("Do it.\n\nRaises: UsageError if nothing varies.\n")
    assert text.endswith("\n**Raises:** UsageError if nothing varies.\n")


def test_prose_with_a_colon_is_left_as_it_is():
    prose = "Say it.\n\nThe order of things: one before\nthe other.\n"
    assert docstrings.to_markdown(prose) == prose


def test_every_score_has_a_section_and_a_definition():
    families = metrics_page.families()
    assert families.keys() >= METRICS.keys() | MODEL_SCORES.keys() | {"udr"}
    (text,) = metrics_page.pages(ROOT).values()
    for name in families:
        assert f"### {name} {{#{name}}}" in text


@pytest.mark.parametrize("name", run_folder_page.structs(ROOT))
def test_every_key_of_the_json_files_has_a_meaning(name: str):
    found = run_folder_page.fields(run_folder_page.structs(ROOT)[name])
    assert found
    for key, kind, meaning in found:
        assert meaning, f"docs/generate/json_keys.py says nothing of {name}.{key}"
        assert "Annotated" not in kind
        assert "Meta" not in kind


def test_links_of_the_pages_at_the_top_lead_to_pages():
    changelog = root_pages.pages(ROOT)["changelog.md"]
    assert "[SECURITY](security.md)" in changelog


def test_links_out_of_docs_lead_to_pages():
    class Home:
        is_homepage = False
        meta: dict[str, object] = {}  # noqa: RUF012 - of one test

    assert on_page_markdown("[a](../SECURITY.md#x) [b](c.md)", page=Home()) == (
        "[a](security.md#x) [b](c.md)"
    )
    assert on_page_markdown("[a](../../SECURITY.md)", page=Home()) == "[a](../security.md)"


def test_a_table_holds_what_would_break_it():
    assert list(table(("a",), [["x|y"]])) == ["| a |", "| --- |", "| x\\|y |", ""]
    assert list(table(("a",), [])) == []
    assert plain("a_b <c>") == "a\\_b &lt;c>"
