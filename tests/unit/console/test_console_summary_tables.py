"""The tables at the end of a run: complete, in order, and never wider than the terminal."""

from __future__ import annotations

import math
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from runner.console.summary_tables import summary_tables
from runner.metric.number_text import decimal_text
from runner.metric.quantities import shown_in
from runner.objective import TERM_NAMES

SUMMARY: dict[str, Any] = {
    "elbo": -85.3,
    "rate": 12.1,
    "images": 10000,
    "encodings": 5000,
    "terms": {
        "reconstruction": 73.2,
        "index_code_mi": 9.1,
        "group_total_correlation": 0.2,
        "within_group_total_correlation": 0.5,
        "dimension_wise_kl": 2.3,
    },
    "information": {
        "variable": {"category": 2.1, "style_0": 0.004, "style_1": 2.9},
        "rate": {"category": 2.15, "style_0": 0.01, "style_1": 3.1},
        "group": {"category": 2.1, "style": 7.9},
        "factor": {
            "category": {"shape": 1.1, "scale": 0.2, "orientation": 0.3, "x": 0.4, "y": 0.5},
            "style": {"shape": 0.6, "scale": 0.7, "orientation": 0.8, "x": 0.9, "y": 1.0},
        },
    },
    "scores": {"purity": 0.71},
}


def render(summary: dict[str, Any], width: int = 80, *, ascii_only: bool = False) -> str:
    console = Console(file=StringIO(), width=width, _environ={})
    with console.capture() as capture:
        for title, table in summary_tables(summary, width=width, ascii_only=ascii_only):
            console.print(title)
            console.print(table)
    return capture.get()


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_every_term_is_shown_in_the_order_of_the_objective() -> None:
    terms = [q.name.removeprefix("terms/") for q in shown_in("summary") if q.family == "terms"]
    assert tuple(terms) == TERM_NAMES


def test_figures_of_one_column_are_aligned() -> None:
    assert decimal_text(-85.3) == "-85.300"
    assert decimal_text(-0.0001) == "0.000"
    assert decimal_text(12345.6789) == "12,345.679"
    assert decimal_text(None) == "-"


def test_the_title_names_what_the_dataset_has() -> None:
    tables = summary_tables(SUMMARY, width=80, ascii_only=False, examples="documents")
    assert next(tables)[0].startswith("10,000 documents, q(z) from")


def test_all_figures_are_shown() -> None:
    rows = words(render(SUMMARY))
    for row in (
        "10,000 images, q(z) from 5,000 encodings; all in nats",
        "ELBO -85.300",
        "reconstruction 73.200",
        "index-code MI 9.100",
        "total correlation between groups 0.200",
        "total correlation within groups 0.500",
        "dimension-wise KL 2.300",
        "rate 12.100",
        "group image shape scale orientation x y",
        "category 2.100 1.100 0.200 0.300 0.400 0.500",
        "style 7.900 0.600 0.700 0.800 0.900 1.000",
        "purity 0.710",
    ):
        assert row.split() in rows


def test_the_most_informative_variable_comes_first_with_the_longest_bar() -> None:
    rows = words(render(SUMMARY))
    start = rows.index(["variable", "information", "rate"])
    assert rows[start + 2 : start + 5] == [
        ["style_1", "2.900", "3.100", "━" * 16],
        ["category", "2.100", "2.150", "━" * round(16 * 2.1 / 2.9)],
        ["style_0", "0.004", "0.010"],
    ]


def test_ascii_terminals_get_ascii_bars() -> None:
    assert "#" * 16 in render(SUMMARY, ascii_only=True)


@pytest.mark.parametrize("width", [48, 60, 80, 120])
def test_nothing_is_cut_or_wrapped(width: int) -> None:
    text = render(SUMMARY, width)
    shown = {word for row in words(text) for word in row}
    assert "…" not in text
    for line in text.splitlines():
        assert len(line.rstrip()) <= max(width, len("I(x; z) and I(factor; z) …"))
    information = SUMMARY["information"]
    names = {*information["variable"], *information["group"], *information["factor"]["style"]}
    figures = [*information["variable"].values(), *information["factor"]["style"].values()]
    assert names | {decimal_text(value) for value in figures} <= shown


def test_factors_that_do_not_fit_go_into_another_table() -> None:
    rows = words(render(SUMMARY, 60))
    assert ["group", "image", "shape", "scale", "orientation"] in rows
    assert ["group", "x", "y"] in rows
    assert ["style", "0.900", "1.000"] in rows


def test_a_run_without_factors_scores_or_finite_figures_has_tables() -> None:
    empty = {"variable": {}, "rate": {}, "group": {}, "factor": {}}
    assert "variable" not in render(SUMMARY | {"information": empty, "scores": {}})
    broken = {
        "variable": {"z_0": math.nan, "z_1": None, "z_2": 0.5},
        "rate": {"z_0": math.inf, "z_1": None, "z_2": 0.5},
        "group": {"z": math.nan},
        "factor": {"z": {}},
    }
    rows = words(render(SUMMARY | {"elbo": None, "information": broken, "scores": {}}))
    assert ["ELBO", "-"] in rows
    assert ["z_2", "0.500", "0.500", "━" * 16] in rows
    assert ["z_0", "nan", "inf"] in rows
    assert ["z_1", "-", "-"] in rows
    assert ["z", "nan"] in rows


def test_of_very_many_variables_and_groups_the_tables_say_how_many_they_show() -> None:
    names = [f"z_{v}" for v in range(1000)]
    information = {
        "variable": {name: v / 1000 for v, name in enumerate(names)},
        "rate": dict.fromkeys(names, 1.0),
        "group": dict.fromkeys(names, 1.0),
        "factor": {name: {"shape": 0.5} for name in names},
    }
    text = render({**SUMMARY, "information": information})
    assert len(text.splitlines()) < 130
    assert "I(x; z) of each variable, and its rate: 50 of 1,000" in text
    assert "I(x; z) and I(factor; z) of each group: 50 of 1,000" in text
    assert "z_999" in text
    assert ": 50 of" not in render(SUMMARY)


def test_errors_and_the_training_estimate_stand_beside_the_terms() -> None:
    training = {"terms": {"index_code_mi": 12.5}, "encodings": 128,
                "standard_errors": {"terms": {"index_code_mi": 0.25}}}  # fmt: skip
    errors = {"elbo": 0.5, "terms": {"index_code_mi": 0.125},
              "information": {"variable": {"style_1": 0.031}, "group": {"style": 0.062},
                              "factor": {"style": {"x": 0.015}}},
              "scores": {"purity": 0.004}}  # fmt: skip
    summary = {**SUMMARY, "training_estimate": training, "standard_errors": errors}
    for width in (80, 100):
        rows = words(render(summary, width, ascii_only=True))
        for row in (
            "10,000 images, q(z) from 5,000 encodings, in training from 128; all in nats",
            "quantity evaluation training estimate",
            "ELBO -85.300 +/- 0.500",
            "index-code MI 9.100 +/- 0.125 12.500 +/- 0.250",
            "dimension-wise KL 2.300",
            "purity 0.710 +/- 0.004",
        ):
            assert row.split() in rows
        text = render(summary, width, ascii_only=True)
        assert all(len(line.rstrip()) <= width for line in text.splitlines())
        for figure in ("2.900 +/- 0.031", "7.900 +/- 0.062", "0.900 +/- 0.015"):
            assert figure in text
