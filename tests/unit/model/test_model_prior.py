"""What holds for every density, by numerical integration; and the errors of a configuration."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from runner.config.prior_rules import prior_rules
from runner.config.prior_schema import PRIOR_CHOICES
from runner.config.rule import refuse
from runner.errors import UsageError
from runner.model.independent import Independent, Laplace, StandardNormal
from runner.model.mixture import Mixture, VampPrior
from runner.model.prior import build_prior

SHAPE = (1, 4, 4)
PRIORS = Path(__file__).parents[3] / "conf" / "prior"
R = [[1.0, 0.6, -0.2], [0.6, 1.0, 0.3], [-0.2, 0.3, 1.0]]
CASES = {
    "normal": {},
    "anisotropic": {"variances": [3.0, 2.0, 1.0]},
    "dirichlet_laplace": {"concentration": 0.5},
    "laplace": {"scale": 0.7},
    "student_t": {},
    "mixture": {"variance": 0.2},
    "sparse": {"spike_scale": 0.3},
    "vamp": {"pseudo_inputs": 3},
    "correlated": {"correlation": R},
}
GRID = torch.linspace(-24, 24, 961, dtype=torch.double)  # with a point at zero
STEP = 0.05


def config(name: str, **changes):
    """The values of a choice's own YAML, with three dimensions unless changed."""
    values = yaml.safe_load((PRIORS / f"{name}.yaml").read_text())
    values.pop("defaults")
    values = {"groups": None, "discrete": {}, "temperature": 0.66} | values
    return PRIOR_CHOICES[name](**(values | {"dimensions": 3} | changes))


def images() -> torch.Tensor:
    return torch.rand(40, *SHAPE, generator=torch.Generator().manual_seed(0))


def unused() -> torch.Tensor:
    raise AssertionError("the images are not needed")


def encode(images_KCHW: torch.Tensor):
    rows_KP = images_KCHW.flatten(1)
    return 8 * (rows_KP[:, :3] - 0.5), 0.3 + rows_KP[:, 3:6]


def density(name: str):
    torch.manual_seed(0)
    return build_prior(config(name, **CASES[name]), SHAPE, images).double().with_encoder(encode)


