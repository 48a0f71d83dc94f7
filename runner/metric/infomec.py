"""InfoMEC's modularity and compactness: how far the information is in one place.

Shapes: F factors, G groups, V variables, S the places that a row is spread over.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runner.errors import UsageError
from runner.metric.codes import Codes, Floats
from runner.metric.group_information import GroupInformation, group_information
from runner.metric.latent_information import latent_information


def infom(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes, *, samples: int, neighbours: int, least_range: float, most_values: int, seed: int
) -> dict[str, float]:
    """Return InfoM, the modularity of InfoMEC.

    (m - 1 / factors) / (1 - 1 / factors), where m is the mean over the active variables of
    max_f n / Σ_f n, and n = I(z_v; f) / H(f); see
    :func:`runner.metric.latent_information.latent_information`.

    Keys:
        infom: the score.
        infom/active_variables: their number.
        infom/VARIABLE: the score of one active variable that says something about a factor.
    Range: 0, if each variable says equally much about every factor, to 1, if about one alone.
    Discrete variables: one variable each, of the category with the largest column. A column with
        at most ``most_values`` different values, as of a quantised latent, is discrete too.
    Degenerate input: a variable whose information is estimated as exactly 0 for every factor has
        0 / 0. It is left out of the mean, as an inactive one is: it says nothing about a second
        factor either, and a model is not to be the worse for a variable that it does not use. If
        none is left, the score is 0. A factor of whose values none has two of the images drawn is
        left out, and so is one that does not vary among them.
    Raises: UsageError if fewer than two factors are left.
    Source: Hsu et al. 2023, who have no case for 0 / 0.
    """
    found = latent_information(
        codes,
        samples=samples,
        neighbours=neighbours,
        least_range=least_range,
        most_values=most_values,
        seed=seed,
    )
    _require_two("infom", found.factor_names)
    share_V = concentrations(found.share_VF)
    by_name = {
        f"infom/{variable.name}": float(share)
        for variable, share in zip(codes.variables, share_V, strict=True)
        if not np.isnan(share)
    }
    active = float(found.active_V.sum())
    return {"infom": _mean_of_known(share_V), "infom/active_variables": active, **by_name}


def infoc(  # noqa: PLR0913 - by keyword, and each is a setting of conf/metrics
    codes: Codes, *, samples: int, neighbours: int, least_range: float, most_values: int, seed: int
) -> dict[str, float]:
    """Return InfoC, the compactness of InfoMEC.

    (m - 1 / L) / (1 - 1 / L), where L is the number of active variables and m the mean over the
    factors of max_v n / Σ_v n over these, with n = I(z_v; f) / H(f); see
    :func:`runner.metric.latent_information.latent_information`.

    Keys:
        infoc: the score.
        infoc/FACTOR: of one factor.
    Range: 0, if all active variables say equally much about each factor, to 1, if one alone does.
    Discrete variables: as in ``infom``.
    Degenerate input: a factor about which no variable says anything has 0 / 0 and counts as 0: it
        is in no variable. With a single active variable the score of the other factors is 1. A
        factor is left out as in ``infom``.
    Raises: UsageError if no factor is left.
    Source: Hsu et al. 2023, who have no case for 0 / 0.
    """
    found = latent_information(
        codes,
        samples=samples,
        neighbours=neighbours,
        least_range=least_range,
        most_values=most_values,
        seed=seed,
    )
    return _compactness("infoc", found.share_VF, found.active_V, found.factor_names)


def infom_groups(
    codes: Codes, *, samples: int, neighbours: int, least_range: float, seed: int
) -> dict[str, float]:
    """Return InfoM of groups.

    As ``infom``, with a group z_g in place of a variable. I(z_g; f), of all its columns together,
    is estimated from the nearest ``neighbours`` images with the same value, see
    :func:`runner.metric.group_information.group_information`, and divided by that of the factor
    with itself.

    Keys:
        infom_groups: the score.
        infom_groups/GROUP: of one active group that says something about a factor.
    Range: 0, if each group says equally much about every factor, to 1, if about one alone.
    Discrete variables: the largest column is the category.
    Degenerate input: a group is inactive if no discrete variable of it has two categories, and the
        largest range of its continuous ones is at most ``least_range`` of that of all groups. One
        that says nothing is left out of the mean, as in ``infom``; less than 2 / sqrt(images) nats
        count as nothing.
    Raises: UsageError if fewer than two factors vary among the images drawn.
    Source: Hsu et al. 2023, with a group in place of a variable; Ross 2014 for the estimate.
    """
    found = group_information(codes, samples=samples, neighbours=neighbours, seed=seed)
    _require_two("infom_groups", found.factor_names)
    share_GF, _ = _shares_of_groups(codes, found, least_range)
    share_G = concentrations(share_GF)
    by_name = {
        f"infom_groups/{group.name}": float(share)
        for group, share in zip(codes.groups, share_G, strict=True)
        if not np.isnan(share)
    }
    return {"infom_groups": _mean_of_known(share_G), **by_name}


def infoc_groups(
    codes: Codes, *, samples: int, neighbours: int, least_range: float, seed: int
) -> dict[str, float]:
    """Return InfoC of groups.

    As ``infoc``, with a group in place of a variable, and the information of ``infom_groups``.

    Keys:
        infoc_groups: the score.
        infoc_groups/FACTOR: of one factor.
    Range: 0, if all active groups say equally much about each factor, to 1, if one alone does.
    Discrete variables: the largest column is the category.
    Degenerate input: groups are inactive as in ``infom_groups``; else as in ``infoc``.
    Raises: UsageError if no factor has two images with the same value among those drawn.
    Source: Hsu et al. 2023, with a group in place of a variable; Ross 2014 for the estimate.
    """
    found = group_information(codes, samples=samples, neighbours=neighbours, seed=seed)
    share_GF, active_G = _shares_of_groups(codes, found, least_range)
    return _compactness("infoc_groups", share_GF, active_G, found.factor_names)


def concentrations(share_xS: Floats) -> Floats:
    """Return (max / sum - 1 / S) / (1 - 1 / S) of each row; 1 if S = 1, nan for a row of zeros."""
    total_x = share_xS.sum(1)
    top_x = np.full(len(total_x), np.nan)
    np.divide(share_xS.max(1), total_x, out=top_x, where=total_x > 0)
    places = share_xS.shape[1]
    if places == 1:
        return top_x
    return np.clip((top_x - 1 / places) / (1 - 1 / places), 0, 1)


def _compactness(
    name: str, share_VF: Floats, active_V: NDArray[np.bool_], factor_names: tuple[str, ...]
) -> dict[str, float]:
    if active_V.any():
        known_F = np.nan_to_num(concentrations(share_VF[active_V].T))
    else:
        known_F = np.zeros(len(factor_names))
    by_name = zip(factor_names, known_F.tolist(), strict=True)
    return {name: float(known_F.mean()), **{f"{name}/{factor}": value for factor, value in by_name}}


def _mean_of_known(share_V: Floats) -> float:
    known = share_V[~np.isnan(share_V)]
    return float(known.mean()) if len(known) else 0.0


def _require_two(name: str, factors: tuple[str, ...]) -> None:
    if len(factors) < 2:
        raise UsageError(f"{name} needs two factors that vary among the images drawn")


def _shares_of_groups(
    codes: Codes, found: GroupInformation, least_range: float
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return I(z_g; f) / I(f; f), (G, F), 0 for inactive groups, and which are active, (G,)."""
    range_D = np.ptp(codes.codes_ND, axis=0)
    range_G, varies_G = np.zeros(len(codes.groups)), np.zeros(len(codes.groups), np.bool_)
    for g, group in enumerate(codes.groups):
        for variable in group.variables:
            if variable.is_discrete:
                varies_G[g] |= np.ptp(codes.codes_ND[:, variable.columns].argmax(1)) > 0
            else:
                range_G[g] = max(range_G[g], range_D[variable.columns.start])
    active_G = varies_G | (range_G > least_range * range_G.max())
    share_GF = found.significant_GF / found.entropy_F
    return np.where(active_G[:, None], share_GF, 0.0), active_G
