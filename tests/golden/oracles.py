"""The losses of the papers, written plainly: loops over images, nothing shared with the program.

A weight that all KL terms have in common multiplies the closed-form KL, and only what a term weighs
beyond it multiplies its estimate, as the program promises; for equal weights that is the paper's
formula as it stands.

Shapes: B images, V variables. All functions return means over B, in nats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import RelaxedOneHotCategorical


@dataclass(frozen=True)
class Seen:
    """What a loss is a function of."""

    images: Tensor
    """(B, pixels), what is to be reconstructed."""
    logits: Tensor
    """(B, pixels), the decoder's output."""
    loc: Tensor
    log_scale: Tensor
    z: Tensor
    """(B, V)."""
    dataset_size: int


def reconstruction(seen: Seen) -> Tensor:
    total = 0
    for x, output in zip(seen.images, seen.logits, strict=True):
        p = 1 / (1 + (-output).exp())
        total = total - (x * p.log() + (1 - x) * (1 - p).log()).sum()
    return total / len(seen.images)


def kl(seen: Seen) -> Tensor:
    scale = seen.log_scale.exp()
    return (0.5 * (scale**2 + seen.loc**2 - 1) - seen.log_scale).sum(1).mean()


def log_normal(z: Tensor, loc: Tensor, log_scale: Tensor) -> Tensor:
    return -0.5 * ((z - loc) / log_scale.exp()) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)


def log_marginal(log_pairs: Sequence[Sequence[Tensor]], images: int) -> Tensor:
    """Mean of log q over samples i, from log q(z_i|x_j): own weighted 1/N, others the rest."""
    batch = len(log_pairs)
    total = 0
    for i, row in enumerate(log_pairs):
        mixture = 0
        for j, value in enumerate(row):
            weight = 1 / images if i == j else (images - 1) / (images * (batch - 1))
            mixture = mixture + weight * value.exp()
        total = total + torch.log(mixture)
    return total / batch


def log_q(seen: Seen, variables: Sequence[int]) -> Tensor:
    """Mean of log q(z_S) over samples."""
    pairs = [
        [sum(log_normal(z[v], loc[v], scale[v]) for v in variables)
         for loc, scale in zip(seen.loc, seen.log_scale, strict=True)]
        for z in seen.z
    ]  # fmt: skip
    return log_marginal(pairs, seen.dataset_size)