def uniform(samples: int, count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(samples, count, generator=generator, dtype=torch.double)


def posterior():
    generator = torch.Generator().manual_seed(2)
    loc = torch.randn(4, 3, generator=generator, dtype=torch.double)
    return loc, 0.3 + torch.rand(4, 3, generator=generator, dtype=torch.double)


def grid(variables: list[int]) -> torch.Tensor:
    """All combinations of grid points in some variables, the others zero."""
    points = torch.cartesian_prod(*[GRID] * len(variables)).view(-1, len(variables))
    z = torch.zeros(len(points), 3, dtype=torch.double)
    z[:, variables] = points
    return z


every = pytest.mark.parametrize("name", sorted(CASES))


@every
@torch.no_grad()
def test_pairs_of_variables_integrate_to_one_and_to_their_marginals(name):
    p = density(name)
    joint = p.log_joint(grid([0, 2]), [0, 2]).exp().view(len(GRID), len(GRID))
    assert (joint.sum() * STEP**2).item() == pytest.approx(1, abs=1e-3)
    marginals = p.log_marginals(GRID[:, None].expand(-1, 3)).exp()
    torch.testing.assert_close(joint.sum(1) * STEP, marginals[0], rtol=0, atol=1e-3)
    torch.testing.assert_close(joint.sum(0) * STEP, marginals[2], rtol=0, atol=1e-3)


@every
def test_the_joint_of_one_variable_is_its_marginal(name):
    p = density(name)
    z = p.sample(uniform(20, p.uniform_count))
    for variable in range(3):
        torch.testing.assert_close(p.log_joint(z, [variable]), p.log_marginals(z)[variable])


@every
@torch.no_grad()
def test_it_factorises_if_and_only_if_the_joint_is_the_product_of_the_marginals(name):
    p = density(name)
    z = p.sample(uniform(20, p.uniform_count))
    difference = (p.log_joint(z, range(3)) - p.log_marginals(z).sum(0)).abs().max()
    assert p.factorises == (difference < 1e-9)


@every
@torch.no_grad()
def test_draws_follow_each_marginal(name):
    """Kolmogorov and Smirnov, at a level of one in ten thousand."""
    p, draws = density(name), 20_000
    z = p.sample(uniform(draws, p.uniform_count))
    assert z.shape == (draws, 3)
    marginals = p.log_marginals(GRID[:, None].expand(-1, 3)).exp()
    for variable in range(3):
        expected = torch.cumulative_trapezoid(marginals[variable], dx=STEP)
        empirical = torch.searchsorted(z[:, variable].sort().values, GRID[1:]) / draws
        assert (empirical - expected).abs().max() < 2.23 / math.sqrt(draws)


@every
@torch.no_grad()
def test_draws_follow_the_joint_density(name):
    """The mean log-density of draws is minus the entropy, which is integrated."""
    p = density(name)
    points = p.log_joint(grid([0, 2]), [0, 2])
    negative_entropy = (points.exp() * points).sum() * STEP**2
    log_B = p.log_joint(p.sample(uniform(50_000, p.uniform_count)), [0, 2])
    error = log_B.std() / math.sqrt(len(log_B))
    assert abs(log_B.mean() - negative_entropy) < 4 * error + 1e-3


@every
@torch.no_grad()
def test_the_mean_rate_is_the_kullback_leibler_divergence(name):
    """Closed forms and one-sample estimates alike, against plain Monte Carlo with other samples."""
    p, (loc, scale) = density(name), posterior()
    q = torch.distributions.Normal(loc[:1], scale[:1])
    samples, z = 40_000, torch.Generator().manual_seed(3)
    own, other = (
        loc[:1] + scale[:1] * torch.randn(samples, 3, generator=z, dtype=torch.double)
        for _ in range(2)
    )
    rows = [tensor[:1].expand(samples, 3) for tensor in (loc, scale)]
    log_qz_x_BV = q.log_prob(other)
    pairs = [
        (p.rate(*rows, own)[:, None], log_qz_x_BV.sum(1) - p.log_joint(other, range(3))),
        (p.rate_per_variable(*rows, own), log_qz_x_BV - p.log_marginals(other).T),
    ]
    for rates, ratios in pairs:
        expected = ratios.view(samples, -1)
        variance = (rates.var(0) + expected.var(0)) / samples
        assert ((rates.mean(0) - expected.mean(0)).abs() < 4.5 * variance.sqrt()).all()


@every
def test_scales_are_the_standard_deviations_of_draws(name):
    p = density(name)
    z = p.sample(uniform(40_000, p.uniform_count))
    torch.testing.assert_close(z.std(0), p.scale_V, rtol=0.03, atol=0)


@every
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_shapes_types_and_device_are_those_of_the_protocol(name, device):
    """A tensor made on the CPU meanwhile would not go together with those of another device."""
    torch.manual_seed(0)
    closed = build_prior(config(name, **CASES[name]), SHAPE, images).double().to(device)
    p = closed.with_encoder(encode)
    loc, scale = (tensor.to(device) for tensor in posterior())
    for shape, value in [
        ((3, 4), p.log_marginals(loc)),
        ((4,), p.log_joint(loc, [1, 2])),
        ((4,), p.rate(loc, scale, loc)),
        ((4, 3), p.rate_per_variable(loc, scale, loc)),
        ((3,), p.scale_V),
        ((5, 3), p.sample(uniform(5, p.uniform_count).to(device))),
    ]:
        assert value.shape == shape
        assert (value.dtype, value.device.type) == (torch.double, device)


@every
def test_float32_agrees_with_float64(name):
    torch.manual_seed(0)
    single = build_prior(config(name, **CASES[name]), SHAPE, images).with_encoder(encode)
    double, (loc, scale) = density(name), posterior()
    z = loc.flip(0)
    assert torch.is_same_size(single.scale_V, double.scale_V)
    for method, values in {
        "log_marginals": (z,),
        "rate": (loc, scale, z),
        "rate_per_variable": (loc, scale, z),
        "sample": (uniform(4, double.uniform_count),),
    }.items():
        torch.testing.assert_close(
            getattr(single, method)(*[value.float() for value in values]),
            getattr(double, method)(*values).float(),
            rtol=1e-4,
            atol=1e-4,
        )


@every
def test_it_compiles_as_one_graph(name):
    torch.manual_seed(0)
    closed = build_prior(config(name, **CASES[name]), SHAPE, images).double()
    loc, scale = posterior()

    def use(uniform_BU):
        p = closed.with_encoder(encode)
        z = p.sample(uniform_BU)
        return p.log_joint(z, (0, 2)) + p.log_marginals(z).sum(0) + p.rate(loc, scale, z)

    uniform_BU = uniform(4, closed.uniform_count)
    compiled = torch.compile(use, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(uniform_BU), use(uniform_BU))
    torch.compiler.reset()


@pytest.mark.parametrize("name", ["normal", "concrete_normal"])
def test_names_of_the_standard_normal(name):
    p = build_prior(config(name), SHAPE, unused)
    assert isinstance(p, Independent)
    assert isinstance(p.marginals, StandardNormal)
    assert (p.count, p.uniform_count) == (3, 3)


def test_a_log_normal_has_a_standard_normal_logarithm():
    p = build_prior(PRIOR_CHOICES["log_normal"]("log_normal", 3, 1, None, {}, 0.66), SHAPE, unused)
    assert isinstance(p.marginals, StandardNormal)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"anisotropic", "vamp"}))
