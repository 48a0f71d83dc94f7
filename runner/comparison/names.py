"""Short names of settings and figures: said on the command line, shown in tables and labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from runner.config.composition import WEIGHT_NAMES
from runner.errors import UsageError, nearest

_TOP_LEVEL = (*WEIGHT_NAMES, "seed", "steps", "epochs", "batch_size", "learning_rate", "precision")
"""Names that mean the run's own settings, however deep another of the same name stands."""

_MEAN = "scores/mean/"
"""Where a score of the mean code and of a draw are both meant by a short name, it is the mean."""

DEFAULT_METRICS = (
    "elbo",
    "terms/reconstruction",
    "rate",
    "terms/index_code_mi",
    "terms/group_total_correlation",
    "terms/within_group_total_correlation",
    "scores/mean/mig",
    "scores/mean/dci/disentanglement",
    "scores/mean/sap",
    "scores/mean/factor_vae",
    "scores/mean/beta_vae",
    "scores/mean/modularity",
    "scores/mean/udr_spearman",
    "scores/purity",
    "terms/dimension_wise_kl",
    "scores/mean/linear_probe",
    "scores/model/log_likelihood",
)
"""What is shown unless something else is asked for, as far as there is any of it."""


_FEW_GROUPS = 3
"""More groups than these have no columns of their own, unless they are asked for."""

_TITLES = {
    "elbo": "ELBO",
    "terms/index_code_mi": "index-code MI",
    "terms/group_total_correlation": "TC of groups",
    "terms/within_group_total_correlation": "TC within",
    "terms/dimension_wise_kl": "dim.-wise KL",
    "scores/mean/mig": "MIG",
    "scores/mean/dci/disentanglement": "DCI",
    "scores/mean/sap": "SAP",
    "scores/mean/factor_vae": "FactorVAE",
    "scores/mean/beta_vae": "beta-VAE",
    "scores/mean/irs": "IRS",
    "scores/model/log_likelihood": "log p(x)",
}


_FAMILIES = {
    "gaussian_": "unsupervised",
    "mutual_information_score": "unsupervised",
    "udr_": "udr",
}
"""Scores whose numbers have other names than the score."""


def short_names(settings: Iterable[str]) -> dict[str, str]:
    """Return a short name for each dotted setting, no two of them alike."""
    keys = list(settings)
    parts = {key: key.removesuffix(".name").split(".") for key in keys}
    short: dict[str, str] = {}
    for key in keys:
        least = 2 if len(parts[key]) > 2 else 1  # `weight` alone would not say of what
        for length in range(least, len(parts[key]) + 1):
            name = ".".join(parts[key][-length:])
            others = (k for k in keys if k != key)
            taken = any(parts[k][-length:] == parts[key][-length:] for k in others)
            if not taken and (name == key or name not in _TOP_LEVEL):
                short[key] = name
                break
        else:
            short[key] = key
    return short


def value_text(value: object) -> str:
    """Return a setting's value in few characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(value_text(item) for item in value) + "]"
    return str(value)


def choose_settings(
    words: Iterable[str], known: Collection[str], varying: Collection[str]
) -> tuple[str, ...]:
    """Return the dotted settings that are meant; of several, the one that varies over the runs.

    Raises: UsageError when a word means none, or more than one.
    """
    return tuple(dict.fromkeys(choose_setting(word, known, varying) for word in words))


def choose_setting(word: str, known: Collection[str], varying: Collection[str]) -> str:
    """Return the dotted setting that a word means.

    Raises: UsageError when it means none, or more than one.
    """
    for exact in (word, f"{word}.name"):
        if exact in known:
            return exact
    found = [k for k in known if k.removesuffix(".name").endswith(f".{word}")]
    found = [key for key in found if key in varying] or found
    if len(found) > 1:
        raise UsageError(f"'{word}' may be any of several settings", ", ".join(sorted(found)))
    if not found:
        names = [*known, *(k.rpartition(".")[2] for k in known), *short_names(known).values()]
        raise UsageError(f"no run has a setting '{word}'", nearest(word, names))
    return found[0]


def choose_metrics(words: Sequence[str] | None, available: Collection[str]) -> tuple[str, ...]:
    """Return the figures that are meant: all for ``all``, and a readable set for None.

    Raises: UsageError when a word means none, or more than one.
    """
    if words is None:
        usual = [name for name in DEFAULT_METRICS if name in available]
        return tuple([*usual, *_of_the_class(available)] or sorted(available)[:1])
    if list(words) == ["all"]:
        usual = [name for name in DEFAULT_METRICS if name in available]
        return tuple(dict.fromkeys([*usual, *sorted(available)]))
    return tuple(dict.fromkeys(_choose_metric(word, available) for word in words))


def _of_the_class(available: Collection[str]) -> list[str]:
    """Return what each of few groups knows of the only factor: where the class has gone."""
    found = sorted(name for name in available if name.startswith("information/factor/"))
    factors = {name.rpartition("/")[2] for name in found}
    return found if len(factors) == 1 and len(found) <= _FEW_GROUPS else []


def _choose_metric(word: str, available: Collection[str]) -> str:
    if word in available:
        return word
    found = [name for name in available if name.endswith(f"/{word}")]
    least = min((name.count("/") for name in found), default=0)
    found = [name for name in found if name.count("/") == least]
    found = [name for name in found if name.startswith(_MEAN)] or found
    if not found:
        found = [name for name in available if f"/{word}/" in f"/{name}"]
        if not found:
            names = [*available, *(name.rpartition("/")[2] for name in available)]
            hint = nearest(word, names) or "--metric list shows what there is"
            raise UsageError(f"no finished run has a figure '{word}'", hint)
    if len(found) > 1:
        raise UsageError(f"'{word}' may be any of several figures", _few(sorted(found)))
    return found[0]


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:6])
    return shown if len(names) <= 6 else f"{shown} and {len(names) - 6} more"


def metric_title(metric: str) -> str:
    """Return a figure's name as the head of a column."""
    if title := _TITLES.get(metric) or information_title(metric):
        return title
    for prefix in ("terms/", _MEAN, "scores/"):
        if metric.startswith(prefix):
            return metric.removeprefix(prefix)
    return metric


def information_title(metric: str) -> str | None:
    """Return the formula of an information, such as I(label; category); None for other figures."""
    match metric.split("/"):
        case ["information", "factor", group, factor]:
            return f"I({factor}; {group})"
        case ["information", "variable" | "group", name]:
            return f"I(x; {name})"
        case ["information", "rate", name]:
            return f"rate of {name}"
        case _:
            return None


def wandb_name(metric: str) -> str:
    """Return the name of a figure among the columns on W&B, where a score's own stands twice."""
    parts = metric.split("/")
    if len(parts) < 3 or parts[0] != "scores":
        return metric
    own = parts[2]
    family = next((f for start, f in _FAMILIES.items() if own.startswith(start)), own)
    return "/".join(["scores", parts[1], family, *parts[2:]])
