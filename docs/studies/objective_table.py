"""Write the table of objectives from the YAML that defines them.

    python docs/studies/objective_table.py

Writes ``docs/objectives.md``. Symbols and wording are those of ``conf/objective``; the
estimator that an objective needs is computed by the code that trains it.
"""

# ruff: noqa: RUF001 - Greek letters and the minus sign are what a formula is written in

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from hydra import compose, initialize_config_dir

from runner import config as settings
from runner.commands.list import choices
from runner.model.build_latent_space import build_latent_space
from runner.objective import TERM_NAMES, Objective
from runner.training.penalties import PENALTIES

PAGE = Path(__file__).parents[1] / "objectives.md"

SYMBOLS = {"alpha": "α", "beta": "β", "gamma": "γ"}
OPERATIONS = {"sum": " + ", "less": " − ", "times": " · "}
"""The resolvers of the YAML, and what stands between their arguments."""

REDUCTIONS: dict[str, dict[str, float]] = {
    "beta_vae": {"beta": 1},
    "beta_tcvae": {"alpha": 1, "beta": 1, "gamma": 1},
    "hfvae": {"alpha": 1, "beta": 1, "gamma": 1},
    "factor_vae": {"gamma": 0},
    "info_vae": {"alpha": 0, "beta": 1},
    "decomposition": {"beta": 1, "alpha": 0},
    "decomposition_kl": {"beta": 1, "alpha": 0},
    "corex": {"alpha": 0},
    "dip_vae_i": {"beta": 0},
    "dip_vae_ii": {"beta": 0},
}
"""Objective → the settings under which its loss is that of ``vae``."""

_CITATION = re.compile(r"[A-Z]\w+(?: et al\.| & [A-Z]\w+)? (?:19|20)\d\d")
_REFERENCE = re.compile(r"\$\{(\w+)\}")
_CALL = re.compile(r"\$\{vaerun\.(\w+):([^${}]*)\}")
_IMAGES = 1000  # N; any number would do, since nothing is trained


@dataclass(frozen=True)
class Entry:
    """One objective: what its YAML says of itself, as it stands there."""

    name: str
    help: str
    yaml: dict[str, Any]

    @property
    def own(self) -> dict[str, Any]:
        """The block ``objective``."""
        return self.yaml["objective"]

    @property
    def prior(self) -> str:
        """The prior that the objective brings, or a dash."""
        entries = [item for item in self.yaml.get("defaults", []) if isinstance(item, dict)]
        return next((each["override /prior"] for each in entries if "override /prior" in each), "—")


def entries() -> list[Entry]:
    """Return every objective of ``conf/objective``, by name."""
    folder = settings.data_root() / "conf" / "objective"
    return [
        Entry(
            choice.name, choice.help, yaml.safe_load((folder / f"{choice.name}.yaml").read_text())
        )
        for choice in choices("objective")
    ]


def is_of_the_family(entry: Entry) -> bool:
    """Whether an objective is a weighted sum of terms, and not another method."""
    return entry.own.get("method", "vae") == "vae"