def test_images_are_looked_at_only_where_they_matter(name):
    assert build_prior(config(name), SHAPE, unused).count == 3


def test_every_choice_has_values_that_build():
    for name in CASES:
        changes = {"pseudo_inputs": 5} if name == "vamp" else {}
        assert build_prior(config(name, **changes), SHAPE, images).count == 3
    assert isinstance(build_prior(config("laplace"), SHAPE, unused).marginals, Laplace)


def test_principal_variances_have_the_mean_asked_for():
    p = build_prior(config("anisotropic", total=2.0), SHAPE, images)
    variances = p.scale_V.square()
    torch.testing.assert_close(variances.mean(), torch.tensor(2.0))
    assert variances[0] > variances[1] > variances[2]
    learned = build_prior(config("anisotropic", learned=True), SHAPE, images)
    assert [name for name, _ in learned.named_parameters()] == ["marginals.logits_V"]


def test_one_correlation_is_that_of_every_pair():
    p = build_prior(config("correlated", correlation=0.5), SHAPE, unused)
    torch.testing.assert_close(p.correlation_VV, torch.full((3, 3), 0.5).fill_diagonal_(1))
    assert build_prior(config("correlated", correlation=0), SHAPE, unused).factorises


def test_means_of_a_mixture_may_be_listed_drawn_or_learned():
    means = [[0, 1.5, 2], [3, 4, 5]]
    listed = build_prior(config("mixture", means=means, components=2), SHAPE, unused)
    assert listed.loc_KV.tolist() == means
    assert not list(listed.parameters())
    torch.manual_seed(0)
    drawn = build_prior(config("mixture", means="random", learned=True), SHAPE, unused)
    assert isinstance(drawn, Mixture)
    assert drawn.loc_KV.std() > 0.1
    assert {name for name, _ in drawn.named_parameters()} == {"loc_KV", "logits_K"}
    torch.manual_seed(0)
    again = build_prior(config("mixture", means="random", learned=True), SHAPE, unused)
    assert torch.equal(drawn.loc_KV, again.loc_KV)


def test_pseudo_inputs_are_different_training_images():
    torch.manual_seed(0)
    vamp = build_prior(config("vamp", pseudo_inputs=40), SHAPE, images)
    assert isinstance(vamp, VampPrior)
    distances = (vamp.pseudo_inputs_KCHW[:, None] - images()).abs().amax((2, 3, 4))
    assert sorted(distances.argmin(1).tolist()) == list(range(40))
    assert distances.amin(1).max() < 0.06


