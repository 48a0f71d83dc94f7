"""Formatting of numbers, in the terminal and on pages."""

from __future__ import annotations


def number_text(
    value: float | None,
    decimals: int,
    *,
    signed: bool = False,
    group: str = "",
    minus: str = "-",
) -> str:
    """Return a number with a fixed number of decimals; zero has no sign.

    Args:
        value: the number; None is written as a hyphen.
        decimals: digits after the point.
        signed: whether a positive number has a plus sign.
        group: the thousands separator.
        minus: the sign of negative numbers.
    """
    if value is None:
        return "-"
    text = f"{value:z,.{decimals}f}".replace(",", group).replace("-", minus)
    return f"+{text}" if signed and value > 0 and text.strip("0.,") else text


def decimal_text(value: float | None) -> str:
    """Return a number with three decimals and groups of thousands, a hyphen where there is none."""
    return number_text(value, 3, group=",")


def plus_minus(*, ascii_only: bool) -> str:
    """Return the sign between a number and its standard error or deviation."""
    return "+/-" if ascii_only else "±"


def with_error(value: float | None, error: float | None, sign: str) -> str:
    """Return a number with three decimals, and its standard error behind the sign, if known."""
    text = decimal_text(value)
    return text if value is None or error is None else f"{text} {sign} {decimal_text(error)}"
