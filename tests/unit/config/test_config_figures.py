"""Formats and width of figures, as settings."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner import config as settings
from runner.config import RunConfig
from runner.config.figures_schema import FORMATS, parse_formats
from runner.errors import UsageError
from runner.store.pictures import PICTURES


def test_one_format_or_several_are_a_list(composed: Callable[..., RunConfig]):
    assert composed().figures.format == ["png"]
    assert composed("figures.format=pdf").figures.format == ["pdf"]
    several = composed("figures.format=[svg,png,svg]", "figures.width=3.3")
    assert several.figures.format == ["svg", "png"]
    assert several.figures.width == 3.3
    again = settings.restore(settings.to_yaml(several), ["figures.format=png"])
    assert again.figures.format == ["png"]


def test_the_formats_of_settings_are_those_of_files():
    assert FORMATS == PICTURES


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("figures.format=jpg", "figures.format must be one or several of png, pdf, svg, got 'jpg'"),
        ("figures.format=[png,3]", "figures.format must be one or several of png, pdf, svg, got 3"),
        ("figures.format=[]", "figures.format must name a format: png, pdf, svg"),
        ("figures.width=1", "figures.width must be between 3 and 20 inches, got 1.0"),
    ],
)
def test_what_is_none_is_refused(composed: Callable[..., RunConfig], override: str, message: str):
    with pytest.raises(UsageError) as refused:
        composed(override)
    assert refused.value.message == message


def test_the_nearest_format_is_named():
    with pytest.raises(UsageError) as refused:
        parse_formats("--format", ["pmg"])
    assert "png" in str(refused.value.hint)