def accepted(settings, images) -> None:
    """Check the settings as they are read, and then build what they describe."""
    refuse(prior_rules(replace(settings, group_size=None)))
    build_prior(settings, SHAPE, images)


POSITIVE = "a positive number"
MEANS = r"ring, random, or a list of 4 \(prior.components\) lists of 3 \(prior.dimensions\) numbers"
VARIANCES = r"pca, or a list of 3 \(prior.dimensions\) positive numbers"
TABLE = r"a number, or a list of 3 \(prior.dimensions\) lists of as many numbers"
SYMMETRIC = "symmetric, with ones on its diagonal"
DEFINITE = "positive definite, and not nearly singular"


@pytest.mark.parametrize(
    ("name", "changes", "rule"),
    [
        ("anisotropic", {"variances": "PCA"}, VARIANCES),
        ("anisotropic", {"variances": [1.0, 2.0]}, VARIANCES),
        ("anisotropic", {"variances": [1.0, 2.0, 0.0]}, VARIANCES),
        ("anisotropic", {"variances": [1.0, 2.0, "x"]}, VARIANCES),
        ("anisotropic", {"total": 0.0}, POSITIVE),
        ("laplace", {"scale": -1.0}, POSITIVE),
        ("student_t", {"degrees": 0.5}, "a number of at least 1"),
        ("student_t", {"degrees": math.nan}, "a number of at least 1"),
        ("sparse", {"gamma": 1.0}, "a number from 0 to below 1"),
        ("sparse", {"spike_scale": 0.0}, POSITIVE),
        ("mixture", {"components": 0}, "at least 1"),
        ("mixture", {"variance": math.inf}, POSITIVE),
        ("mixture", {"means": "circle"}, MEANS),
        ("mixture", {"means": [[0.0] * 3] * 3}, MEANS),
        ("mixture", {"means": [[0.0] * 2] * 4}, MEANS),
        ("mixture", {"means": [[True] * 3] * 4}, MEANS),
        ("vamp", {"pseudo_inputs": 41}, "from 1 to the 40 training images"),
        ("vamp", {"pseudo_inputs": 0}, "from 1 to the 40 training images"),
        ("correlated", {"correlation": "half"}, TABLE),
        ("correlated", {"correlation": [[1.0]]}, TABLE),
        ("correlated", {"correlation": [[1, 0, 0], [0.1, 1, 0], [0, 0, 1]]}, SYMMETRIC),
        ("correlated", {"correlation": [[2, 0, 0], [0, 1, 0], [0, 0, 1]]}, SYMMETRIC),
        ("correlated", {"correlation": 1.0}, DEFINITE),
        ("correlated", {"correlation": -0.5}, DEFINITE),
    ],
)
def test_values_that_make_no_sense_are_named(name, changes, rule):
    (key,) = changes
    with pytest.raises(UsageError, match=rf"^prior\.{key} must be {rule}, got ") as caught:
        accepted(config(name, **changes), images)
    assert "\n" not in caught.value.message


def test_a_ring_needs_two_dimensions():
    with pytest.raises(UsageError, match=r"^prior\.means must be random or a list where"):
        accepted(config("mixture", dimensions=1), unused)


def test_more_dimensions_than_the_images_vary_in_have_no_principal_variances():
    with pytest.raises(
        UsageError, match=r"^prior\.variances must be a list: the training"
    ) as caught:
        build_prior(config("anisotropic", dimensions=17), SHAPE, images)
    assert caught.value.hint == "take fewer prior.dimensions"


def test_a_prior_without_a_density_is_refused():
    code = PRIOR_CHOICES["code"]("code", 3, 1, None, {}, 0.66, "tanh")
    with pytest.raises(UsageError, match=r"^prior\.name must be one of normal, .*, got 'code'"):
        build_prior(code, SHAPE, unused)
