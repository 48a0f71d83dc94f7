"""Which variables are discrete, and their categories, as InfoMEC tells them apart.

Shapes: M images, C categories or columns.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats, Integers
from runner.metric.variables import Variable

_IMAGES_OF_A_VALUE = 10
"""Images that a value has on average, at least, in a column that is taken as discrete: a column of
few images has few values whatever it is."""


def categories(codes_MD: Floats, variable: Variable, most_values: int) -> Integers | None:
    """Return the category of each image, (M,), or None for a continuous variable.

    The category of a variable with several columns is the index of the largest. A single column is
    discrete if it has at most ``most_values`` different values, as that of a quantised latent has,
    and a tenth as many values as there are images; its categories are then the numbers of the
    values.
    """
    columns_MC = codes_MD[:, variable.columns]
    if variable.is_discrete:
        found_M = columns_MC.argmax(1)
    else:
        values, found_M = np.unique(columns_MC[:, 0], return_inverse=True)
        if len(values) > min(most_values, max(1, len(codes_MD) // _IMAGES_OF_A_VALUE)):
            return None
    return found_M.reshape(-1).astype(np.int64)


def standardised(column_M: Floats) -> Floats:
    """Return a column that varies with the mean 0 and the standard deviation 1, however small."""
    unit_M = (column_M - column_M.min()) / np.ptp(column_M)
    return (unit_M - unit_M.mean()) / unit_M.std()
