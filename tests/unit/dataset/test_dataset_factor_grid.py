import math

import numpy as np
import torch

from runner.dataset import Factor
from runner.dataset.factor_grid import grid_factors

FACTORS = (Factor("a", 2), Factor("b", 3), Factor("c", 5))


def test_every_combination_is_there_once_and_the_last_factor_varies_fastest():
    indices_N = torch.arange(math.prod(factor.size for factor in FACTORS))
    factors_NF = grid_factors(FACTORS, indices_N)
    assert factors_NF.tolist() == [list(place) for place in np.ndindex(2, 3, 5)]
    assert factors_NF.dtype == torch.int64
    some = torch.tensor([29, 0, 29])
    assert torch.equal(grid_factors(FACTORS, some), factors_NF[some])
