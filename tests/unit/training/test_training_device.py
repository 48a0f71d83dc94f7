"""Choosing devices that this machine has, and refusing those that it lacks."""

from __future__ import annotations

import pytest
import torch

from runner.errors import UsageError
from runner.training import choose_device


def test_cpu_is_always_there():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cuda", "mps", "cpu"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens where there is no CUDA")
def test_a_missing_device_is_refused():
    with pytest.raises(UsageError, match="device=cuda is not on this machine, which has") as error:
        choose_device("cuda")
    assert error.value.hint == "device=auto takes the first there is"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_cuda_index_beyond_the_last_is_refused():
    with pytest.raises(UsageError):
        choose_device(f"cuda:{torch.cuda.device_count()}")