def terms(seen: Seen, groups: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Index-code MI, correlation between groups, correlation within, dimension-wise KL."""
    every = [v for group in groups for v in group]
    own = log_normal(seen.z, seen.loc, seen.log_scale).sum(1).mean()
    prior = log_normal(seen.z, torch.zeros_like(seen.z), torch.zeros_like(seen.z)).sum(1).mean()
    joint = log_q(seen, every)
    by_group = sum(log_q(seen, group) for group in groups)
    by_variable = sum(log_q(seen, [v]) for v in every)
    return own - joint, joint - by_group, by_group - by_variable, by_variable - prior


def weighted(
    seen: Seen, groups: Sequence[Sequence[int]], weights: tuple[float, float, float, float]
) -> Tensor:
    """Reconstruction and a weighted decomposition (Esmaeili et al. 2019, and its special cases)."""
    shared = min(weights)
    loss = reconstruction(seen) + shared * kl(seen)
    for weight, term in zip(weights, terms(seen, groups), strict=True):
        loss = loss + (weight - shared) * term
    return loss


def full_estimate(
    seen: Seen, groups: Sequence[Sequence[int]], weights: tuple[float, float, float, float]
) -> Tensor:
    """The same with every term estimated at the draws, the shared weight too: no closed form."""
    return reconstruction(seen) + sum(
        weight * term for weight, term in zip(weights, terms(seen, groups), strict=True)
    )


def beta_vae(seen: Seen, beta: float) -> Tensor:
    return reconstruction(seen) + beta * kl(seen)


def averaged_pairs(numbers: Tensor, average: Callable[..., tuple[Tensor, Tensor]]) -> Tensor:
    """Means and log-scales with those of shared variables averaged (Locatello et al. 2020)."""
    count = numbers.shape[1] // 2
    rows = [list(row) for row in numbers]
    for one, other in zip(rows[::2], rows[1::2], strict=True):
        kl = []
        for v in range(count):
            m, n, s, t = one[v], other[v], one[count + v].exp(), other[count + v].exp()
            divergence = torch.log(t / s) + (s**2 + (m - n) ** 2) / (2 * t**2) - 0.5
            kl.append(float(divergence.detach()))
        middle = (min(kl) + max(kl)) / 2
        for v in [v for v in range(count) if kl[v] < middle]:
            m, n, s, t = one[v], other[v], one[count + v].exp(), other[count + v].exp()
            mean, variance = average(m, n, s**2, t**2)
            one[v] = other[v] = mean
            one[count + v] = other[count + v] = variance.log() / 2
    return torch.stack([torch.stack(row) for row in rows])


def mean_of_pairs(numbers: Tensor) -> Tensor:
    return averaged_pairs(numbers, lambda m, n, s2, t2: ((m + n) / 2, (s2 + t2) / 2))


def product_of_pairs(numbers: Tensor) -> Tensor:
    return averaged_pairs(
        numbers,
        lambda m, n, s2, t2: ((m / s2 + n / t2) / (1 / s2 + 1 / t2), 2 / (1 / s2 + 1 / t2)),
    )


def annealed_vae(seen: Seen, gamma: float, capacity: float) -> Tensor:
    return reconstruction(seen) + gamma * (kl(seen) - capacity).abs()


def dip_vae(seen: Seen, off_diagonal: float, diagonal: float, *, second: bool) -> Tensor:
    batch, count = seen.loc.shape
    penalty = 0
    for i in range(count):
        for j in range(count):
            mean_ij = sum(seen.loc[b, i] * seen.loc[b, j] for b in range(batch)) / batch
            covariance = mean_ij - seen.loc[:, i].mean() * seen.loc[:, j].mean()
            if second and i == j:
                covariance = covariance + (2 * seen.log_scale[:, i]).exp().mean()
            if i == j:
                penalty = penalty + diagonal * (covariance - 1) ** 2
            else:
                penalty = penalty + off_diagonal * covariance**2
    return beta_vae(seen, 1.0) + penalty


def rbf(distance: Tensor, constant: float) -> Tensor:
    return torch.exp(-distance / constant)


def imq(distance: Tensor, constant: float) -> Tensor:
    return constant / (constant + distance)


def mmd(
    one: Tensor, other: Tensor, kernel: Callable[[Tensor, float], Tensor], scales: Sequence[float]
) -> Tensor:
    """Squared MMD: pairs of different samples within, all pairs across; C = 2 dimensions scale."""
    batch, dimensions = one.shape
    total = 0
    for scale in scales:
        constant = 2 * dimensions * scale

        def k(x: Tensor, y: Tensor, constant: float = constant) -> Tensor:
            return kernel(((x - y) ** 2).sum(), constant)

        for i in range(batch):
            for j in range(batch):
                if i != j:
                    within = k(one[i], one[j]) + k(other[i], other[j])
                    total = total + within / (batch * (batch - 1))
                total = total - 2 * k(one[i], other[j]) / batch**2
    return total


def inclusive_kl(seen: Seen, drawn: Tensor) -> Tensor:
    """KL(p||q) from draws of p, q the plain mixture of the minibatch (Mathieu et al. 2019)."""
    total = 0
    for z in drawn:
        mixture = sum(
            log_normal(z, loc, scale).sum().exp()
            for loc, scale in zip(seen.loc, seen.log_scale, strict=True)
        ) / len(seen.loc)
        zero = torch.zeros_like(z)
        total = total + log_normal(z, zero, zero).sum() - torch.log(mixture)
    return total / len(drawn)


def corex(seen: Seen, anchor: Sequence[int], alpha: float) -> Tensor:
    """The ELBO and a weight on the information of the anchor (Gao et al. 2019)."""
    own = log_normal(seen.z, seen.loc, seen.log_scale)[:, list(anchor)].sum(1).mean()
    return beta_vae(seen, 1.0) + alpha * (own - log_q(seen, anchor))


def hfvae_with_category(
    seen: Seen, category_logits: Tensor, weights: tuple[float, float, float, float]
) -> Tensor:
    """HFVAE with groups {c} and {all normals}; every expectation over c is a sum (shared: one)."""
    q_c = category_logits.softmax(1)
    batch, categories = q_c.shape
    images = seen.dataset_size
    mi = between = within = dimension = 0
    for i in range(batch):
        own_z = log_normal(seen.z[i], seen.loc[i], seen.log_scale[i]).sum()
        pairs = [log_normal(seen.z[i], seen.loc[j], seen.log_scale[j]) for j in range(batch)]
        share = [1 / images if i == j else (images - 1) / (images * (batch - 1))
                 for j in range(batch)]  # fmt: skip
        q_z = sum(share[j] * pairs[j].sum().exp() for j in range(batch))
        q_v = [sum(share[j] * pairs[j][v].exp() for j in range(batch)) for v in range(4)]
        prior_z = log_normal(seen.z[i], torch.zeros(4), torch.zeros(4)).sum()
        for k in range(categories):
            joint = sum(share[j] * q_c[j, k] * pairs[j].sum().exp() for j in range(batch))
            q_k = sum(share[j] * q_c[j, k] for j in range(batch))
            p = q_c[i, k] / batch
            mi = mi + p * (q_c[i, k].log() + own_z - joint.log())
            between = between + p * (joint.log() - q_k.log() - q_z.log())
            within = within + p * (q_z.log() - sum(q.log() for q in q_v))
            of_c = q_k.log() + math.log(categories)
            dimension = dimension + p * (of_c + sum(q.log() for q in q_v) - prior_z)
    shared = min(weights)
    rate_c = (q_c * (q_c * categories).log()).sum(1).mean()
    loss = reconstruction(seen) + shared * (kl(seen) + rate_c)
    for weight, term in zip(weights, (mi, between, within, dimension), strict=True):
        loss = loss + (weight - shared) * term
    return loss


def hfvae_with_relaxed_category(
    seen: Seen,
    drawn: Tensor,
    category_logits: Tensor,
    temperature: float,
    weights: tuple[float, float, float, float],
) -> Tensor:
    """The same, the category by the density of its relaxed draw (Maddison et al. 2017)."""

    def log_c(logits: Tensor) -> Tensor:
        heat = drawn.new_tensor(temperature)
        return RelaxedOneHotCategorical(heat, logits=logits).log_prob(drawn)

    batch, every = len(drawn), range(seen.z.shape[1])
    columns = [log_c(logits.expand_as(drawn)) for logits in category_logits]
    c = [[columns[j][i] for j in range(batch)] for i in range(batch)]
    both = [
        [c[i][j] + log_normal(seen.z[i], seen.loc[j], seen.log_scale[j]).sum()
         for j in range(batch)]
        for i in range(batch)
    ]  # fmt: skip
    own_c = sum(c[i][i] for i in range(batch)) / batch
    own_z = log_normal(seen.z, seen.loc, seen.log_scale).sum(1).mean()
    zero = torch.zeros_like(seen.z)
    prior_z = log_normal(seen.z, zero, zero).sum(1).mean()
    prior_c = log_c(torch.zeros_like(drawn)).mean()
    joint, of_c = (log_marginal(pairs, seen.dataset_size) for pairs in (both, c))
    of_z, of_v = log_q(seen, every), sum(log_q(seen, [v]) for v in every)
    found = own_c + own_z - joint, joint - of_c - of_z, of_z - of_v, of_c + of_v - prior_c - prior_z
    shared = min(weights)
    loss = reconstruction(seen) + shared * (kl(seen) + own_c - prior_c)
    for weight, term in zip(weights, found, strict=True):
        loss = loss + (weight - shared) * term
    return loss


def discriminator_loss(
    network: Callable[[Tensor], Tensor],
    z: Tensor,
    other: Tensor,
    columns: Sequence[Sequence[int]],
    noise: Tensor,
) -> Tensor:
    """Half a cross entropy from each kind of sample (Kim & Mnih 2018, algorithm 2).

    Row i of variable v in the second batch is the row with the i-th smallest noise[:, v].
    """
    batch = len(z)
    permuted = torch.empty_like(other)
    for v, part in enumerate(columns):
        order = sorted(range(batch), key=lambda row, v=v: float(noise[row, v]))
        for i, row in enumerate(order):
            for column in part:
                permuted[i, column] = other[row, column]
    total = 0
    for joint, product in zip(network(z), network(permuted), strict=True):
        total = total - torch.log(joint.exp()[0] / joint.exp().sum())
        total = total - torch.log(product.exp()[1] / product.exp().sum())
    return total / (2 * batch)


def kl_sparsity(code: Tensor, rate: float) -> Tensor:
    total = 0
    for unit in code.T:
        active_penalties = unit.mean()
        total = total + rate * torch.log(rate / active_penalties)
        total = total + (1 - rate) * torch.log((1 - rate) / (1 - active_penalties))
    return total


def jacobian(encode: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """Mean squared Frobenius norm, an image at a time (Rifai et al. 2011)."""
    total = 0
    for image in images:
        matrix = torch.autograd.functional.jacobian(encode, image[None], create_graph=True)
        total = total + (matrix**2).sum()
    return total / len(images)
