"""The explicitness of DCI-ES: how little capacity a probe needs to do as well as the best.

Shapes: K probes.
"""

from __future__ import annotations

import numpy as np

from runner.metric.codes import Floats


def explicitness_of(capacity_K: Floats, loss_K: Floats, baseline: float) -> float:
    """Return E = 1 - A / Z of one factor's loss-capacity curve, from -1 to 1.

    A is the area between the curve and its lowest loss, by the trapezoidal rule, where the loss at
    a capacity is the lowest one up to it, and at most the baseline. Z is half the baseline times
    the range of the capacities: the area of a curve that falls in a straight line from the baseline
    to no loss.

    1: the probe of the least capacity does as well as any, or all have the same capacity; 0: the
    loss falls in a straight line; -1: it is the baseline until the last capacity, where it is 0.

    Args:
        capacity_K: of the probes, in any unit and order. Of equal ones the lowest loss counts: a
            network with hidden layers of one unit can have as many parameters as one without, or
            fewer.
        loss_K: their losses.
        baseline: the loss of a constant prediction, above 0.

    Source: Eastwood et al. 2023 and their published program, which takes the lowest possible loss
    as 0 in Z; that a loss is at most the baseline is ours.
    """
    order_K = np.lexsort((loss_K, capacity_K))
    capacity_K, loss_K = capacity_K[order_K], loss_K[order_K]
    width = float(capacity_K[-1] - capacity_K[0])
    if width == 0:
        return 1.0
    lowest_K = np.minimum.accumulate(np.minimum(loss_K, baseline))
    above_K = lowest_K - lowest_K[-1]
    area = float(np.sum((above_K[1:] + above_K[:-1]) / 2 * np.diff(capacity_K)))
    return 1 - area / (0.5 * baseline * width)
