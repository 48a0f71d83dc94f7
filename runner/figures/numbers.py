"""Numbers as figures write them, with a minus sign and thin spaces between thousands."""

from __future__ import annotations


def number(value: float, decimals: int = 2) -> str:
    """Return the value with so many decimals; a tiny negative one is zero."""
    written = f"{value:z,.{decimals}f}"
    return written.replace("-", "\N{MINUS SIGN}").replace(",", "\N{THIN SPACE}")


def short_number(value: float) -> str:
    """Return the value without needless digits."""
    return f"{value:zg}".replace("-", "\N{MINUS SIGN}")
