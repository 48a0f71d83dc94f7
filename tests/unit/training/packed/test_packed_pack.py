"""A run in a pack is the run alone: its records, gradients, parameters and what Adam keeps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from runner.config import RunConfig
from runner.dataset import IMAGES, Dataset, ResidentSplit
from runner.errors import DivergedError
from runner.model import build
from runner.objective import Objective
from runner.training import Record, TrainingState, train
from runner.training.packed import (
    Form,
    Member,
    Pack,
    PackTooLargeError,
    halves,
    pack_key,
    train_pack,
)
from runner.training.packed.forward import Forward
from tests.paired_images import with_second_factor

Make = Callable[..., list[Member]]
SMALL = ("dataset=digits", "batch_size=16", "training.record_every=3", "steps=5")
MLP = ("architecture=mlp", "architecture.widths=[12]", "prior.dimensions=6")
FIVE = (
    ("objective=vae", "seed=3"),
    ("objective=hfvae", "beta=12", "gamma=3", "learning_rate=0.01", "training.clip_gradient=1"),
    ("objective=beta_tcvae", "training.record_every=4"),
    ("objective=dip_vae_ii", "seed=1", "learning_rate={linear: {from: 0.01, to: 0.001, over: 9}}"),
    ("objective=info_vae", "alpha=0.5", "beta=3"),
    ("objective=annealed_vae", "beta=3", "training.clip_gradient=1000"),
    ("objective=hfvae", "beta={linear: {from: 0, to: 8, over: 9}}", "objective.encodings=40"),
    ("objective=hfvae", "seed=2", "gamma=5", "objective.encoding_weights=equal"),
    ("objective=hfvae", "objective.encodings=40", "objective.encoding_weights=equal"),
)
"""Runs of six objectives with seeds, rates, clipping, schedules, banks and weights of their own."""
PAIR = (("objective=hfvae", "seed=1", "beta=4"), ("objective=beta_vae", "beta=2"))
MODELS = {
    "categories": ("prior=concrete_normal", "prior.temperature=0.5"),
    "temperatures": (
        "prior=concrete_normal", "objective.concrete_density=relaxed",
        "prior.temperature={linear: {from: 1, to: 0.5, over: 20}}",
    ),
    "a conditional posterior": (
        "prior=concrete_normal", "architecture.conditional=true", "steps=2",
    ),
    "one draw an encoding": (
        "prior=concrete_normal", "architecture.conditional=true", "steps=2",
        "objective.concrete_density=drawn", "objective.concrete_draws=hard",
    ),
    "a posterior as published": (
        "prior=concrete_normal", "architecture.conditional=true", "steps=2",
        "objective.concrete_density=argmax", "architecture.conditional_head=shared",
    ),
    "groups": ("prior.group_size=3",),
    "nested groups": ("prior.groups={a: {b: [z_0, z_2], c: [z_1]}, d: [z_3, z_4, z_5]}",),
    "a learned prior": ("prior=mixture", "prior.learned=true"),
    "a prior of the encoder": ("prior=vamp", "prior.pseudo_inputs=5"),
    "a learned likelihood": ("likelihood=gaussian", "likelihood.learned=true"),
    "tied layers": ("architecture.tied=true",),
    "corruption": ("objective.corruption.amount=0.2",),
    "a Jacobian": ("objective.penalties.contraction.weight=0.1", "steps=2"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def made(composed: Callable[..., RunConfig], toy_dataset: Dataset) -> Make:
    """Members of these settings, in float64; every call returns runs of their own."""

    def make(
        *runs: Sequence[str], dataset: Dataset = toy_dataset, network: Sequence[str] = MLP
    ) -> list[Member]:
        return [member(composed(*SMALL, *network, *run), dataset) for run in runs]

    return make


def member(config: RunConfig, dataset: Dataset) -> Member:
    data = replace(dataset, kind=replace(IMAGES, to_input=lambda stored: stored.double() / 255))
    images = lambda: data.probe_images(torch.device("cpu"))  # noqa: E731
    model = build(config, shape=data.shape, classes=data.classes, images=images).double()
    objective = Objective.from_config(config, model.latents.tree, data.train.size)
    return Member(TrainingState.fresh(model, config), objective, data, config, config.steps)


def alone(run: Member) -> Iterator[Record | None]:
    return train(run.state, run.objective, run.dataset, run.config, run.steps)


def tensors(run: Member) -> dict[str, Tensor]:
    files = run.state.tensors()
    return {f"{file}/{name}": t for file, named in files.items() for name, t in named.items()}


def gradients(run: Member) -> Tensor:
    every = [p.grad for p in run.state.model.parameters() if p.grad is not None]
    return torch.cat([gradient.flatten() for gradient in every])


def require_same(packed: Member, single: Member) -> None:
    got, expected = tensors(packed), tensors(single)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-10, atol=1e-10)


def compare(packed: list[Member], singles: list[Member], form: Form | None = None) -> int:
    """Take the steps of a pack beside those of runs alone; return the number of records."""
    generators = [alone(run) for run in singles]
    records = 0
    for reports in train_pack(packed, form=form):
        for number, report in reports.items():
            expected = next(generators[number])
            assert report == (expected and pytest.approx(expected, rel=1e-10, abs=1e-10))
            assert report is None or list(report) == list(expected or ())
            records += report is not None
            got, wanted = gradients(packed[number]), gradients(singles[number])
            assert torch.allclose(got, wanted, rtol=1e-10, atol=1e-10)
    for run, single, generator in zip(packed, singles, generators, strict=True):
        assert next(generator, "no step is left") == "no step is left"
        require_same(run, single)
    return records


@pytest.mark.parametrize(("form", "steps"), [("shared", 20), ("single", 4), ("whole", 2)])
def test_runs_of_many_objectives_are_those_runs_alone(made: Make, form: Form, steps: int):
    many = [(*run, f"steps={steps}") for run in FIVE]
    packed = made(*many)
    assert len({pack_key(m.config, m.state.model, m.objective, m.dataset) for m in packed}) == 1
    assert compare(packed, made(*many), form) > len(many)


@pytest.mark.parametrize(
    ("name", "form"),
    [
        *((name, "shared") for name in MODELS),
        ("categories", "single"),
        ("a learned prior", "single"),
    ],
)
def test_any_model_can_be_packed(made: Make, name: str, form: Form):
    pair = [("steps=3", *MODELS[name], *run) for run in PAIR]
    compare(made(*pair), made(*pair), form)


@pytest.mark.parametrize("form", ["shared", "single"])
def test_codes_of_few_values_can_be_packed_each_with_its_own_values_and_decay(
    made: Make, form: Form
):
    code = "prior=quantised_code"
    runs = [
        ("objective=qlae", code, "training.weight_decay=0.1", "learning_rate=0.01"),
        ("objective=qlae", code, "seed=1", "beta=0.5", "training.weight_decay=0.3"),
        ("objective=qlae", code, "training.clip_gradient=0.1"),
    ]
    packed = made(*runs)
    compare(packed, made(*runs), form)
    values = [run.state.model.latents.continuous.values_VK for run in packed]
    assert all(not torch.equal(values[0], other) for other in values[1:])


@pytest.mark.parametrize(("name", "size"), [("conv64", 64), ("conv32", 32)])
def test_convolutions_can_be_packed_and_batch_norm_keeps_its_averages(
    made: Make, toy_dataset: Dataset, name: str, size: int
):
    images = toy_dataset.train.images(torch.arange(64)).repeat_interleave(size // 8, 2)
    split = ResidentSplit(images.repeat_interleave(size // 8, 3), torch.zeros(64, 1).long())
    dataset = replace(toy_dataset, train=split, test=split, shape=(1, size, size))
    network = (f"architecture={name}", "architecture.features=4", "batch_size=4", "steps=2")
    packed, singles = (made(*PAIR, dataset=dataset, network=network) for _ in range(2))
    for run in packed:  # which has trained alone before, in another layout
        run.state.model.to(memory_format=torch.channels_last)
        for parameter in run.state.model.parameters():
            kept = run.state.optimizer.state_of(parameter)
            assert kept["exp_avg"].stride() == parameter.stride()
    compare(packed, singles)


@pytest.mark.parametrize("form", ["shared", "single", "whole"])
def test_runs_on_pairs_of_images_can_be_packed(made: Make, toy_dataset: Dataset, form: Form):
    pairs = "objective.pairs={posterior: gvae, differ: 1}"
    runs = [("objective=ada_gvae", "steps=3"), ("objective=hfvae", pairs, "seed=1", "steps=3")]
    both = [made(*runs, dataset=with_second_factor(toy_dataset)) for _ in range(2)]
    assert all(run.objective.plan.pairs == "gvae" for run in both[0])
    compare(*both, form)


@pytest.mark.parametrize("form", ["shared", "single", "whole"])
def test_dropout_can_be_packed_since_its_noise_is_that_of_the_step(made: Make, form: Form):
    network = ("architecture=prodlda", "architecture.widths=[12]", "prior.dimensions=6", "steps=3")
    packed, singles = (made(*PAIR, network=network) for _ in range(2))
    compare(packed, singles, form)


def test_the_gradient_of_a_parameter_that_is_one_number_is_clipped_with_the_others(made: Make):
    learned = ("likelihood=gaussian", "likelihood.learned=true", "steps=3")
    runs = [(*learned, "training.clip_gradient=0.1", *PAIR[0]), (*learned, *PAIR[1])]
    compare(made(*runs), made(*runs))


def test_runs_of_two_data_sets_have_their_own_images(made: Make, toy_dataset: Dataset):
    other = replace(toy_dataset, train=ResidentSplit(
        toy_dataset.train.images(torch.arange(255, -1, -1)), torch.zeros(256, 1).long()
    ))  # fmt: skip

    def both() -> list[Member]:
        return [*made(PAIR[0]), *made(PAIR[0], dataset=other)]

    compare(both(), both())


def reports_of(pack: Pack, number: int) -> list[Record]:
    return [report for reports in pack.train() if isinstance(report := reports.get(number), dict)]


def test_one_run_that_diverges_leaves_the_others_bit_for_bit(made: Make):
    three = [("objective=hfvae", f"seed={seed}", "steps=8") for seed in range(3)]
    whole, others = made(*three), made(*three)
    expected = reports_of(Pack(whole), 2)
    with torch.no_grad():
        next(others[1].state.model.parameters())[0] = math.nan
    pack, seen, got = Pack(others), [], []
    for reports in pack.train():
        seen.append(sorted(reports))
        error = reports.get(1)
        got += [reports[2]] if reports[2] else []
        assert not isinstance(reports[0], DivergedError)
        if len(seen) == 1:
            assert isinstance(error, DivergedError)
            assert "no longer a finite number at step 1" in error.message
    assert seen == [[0, 1, 2], *[[0, 2]] * 7]
    assert got == expected
    for number in (0, 2):
        for name, value in tensors(whole[number]).items():
            assert torch.equal(value, tensors(others[number])[name])


def test_runs_that_end_or_are_dropped_leave_the_others(made: Make):
    runs = [
        ("objective=hfvae", "steps=9"),
        ("objective=vae", "steps=4"),
        ("objective=hfvae", "seed=2", "steps=9"),
    ]
    packed, singles = made(*runs), made(*runs)
    pack, seen = Pack(packed), []
    for reports in pack.train():
        seen.append(tuple(reports))
        assert [m.state.step for m in packed] == [len(seen), min(len(seen), 4), min(len(seen), 6)]
        if len(seen) == 6:
            pack.drop(2)
            assert pack.active == (0,)
    assert [sorted(each) for each in seen] == [[0, 1, 2]] * 4 + [[0, 2]] * 2 + [[0]] * 3
    for run in singles:
        for _ in alone(run):
            if run is singles[2] and run.state.step == 6:
                break
    for run, single in zip(packed, singles, strict=True):
        require_same(run, single)


def test_runs_go_on_from_checkpoints_of_different_steps(made: Make):
    stop = 4
    runs = [(*run, "steps=12", *more) for run, more in zip(PAIR, ((), ("seed=5",)), strict=True)]
    runs.append(("objective=hfvae", "objective.encodings=40", "steps=12"))
    whole = made(*runs)
    for run in whole:
        list(alone(run))
    first = made(*runs)
    for _ in train_pack(first):  # one run stops before the others
        if first[0].state.step == stop:
            break
    for _ in alone(first[1]):  # another goes on alone for a while
        if first[1].state.step == 7:
            break
    saved = [(run.state.tensors(), run.state.step) for run in first]
    second = made(*runs)
    for run, (files, step) in zip(second, saved, strict=True):
        copies = {k: {n: t.clone() for n, t in v.items()} for k, v in files.items()}
        run.state.restore(copies, step)
    lengths = [len(reports) for reports in train_pack(second)]
    assert lengths == [3] * 5 + [2] * (7 - stop)
    for run, single in zip(second, whole, strict=True):
        require_same(run, single)


def test_a_state_has_tensors_of_its_own_again(made: Make):
    packed = made(*PAIR)
    steps = train_pack(packed)
    next(steps)
    shared = {p.untyped_storage().data_ptr() for p in packed[0].state.model.parameters()}
    others = {p.untyped_storage().data_ptr() for p in packed[1].state.model.parameters()}
    assert shared == others
    steps.close()
    for parameter in packed[0].state.model.parameters():
        assert parameter.untyped_storage().nbytes() == parameter.numel() * 8


@pytest.mark.parametrize("message", ["can't allocate memory: 9 bytes", "CUDA out of memory"])
def test_a_pack_that_is_too_large_is_halved_and_nothing_has_changed(
    made: Make, monkeypatch: pytest.MonkeyPatch, message: str
):
    runs = [*PAIR, ("objective=hfvae", "objective.encodings=40")]
    packed, singles = made(*runs), made(*runs)
    plain = Forward.__call__

    def limited(self: Forward, inputs: Sequence[object], *rest: object) -> object:
        found = plain(self, inputs, *rest)  # type: ignore[arg-type]
        if len(inputs) > 2:
            raise RuntimeError(message)
        return found

    monkeypatch.setattr(Forward, "__call__", limited)
    with pytest.raises(PackTooLargeError, match="too little memory to train 3 runs together"):
        next(train_pack(packed))
    for run, single in zip(packed, singles, strict=True):
        assert tensors(run).keys() == tensors(single).keys()
        assert all(torch.equal(tensors(run)[name], t) for name, t in tensors(single).items())
    for part, same in zip(halves(packed), halves(singles), strict=True):
        compare(part, same)


def test_another_error_of_a_step_is_not_about_memory(made: Make, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> object:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(Forward, "__call__", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        next(train_pack(made(*PAIR)))
