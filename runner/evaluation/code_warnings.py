"""A sentence on variables of a deterministic code that are the same for all images.

Shapes: M images, W columns of a code.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

_SAME = 1e-3
"""Standard deviation, in units of the mean where that is above 1, below which a variable is the
same for all images."""


def code_warnings(columns: Mapping[str, slice], code_MW: Tensor) -> list[str]:
    """Return a sentence on the variables that do not differ between images, if there are any.

    Nothing else of a summary tells: the scores of such a code are defined, and some are high.
    """
    if len(code_MW) < 2:
        return []
    least_W = _SAME * code_MW.mean(0).abs().clamp(min=1)
    is_same_W = code_MW.std(0) < least_W
    same = [name for name, columns_of in columns.items() if bool(is_same_W[columns_of].all())]
    if not same:
        return []
    named = f"{', '.join(same[:5])}{', …' if len(same) > 5 else ''}"
    if len(columns) == 1:
        return [f"the code, {named}, is the same for every image"]
    of = "all" if len(same) == len(columns) else f"{len(same)} of the"
    are = "are" if len(same) > 1 else "is"
    return [f"{of} {len(columns)} variables of the code {are} the same for every image: {named}"]
