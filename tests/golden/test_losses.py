"""Golden losses: twenty steps of every objective and of every prior, on real digits.

They hold the whole path in place at once: settings, data, order, noise, networks, the estimate of
q(z), the weights, the optimizer. ``losses.json`` is made, and its changes are shown, by

    python tests/golden/test_losses.py
"""

from __future__ import annotations

import json
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
import torch
from hydra import compose, initialize_config_dir

from runner import config as settings
from runner.commands.list import choices
from runner.config import CHOICES, RunConfig
from runner.dataset import Dataset, load
from runner.model import build
from runner.objective import TERM_NAMES, Objective
from runner.training import TrainingState, train

GOLDEN = Path(__file__).with_name("losses.json")
COMMAND = "python tests/golden/test_losses.py"
CODES = ("code", "sigmoid_code")
QUANTISED = ("quantised_code",)
OF_CODES = {"ae": (*CODES, *QUANTISED), "qlae": QUANTISED}
OBJECTIVES = {
    choice.name: OF_CODES.get(
        choice.name, CODES if choice.name.endswith("_ae") else ("normal", "concrete_normal")
    )
    for choice in choices("objective")
}
"""Every objective, with the priors that it is tried with."""
UNFIT = [("decomposition_kl", "concrete_normal"), ("sparse_ae", "code")]
CASES = [
    *((objective, latents) for objective, priors in OBJECTIVES.items() for latents in priors),
    *product(
        ("beta_vae", "hfvae"),
        sorted({*CHOICES["prior"]} - {"normal", "concrete_normal", *CODES, *QUANTISED}),
    ),
]
CASES = [case for case in CASES if case not in UNFIT]
STEPS = (1, 10, 20)
FIXED = (
    "dataset=digits",
    "architecture=mlp",
    "batch_size=64",
    "seed=0",
    "precision=float32",
    "device=cpu",
    "steps=20",
    "training.record_every=10",
)

# Two CPUs, or two numbers of threads, add float32 products up in different orders. Measured over
# AVX-512 and SSE kernels, one and two threads: 5e-6 of a loss and 1.5e-4 nats of a term at step 20.
# Most terms are near zero this early, as differences of log-densities of tens of nats; hence an
# absolute tolerance for terms. The closest two objectives differ by 1.5e-4 of a loss at step 10.
RELATIVE = 1e-4
ABSOLUTE_NATS = 1e-3

Figures = dict[str, float]


def compose_case(objective: str, prior: str) -> RunConfig:
    settings.register()
    with initialize_config_dir(str(settings.data_root() / "conf"), version_base="1.3"):
        words = [*FIXED, f"objective={objective}", f"prior={prior}"]
        return settings.parse(compose("config", words))


def figures(config: RunConfig, dataset: Dataset) -> Figures:
    """Return the losses at three steps and the five terms at the last, in nats per example."""
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision(
        "highest"
    )  # the default, which a run before may have changed
    model = build(
        config,
        shape=dataset.shape,
        classes=dataset.classes,
        images=lambda: dataset.probe_images(torch.device("cpu")),
    )
    objective = Objective.from_config(config, model.latents.tree, dataset.train.size)
    state = TrainingState.fresh(model, config)
    steps = train(state, objective, dataset, config, config.steps)
    records = {int(record["step"]): record for record in steps if record}
    losses = {f"loss at step {step}": records[step]["loss"] for step in STEPS}
    last = records[config.steps]
    terms = {name: last[f"terms/{name}"] for name in TERM_NAMES if f"terms/{name}" in last}
    return losses | terms


def load_digits() -> Dataset:
    return load(settings.DatasetConfig("digits", {}, None), "", torch.device("cpu"))


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_digits()


@pytest.fixture(scope="module")
def golden() -> dict[str, Figures]:
    return json.loads(GOLDEN.read_text())["figures"]


def test_every_objective_and_prior_has_golden_losses(golden: dict[str, Figures]):
    for place, group in enumerate(("objective", "prior")):
        assert {case[place] for case in CASES} == {choice.name for choice in choices(group)}
    assert set(golden) == {f"{objective} {latents}" for objective, latents in CASES}


def agree(got: Figures, expected: Figures) -> bool:
    losses = {name: value for name, value in got.items() if name.startswith("loss")}
    close = {name: pytest.approx(expected[name], rel=RELATIVE) for name in losses}
    return losses == close and got == pytest.approx(expected, rel=RELATIVE, abs=ABSOLUTE_NATS)


@pytest.mark.parametrize("prior", sorted({latents for _, latents in CASES}))
def test_the_tolerance_tells_every_objective_from_every_other(
    golden: dict[str, Figures], prior: str
):
    for one, other in combinations([each for each, its in CASES if its == prior], 2):
        assert not agree(golden[f"{one} {prior}"], golden[f"{other} {prior}"]), (one, other)


@pytest.mark.parametrize(("objective", "prior"), CASES)
def test_the_losses_are_the_golden_ones(
    golden: dict[str, Figures], digits: Dataset, objective: str, prior: str
):
    got, expected = (
        figures(compose_case(objective, prior), digits),
        golden[f"{objective} {prior}"],
    )
    assert got.keys() == expected.keys()
    assert agree(got, expected), f"{got} instead of {expected}; if that is right: {COMMAND}"


def main() -> None:
    """Make ``losses.json`` again and show which figures changed."""
    before = json.loads(GOLDEN.read_text())["figures"] if GOLDEN.is_file() else {}
    dataset, made = load_digits(), {}
    for objective, latents in CASES:
        case = f"{objective} {latents}"
        got = figures(compose_case(objective, latents), dataset)
        made[case] = {name: round(value, 5) + 0.0 for name, value in got.items()}  # -0.0 is 0.0
        for name, value in made[case].items():
            old = before.get(case, {}).get(name)
            if old != value:
                sys.stdout.write(f"{case}, {name}: {old} -> {value}\n")
    document = {"made by": COMMAND, "units": "nats per example", "figures": made}
    GOLDEN.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
