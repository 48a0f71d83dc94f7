"""The Hoyer sparsity of codes, which does not depend on the factors.

Shapes: M images, D dimensions of a code.
"""

from __future__ import annotations

import numpy as np

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats, stream
from runner.metric.column_std import column_std


def hoyer_sparsity(codes: Codes, *, samples: int, seed: int) -> dict[str, float]:
    """Return the mean Hoyer sparsity of the continuous dimensions; see :func:`hoyer`.

    (sqrt(D) - |h|_1 / |h|_2) / (sqrt(D) - 1) of each of ``samples`` codes h, with dimensions scaled
    to unit standard deviation.

    Range: 0, if all dimensions are equally large, to 1, if only one is not zero.
    Discrete variables: they are left out.
    Degenerate input: a constant dimension is set to zero. A code of zeros has sparsity 0.
    Raises: UsageError if fewer than two dimensions are left.
    Source: Hurley & Rickard 2009, as in Mathieu et al. 2019.
    """
    if len(codes.continuous_D) < 2:
        raise UsageError("hoyer_sparsity needs two continuous variables")
    sample = codes.sample(samples, stream(seed, "hoyer_sparsity"))
    return {"hoyer_sparsity": hoyer(sample.codes_MD[:, codes.continuous_D])}


def hoyer(code_MD: Floats) -> float:
    """Return the mean Hoyer sparsity of codes h, with dimensions scaled to unit standard deviation.

    (sqrt(D) - |h|_1 / |h|_2) / (sqrt(D) - 1): 0 if all dimensions are equally large, 1 if only one
    is not zero.

    Range: 0 to 1.
    Degenerate input: a constant dimension is set to zero. A code of zeros has sparsity 0.

    Raises: ValueError for a code of one dimension.
    Source: Hurley & Rickard 2009, as in Mathieu et al. 2019.
    """
    dimensions = code_MD.shape[1]
    if dimensions < 2:
        raise ValueError("sparsity needs at least two dimensions")
    std_D = column_std(code_MD, ddof=1)
    scaled_MD = np.zeros(code_MD.shape)
    np.divide(code_MD, std_D, out=scaled_MD, where=std_D > 0)
    # By powers of two, which round nothing: squares of very small codes would be zero.
    _, power_M = np.frexp(np.abs(scaled_MD).max(1))
    scaled_MD = np.ldexp(scaled_MD, -power_M[:, None])
    root = np.sqrt(dimensions)
    length_M = np.linalg.norm(scaled_MD, axis=1)
    ratio_M = np.full(len(scaled_MD), root)
    np.divide(np.abs(scaled_MD).sum(1), length_M, out=ratio_M, where=length_M > 0)
    return float(np.mean((root - ratio_M) / (root - 1)))
