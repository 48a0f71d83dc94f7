"""The density estimate of the mutual information gap, against tables and quadrature."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from runner.dataset import Factor
from runner.errors import UsageError
from runner.evaluation import row_chunks
from runner.evaluation.encodings import Encodings
from runner.evaluation.mig_density import gap_information, mig_density
from runner.model import LatentSpace
from runner.model.discrete import Bernoulli, Concrete
from tests.conftest import prior_of

VALUES = 5


def encoded(
    latents: LatentSpace, parameters_MP: Tensor, factors_MF: Tensor, *, images: int | None = None
) -> Encodings:
    noise_MW = latents.noise(len(parameters_MP), torch.Generator().manual_seed(0))
    return Encodings(
        indices_M=torch.arange(len(parameters_MP)),
        parameters_MP=parameters_MP,
        z_MW=latents.discretise(latents.sample(parameters_MP, noise_MW)),
        mean_MW=latents.posterior_mean(parameters_MP),
        log_px_z_M=torch.zeros(len(parameters_MP)),
        factors_MF=factors_MF,
        dataset_size=images or len(parameters_MP),
    )


def normals(loc_MV: Tensor, scales: list[float]) -> Tensor:
    return torch.cat([loc_MV, torch.tensor(scales).log().expand_as(loc_MV)], dim=1)


def channel(offset: float, spread: float) -> float:
    """Return I(z; v) of z ~ N(offset * v, spread^2), v uniform, by quadrature."""
    z_Z = torch.linspace(-9 * spread, offset * (VALUES - 1) + 9 * spread, 20001).double()
    loc_S1 = offset * torch.arange(VALUES).double()[:, None]
    q_SZ = torch.distributions.Normal(loc_S1, spread).log_prob(z_Z).exp()
    step = float(z_Z[1] - z_Z[0])
    marginal = torch.special.entr(q_SZ.mean(0)).sum() * step
    return float(marginal - torch.special.entr(q_SZ).sum(1).mean() * step)


def source(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_gaps_of_normals_are_those_of_quadrature():
    """An informative variable, a less informative one and a collapsed one."""
    count, draws = 4000, source(1)
    labels = torch.arange(count) % VALUES
    offsets, spreads, scales = [1.0, 0.5, 0.0], [0.3, 0.4, 0.0], [0.2, 0.3, 1.0]
    loc_MV = labels[:, None] * torch.tensor(offsets)
    loc_MV = loc_MV + torch.tensor(spreads) * torch.randn(count, 3, generator=draws)
    latents = prior_of(normals=3)
    every = encoded(latents, normals(loc_MV, scales), labels[:, None])
    expected = [
        channel(offset, math.hypot(spread, scale))
        for offset, spread, scale in zip(offsets, spreads, scales, strict=True)
    ]
    found_V = gap_information(latents, every, samples=4000, source=source())[:, 0]
    assert found_V.tolist() == pytest.approx(expected, abs=0.03)
    assert float(found_V[2]) == pytest.approx(0, abs=1e-4)
    scores, _ = mig_density(
        latents, every, [Factor("label", VALUES)], samples=4000, source=source()
    )
    assert list(scores) == ["mig_density", "mig_density/label"]
    gap = (expected[0] - expected[1]) / math.log(VALUES)
    assert scores["mig_density"] == scores["mig_density/label"] == pytest.approx(gap, abs=0.03)


@pytest.mark.parametrize("images", [60, 60_000])
@pytest.mark.parametrize("rows", [7, 20])
def test_the_mixture_has_the_weights_of_its_definition(
    monkeypatch: pytest.MonkeyPatch, images: int, rows: int
):
    """With M = N all encodings have the same weight, as in the mixture of the source."""
    count = 60
    factors_MF = torch.stack([torch.arange(count) % 3, torch.arange(count) // 7 % 2], dim=1)
    loc_MV = torch.randn(count, 2, generator=source(2)) + factors_MF
    latents = prior_of(normals=2)
    every = encoded(latents, normals(loc_MV, [0.5, 0.2]), factors_MF, images=images)
    monkeypatch.setattr(row_chunks, "_ROWS", rows)
    found_VF = gap_information(latents, every, samples=count, source=source())
    log_q_VMM = latents.densities(every.z_MW, every.parameters_MP, every.parameters_MP).sampled_VBM
    for v, kernels_MM in enumerate(log_q_VMM.double().exp()):
        for f, values_M in enumerate(factors_MF.T):
            total = 0.0
            for i in range(count):
                logs = []
                for alike in (torch.ones(count).bool(), values_M == values_M[i]):
                    size = int(alike.sum())
                    behind = size * images / count
                    alike_others = alike & (torch.arange(count) != i)
                    others = float(kernels_MM[i, alike_others].sum()) / (size - 1)
                    own = float(kernels_MM[i, i])
                    logs.append(math.log(own / behind + (behind - 1) / behind * others))
                total += (logs[1] - logs[0]) / count
            assert float(found_VF[v, f]) == pytest.approx(max(total, 0.0), abs=1e-5)


def test_few_encodings_of_many_do_not_add_information():
    """With the weight of any other, the own encoding of narrow noise adds over a tenth of a nat."""
    count = 2000
    labels = torch.arange(count) % 40
    loc_MV = torch.randn(count, 1, generator=source(3))
    latents = prior_of(normals=1)
    as_all = encoded(latents, normals(loc_MV, [0.1]), labels[:, None])
    as_some = encoded(latents, normals(loc_MV, [0.1]), labels[:, None], images=1_000_000)
    settings = {"samples": 1000, "source": source()}
    assert float(gap_information(latents, as_all, **settings)) > 0.1
    assert float(gap_information(latents, as_some, **settings)) < 0.02


def test_a_discrete_variable_is_summed_over_exactly():
    count = 300
    factors_MF = torch.stack([torch.arange(count) % 3, torch.arange(count) // 3 % 2], dim=1)
    logits_MK = 3 * torch.randn(count, 3, generator=source(4))
    logits_MK += 4 * torch.nn.functional.one_hot(factors_MF[:, 0], 3)
    coin_M1 = 2 * factors_MF[:, 1:] - 1.0
    latents = prior_of({"kind": Concrete(3), "coin": Bernoulli(0.5)}, 1)
    style_M2 = torch.zeros(count, 2)
    every = encoded(latents, torch.cat([logits_MK, coin_M1, style_M2], dim=1), factors_MF)
    found_VF = gap_information(latents, every, samples=50, source=source())
    on_M = torch.sigmoid(coin_M1[:, 0])
    tables = (logits_MK.softmax(1), torch.stack([1 - on_M, on_M], dim=1))
    for v, q_MK in enumerate(tables):
        for f, size in enumerate((3, 2)):
            q_SK = torch.stack([q_MK[factors_MF[:, f] == s].mean(0) for s in range(size)])
            expected = float((q_SK * (q_SK / q_SK.mean(0)).log()).sum() / size)
            assert float(found_VF[v, f]) == pytest.approx(expected, abs=1e-5)
    assert found_VF[2].tolist() == pytest.approx([0, 0], abs=1e-5)


def test_variables_sampled_for_their_many_values_are_summed_over():
    labels = torch.arange(200) % 4
    coins = {f"coin_{i}": Bernoulli(0.5) for i in range(7)}  # 128 combinations
    logits_MV = torch.zeros(200, 7)
    logits_MV[:, 0] = torch.where(labels < 2, 20.0, -20.0)
    latents = prior_of(coins, 1)
    every = encoded(latents, torch.cat([logits_MV, torch.zeros(200, 2)], dim=1), labels[:, None])
    found_V = gap_information(latents, every, samples=50, source=source())[:, 0]
    assert found_V.tolist() == pytest.approx([math.log(2), *[0] * 7], abs=1e-4)


def test_a_factor_that_never_varies_is_left_out():
    factors_MF = torch.stack([torch.zeros(90).long(), torch.arange(90) % 3], dim=1)
    logits_MK = 20.0 * torch.nn.functional.one_hot(factors_MF[:, 1], 3)
    latents = prior_of({"kind": Concrete(3)})
    every = encoded(latents, logits_MK, factors_MF)
    factors = [Factor("still", 4), Factor("moving", 3)]
    scores, _ = mig_density(latents, every, factors, samples=90, source=source())
    assert scores == pytest.approx({"mig_density": 1.0, "mig_density/moving": 1.0}, abs=1e-4)
    still = encoded(latents, logits_MK, factors_MF[:, :1])
    with pytest.raises(UsageError, match="no factor varies"):
        mig_density(latents, still, factors[:1], samples=90, source=source())


def test_the_same_generator_gives_the_same_score():
    labels = torch.arange(100) % 3
    latents = prior_of(normals=2)
    loc_MV = torch.randn(100, 2, generator=source(5)) + labels[:, None]
    every = encoded(latents, normals(loc_MV, [0.3, 0.3]), labels[:, None])
    first, again, other = (
        mig_density(latents, every, [Factor("label", 3)], samples=30, source=source(seed))
        for seed in (0, 0, 1)
    )
    assert first == again != other