def symbolic(value: object) -> str:
    """Return a value of the YAML as a formula: ``${vaerun.less:1,${alpha}}`` is 1 − α."""
    if isinstance(value, dict):
        return _schedule(value)
    if isinstance(value, list):
        return ", ".join(symbolic(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return f"{value:g}"
    text = _REFERENCE.sub(lambda match: SYMBOLS[match[1]], value)
    return _CALL.sub(_operation, text)


def _operation(call: re.Match[str]) -> str:
    joined = OPERATIONS[call[1]].join(part.strip() for part in call[2].split(","))
    return joined.replace("+ -", "− ")


def _schedule(value: dict[str, Any]) -> str:
    shape, plan = next(iter(value.items()))
    span = " ".join(f"{key} {symbolic(plan[key])}" for key in ("from", "to", "over") if key in plan)
    return f"{shape} {span} steps"


def _beside(entry: Entry) -> list[str]:
    """Return what an objective has beside its five weights, a phrase each."""
    shared = yaml.safe_load((settings.data_root() / "conf" / "config.yaml").read_text())[
        "objective"
    ]
    found = {
        name: shared["penalties"][name] | hyperparameters
        for name, hyperparameters in entry.own.get("penalties", {}).items()
    }
    for name in ("group_information", "group_rate", "corruption", "pairs"):
        if name in entry.own:
            found[name] = shared[name] | entry.own[name]
    return [f"{name} ({_settings(hyperparameters)})" for name, hyperparameters in found.items()]


def _settings(hyperparameters: dict[str, Any]) -> str:
    return "; ".join(f"{key} {symbolic(value)}" for key, value in hyperparameters.items())


def compose_objective(entry: Entry) -> settings.RunConfig:
    """Return the settings of a run with an objective as its YAML leaves it."""
    settings.register()
    conf = str(settings.data_root() / "conf")
    with initialize_config_dir(conf, version_base="1.3"):
        return settings.parse(compose("config", [f"objective={entry.name}"]))


def estimators(entry: Entry) -> str:
    """Return what an objective is computed with, as the code that trains it decides."""
    config = compose_objective(entry)
    prior = build_latent_space(
        config.prior,
        shape=(1, 64, 64),
        classes=2,
        concrete_density=config.objective.concrete_density,
        images=lambda: torch.zeros(0),
    )
    objective = Objective.from_config(config, prior.tree, _IMAGES)
    plan, weights = (
        objective.plan,
        dict(zip(objective.plan.slots, objective.weights(0), strict=True)),
    )
    penalties = plan.penalties
    found = []
    if prior.has_density and (weights["rate"] != 0 or "capacity" in penalties):
        found.append("closed-form KL")
    if prior.has_density and plan.needs_aggregate_posterior:
        found.append("minibatch estimate of q(z)")
    if "discriminator" in penalties:
        found.append("discriminator")
    if any(PENALTIES[name].needs_prior_draws for name in penalties):
        found.append("prior draws")
    if not found:
        return "none"
    return found[0] + " only" if found == ["closed-form KL"] else ", ".join(found)


def _formula(entry: Entry) -> str:
    """Return the loss in the names of the terms and penalties."""
    parts: list[str] = []
    for term in TERM_NAMES:
        weight = symbolic(entry.own["weights"][term])
        parts += [] if weight == "0" else [_product(weight, term)]
    for name, hyperparameters in entry.own.get("penalties", {}).items():
        parts.append(
            _product(symbolic(hyperparameters["weight"]), name)
            if "weight" in hyperparameters
            else name
        )
    for group, weight in entry.own.get("group_information", {}).items():
        parts.append(_product(symbolic(weight), f"I(x; z_{group})"))
    for group, weight in entry.own.get("group_rate", {}).items():
        parts.append(_product(symbolic(weight), f"KL(q(z_{group}|x) || p)"))
    return " + ".join(parts)


def _product(weight: str, name: str) -> str:
    factor = f"({weight})" if " " in weight else weight
    return name if weight == "1" else f"{factor} {name}"


def _defaults(entry: Entry) -> str:
    found = [f"{SYMBOLS[k]} = {entry.yaml[k]:g}" for k in SYMBOLS if k in entry.yaml]
    return ", ".join(found) or "—"


def _row(entry: Entry) -> list[str]:
    weights = [symbolic(entry.own["weights"][term]) for term in TERM_NAMES]
    beside = "<br>".join(_beside(entry)) or "—"
    source = "; ".join(_CITATION.findall(entry.help))
    name = f"[{entry.name}](#{entry.name})"
    return [name, *weights, beside, estimators(entry), entry.prior, _defaults(entry), source]


def _paragraphs(entry: Entry) -> Iterator[str]:
    yield from (f"### {entry.name}", "", entry.help, "", f"    {_formula(entry)}", "")
    if beside := _beside(entry):
        yield from (f"Beside the weights: {', '.join(beside)}.", "")
    if entry.name in REDUCTIONS:
        yield from (f"It is `vae` at {_settings_of(entry.name)}.", "")


def _settings_of(name: str) -> str:
    return ", ".join(f"{SYMBOLS[key]} = {value:g}" for key, value in REDUCTIONS[name].items())


_HOW_TO_ADD = """\
## How to add one

An objective is a YAML file in `conf/objective/`, and no code: five `weights`, each a number, a
schedule or a hyperparameter like `${beta}`; what it has beside them (`penalties`,
`group_information`, `group_rate`, `corruption`, `pairs`, all explained in `conf/config.yaml`); and,
where it needs one, a prior under `defaults`. Arithmetic is written `${vaerun.sum:a,b}`,
`${vaerun.less:a,b}` (a less b) and `${vaerun.times:a,b}`. The first comment says what it is and
cites its source; every key is explained in a comment on its line. Start from the most similar
file, add an entry of `ORACLES` in `tests/golden/test_gradients.py`, and run
`python docs/studies/objective_table.py`.
`vaerun list objective` shows it. A new kind of penalty is code: its settings in
`runner/config/objective_schema.py`, their defaults in `conf/config.yaml`, and its value in
`runner/training/penalties.py`. A new method is a row of `METHODS` in `runner/method/registry.py`
that gives what `runner/method/method.py` asks for, and a file here with `method: NAME`.
"""


def _other_methods(others: list[Entry]) -> Iterator[str]:
    """Yield the lines on objectives that are other methods than the family's."""
    titles = ["objective", "what it is", "brings the prior", "source"]
    rows = [
        [f"`{entry.name}`", entry.help, entry.prior, "; ".join(_CITATION.findall(entry.help))]
        for entry in others
    ]
    yield from (
        "## Other methods",
        "",
        "These are not sums of terms. What fits them is a method of its own (`objective.method`,",
        "`runner/method/`); the folder, the scores, the figures and the comparison are the same.",
        "Their codes are deterministic, so that figures and scores of densities are left out, and",
        "-log p(x|z) is that of the run's likelihood around the image that a code becomes.",
        "Components and dictionaries give images and no logits: with `likelihood=bernoulli` their",
        "pixels count as at least a grey level away from black and white. What such a method does",
        "not read is refused: weights of other terms, penalties, pairs, decay, memory banks.",
        "",
        "The layers of `dbn` and `stacked_ae` are those of `architecture=mlp`. Their steps are",
        "divided evenly among the layers, so such a run cannot go on to other `steps`. Records",
        "have `layer`, the `loss` of that layer on what lies beneath, `terms/reconstruction` of",
        "the images by the layers so far, and of machines `pseudo_likelihood`.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in [titles, ["---"] * len(titles), *rows]),
        "",
    )


def render() -> str:
    """Return the page."""
    every = [entry for entry in entries() if is_of_the_family(entry)]
    others = [entry for entry in entries() if not is_of_the_family(entry)]
    titles = ["objective", *(f"`{term}`" for term in TERM_NAMES), "beside the five weights"]
    titles += ["estimator", "brings the prior", "defaults", "source"]
    table = [titles, ["---"] * len(titles), *(_row(entry) for entry in every)]
    equal = " = ".join(["`vae`", *(f"`{name}` ({_settings_of(name)})" for name in REDUCTIONS)])
    lines = [
        "# Objectives",
        "",
        "Written by `python docs/studies/objective_table.py` from `conf/objective/*.yaml`. The",
        "loss is the sum of the five terms with the weights of a row, and what the row has beside",
        "them; a dash is nothing. The estimator is what the loss needs with the defaults of α, β,",
        "γ. A loss that needs no estimate of q(z) makes one only to record the five terms. The KL",
        "is in closed form where the prior has one, else estimated from a sample. An objective",
        "without a prior of its own takes any prior that fits it.",
        "",
        *(f"| {' | '.join(cells)} |" for cells in table),
        "",
        "## Where they meet",
        "",
        f"{equal}.",
        "",
        "One loss, so one model: `tests/property/test_reductions.py` holds them to it.",
        "",
        "## One by one",
        "",
        *(line for entry in every for line in _paragraphs(entry)),
        *_other_methods(others),
    ]
    return "\n".join(lines) + "\n" + _HOW_TO_ADD


if __name__ == "__main__":
    PAGE.write_text(render())
