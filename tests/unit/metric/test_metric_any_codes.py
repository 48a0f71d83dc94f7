"""For any codes a score is finite or refused, and raises no warning."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from runner.errors import UsageError
from runner.metric import Codes, Variable
from runner.metric.dci_es import dci_es
from runner.metric.explicitness import explicitness
from runner.metric.infoe import infoe
from runner.metric.infomec import infoc, infom
from runner.metric.irs import irs
from runner.metric.mig import mig
from runner.metric.modularity import modularity
from runner.metric.sap import sap
from runner.metric.sparsity import hoyer_sparsity
from runner.metric.unsupervised import unsupervised

NUMBERS = st.sampled_from([0.0, 0.1, -1.0, 1.0, 1 + 1e-15, 1e-300, 5e-324, 1e6]) | st.floats(-9, 9)
COUNTS = st.sampled_from([1, 2, 3, 8, 40])
INFORMATION = {
    "samples": COUNTS,
    "neighbours": COUNTS,
    "least_range": st.sampled_from([0.0, 0.05, 2.0]),
    "most_values": COUNTS,
}
LARGE_OR_SMALL = {
    mig: {"samples": COUNTS, "bins": st.sampled_from([1, 2, 20])},
    modularity: {"samples": COUNTS, "bins": st.sampled_from([1, 2, 20])},
    explicitness: {"train": COUNTS, "test": COUNTS},
    sap: {"train": COUNTS, "test": COUNTS},
    irs: {
        "samples": COUNTS,
        "bins": st.sampled_from([1, 2, 20]),
        "quantile": st.sampled_from([0.0, 0.5, 0.99, 1.0]),
    },
    unsupervised: {"samples": COUNTS, "bins": st.sampled_from([1, 2, 20])},
    hoyer_sparsity: {"samples": COUNTS},
    dci_es: {
        "train": COUNTS,
        "test": COUNTS,
        "probe": st.sampled_from(["fourier", "mlp"]),
        "features": st.just([1, 3]),
        "widths": st.just([0, 1]),
        "depths": st.just([1, 2]),
        "most_classes": st.sampled_from([2, 9]),
    },
    infom: INFORMATION,
    infoc: INFORMATION,
    infoe: {"samples": COUNTS, "most_values": COUNTS, "held_out": st.booleans()},
}


@st.composite
def any_codes(draw):
    images, first = draw(st.integers(2, 12)), draw(st.integers(1, 3))
    dimensions = first + draw(st.integers(0, 3))
    codes_ND = draw(arrays(np.float64, (images, dimensions), elements=NUMBERS))
    factors_NF = draw(
        arrays(np.int64, (images, draw(st.integers(1, 3))), elements=st.integers(0, 4))
    )
    factors_NF[0, 0] = 9  # one factor at least varies
    later = [Variable(f"z_{d}", slice(d, d + 1)) for d in range(first, dimensions)]
    return Codes.of(
        codes_ND,
        factors_NF,
        variables=[Variable("first", slice(0, first)), *later],
        complete=draw(st.booleans()),
    )


@pytest.mark.parametrize("metric", LARGE_OR_SMALL, ids=lambda metric: metric.__name__)
@given(codes=any_codes(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_score_is_finite_or_refused(metric, codes, data):
    sizes = {name: data.draw(size, label=name) for name, size in LARGE_OR_SMALL[metric].items()}
    try:
        found = metric(codes, **sizes, seed=data.draw(st.integers(0, 9), label="seed"))
    except UsageError:
        return
    assert all(type(value) is float for value in found.values())
    assert np.isfinite(list(found.values())).all()
