"""Several runs of vaerun that train together, where the checkout has such a loop."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import torch
from cases import Case
from gate import Gate
from ours import configured, dataset_of, started
from problem import parameters_of

from runner.training import prepare


def run(case: Case, gate: Gate, compiled: str) -> None:
    """Train ``case.runs`` runs that differ in their seeds; a step is one step of each of them."""
    if find_spec("runner.training.packed") is None:
        gate.refuse("this checkout does not train runs together")
    from runner.training.packed import Member, train_pack

    config, device = configured(case, compiled), torch.device(case.device)
    prepare(device)
    dataset = dataset_of(case, device)
    members: list[Member] = []
    for seed in range(case.runs):
        state, objective = started(config, dataset, device, seed)
        members.append(Member(state, objective, dataset, replace(config, seed=seed), config.steps))
    first = members[0].state.model
    gate.loaded(parameters_of(first.encoder, first.decoder))
    for _ in train_pack(members):
        gate.step()
