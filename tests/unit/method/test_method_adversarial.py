"""A GAN with its encoder, and InfoGAN: what learns from what, checkpoints, and refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from runner.config import RunConfig
from runner.dataset import Dataset, ResidentSplit, load
from runner.errors import DataError, DivergedError, UsageError
from runner.evaluation.encodings import encode
from runner.evaluation.summary import summarize
from runner.evaluation.traversal_rows import traversal_rows
from runner.method import TrainedOn, method_of
from runner.method.adversarial import Adversarial
from runner.method.adversarial_kind import AdversarialKind
from runner.method.adversarial_networks import keep_variance, normalise

CPU = torch.device("cpu")
GAN = ("objective=gan", "prior.dimensions=4")
INFO_GAN = (
    "objective=info_gan",
    "prior=concrete_normal",
    "prior.dimensions=2",
    "objective.adversarial.noise=4",
)
SMALL = (
    "dataset=digits",
    "steps=8",
    "batch_size=16",
    "training.record_every=1",
    "device=cpu",
)

Make = Callable[..., Adversarial]


@pytest.fixture(name="digits", scope="module")
def digits_dataset(composed: Callable[..., RunConfig]) -> Dataset:
    config = composed(*SMALL)
    return load(config.dataset, config.data_dir, CPU)


@pytest.fixture(name="config", scope="module")
def configured(composed: Callable[..., RunConfig]) -> Callable[..., RunConfig]:
    return partial(composed, *SMALL, "architecture.widths=[16]")


@pytest.fixture(name="make", scope="module")
def maker(config: Callable[..., RunConfig], digits: Dataset) -> Make:
    """``make(*GAN, "steps=4")``: a method before its first step, checked."""

    def make(*words: str) -> Adversarial:
        settings = config(*words)
        found = AdversarialKind().new(settings, digits, CPU)
        found.check(settings, digits)
        return found

    return make


def changed(before: dict[str, Tensor], after: dict[str, Tensor]) -> set[str]:
    """Return the first words of the names of the tensors that differ."""
    return {n.partition(".")[0] for n, t in before.items() if not torch.equal(t, after[n])}


def steps(method: Adversarial, until: int) -> list[dict[str, float]]:
    return [record for record in method.train(method.config, until) if record is not None]


def test_the_largest_singular_value_of_every_layer_is_one(make: Make):
    convolution = nn.Conv2d(2, 5, 3)
    nn.init.normal_(convolution.weight, std=3)
    normalise(network := nn.Sequential(convolution))
    method = make(*INFO_GAN, "objective.adversarial.stability=spectral_norm")
    steps(method, 8)
    layers = [*method.networks.rest.modules(), *method.networks.body.modules(), *network]
    layers = [layer for layer in layers if isinstance(layer, nn.Linear | nn.Conv2d)]
    assert len(layers) == 4
    for layer in layers:
        layer.train()
        for _ in range(100):  # of the power iteration
            weight = layer.weight
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=1e-3)


def test_rectified_layers_start_with_the_variance_of_their_inputs():
    layers = [nn.Linear(50, 64 * 49), nn.Unflatten(1, (64, 7, 7))]
    layers += [nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.Conv2d(32, 64, 4, 2, 1)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        keep_variance(nn.Sequential(*layers))
        x_BX = torch.randn(64, 50)
    for layer in layers:
        x_BX = layer(x_BX).relu()
        inner_BX = x_BX[..., 2:-2, 2:-2] if x_BX.ndim == 4 else x_BX  # without what was padded
        assert inner_BX.square().mean().item() == pytest.approx(1, rel=0.4)


def test_an_encoder_and_a_generator_are_not_normalised(make: Make):
    method = make(*GAN, "objective.adversarial.stability=spectral_norm")
    free = [*method.trained.encoder.modules(), *method.trained.generator.modules()]
    assert not any(isinstance(m, nn.utils.parametrize.ParametrizationList) for m in free)


def test_a_generator_learns_first_and_an_encoder_of_it_afterwards(make: Make):
    method = make(*GAN)
    start = method.tensors()
    records = steps(method, 6)
    played = method.tensors()
    assert changed(start["model"], played["model"]) == {"generator"}
    assert changed(start["discriminator_model"], played["discriminator_model"]) == {"body", "score"}
    records += steps(method, 8)
    fitted = method.tensors()
    assert changed(played["model"], fitted["model"]) == {"encoder"}
    assert changed(played["discriminator_model"], fitted["discriminator_model"]) == set()
    assert [record["step"] for record in records] == [*range(1, 9)]
    assert ["adversarial/accuracy_real" in record for record in records] == 6 * [True] + 2 * [False]
    assert ["terms/reconstruction" in record for record in records] == 6 * [False] + 2 * [True]


def test_the_bound_on_information_reaches_generator_and_encoder(make: Make):
    with_it, without = (
        make(*INFO_GAN, "objective.adversarial.information.continuous=0", word)
        for word in (
            "objective.adversarial.information.discrete=1",
            "objective.adversarial.information.discrete=0",
        )
    )
    for method in (with_it, without):
        steps(method, 1)
    moments = [method.tensors()["optimizer"] for method in (with_it, without)]
    heads = [
        sum(t.abs().sum().item() for n, t in kept.items() if "encoder.head" in n and "avg" in n)
        for kept in moments
    ]
    assert heads[0] > 0
    assert heads[1] == 0
    name = "generator.0.weight/exp_avg"
    assert not torch.equal(moments[0][name], moments[1][name])


def test_the_head_learns_from_the_body_of_the_discriminator(make: Make):
    method = make(*INFO_GAN)
    assert method.networks.body is method.trained.encoder.body
    assert next(iter(method.tensors()["discriminator_model"])).startswith("score.")
    start = method.tensors()["model"]
    steps(method, 2)
    assert changed(start, method.tensors()["model"]) == {"generator", "encoder"}


@pytest.mark.parametrize("words", [GAN, INFO_GAN], ids=["gan", "info_gan"])
@pytest.mark.parametrize("stability", ["spectral_norm", "gradient_penalty"])
def test_training_that_is_taken_up_again_never_stopped(
    words: tuple[str, ...], stability: str, make: Make
):
    words = (*words, f"objective.adversarial.stability={stability}")
    whole, first = make(*words), make(*words)
    records = steps(whole, 8)
    for stop in (3, 7):  # in the game, and while an encoder is fitted
        begun = steps(first, stop)
        again = make(*words, "seed=0")
        torch.rand(3)
        again.restore(first.tensors(), first.step)
        assert again.step == stop
        assert begun[-1] == records[stop - 1]
        first = again
    assert steps(first, 8) == records[7:]
    ends = [method.tensors() for method in (whole, first)]
    assert ends[0].keys() == ends[1].keys()
    for file, tensors in ends[0].items():
        assert tensors.keys() == ends[1][file].keys()
        assert all(torch.equal(tensor, ends[1][file][name]) for name, tensor in tensors.items())


@pytest.mark.parametrize("words", [GAN, INFO_GAN], ids=["gan", "info_gan"])
def test_an_opened_model_gives_the_same_codes_and_images(
    words: tuple[str, ...], make: Make, digits: Dataset
):
    method = make(*words)
    steps(method, 8)
    method.finish()
    files = {name: method.tensors()[name] for name in ("model",)}
    opened = AdversarialKind().opened(method.config, TrainedOn.of(digits), files, CPU)
    stored = digits.test.images(torch.arange(5))
    mine, other = method.represents(), opened.represents(digits.kind.to_input)
    codes = mine.encode(stored)
    assert torch.equal(codes, other.encode(stored))
    assert torch.equal(mine.decode(codes), other.decode(codes))
    with pytest.raises(UsageError, match="only the encoder and decoder of a VAE"):
        _ = opened.networks


def test_samples_have_noise_of_their_own_and_images_that_of_the_seed(make: Make):
    method = make(*INFO_GAN)
    steps(method, 8)
    method.finish()
    model = method.represents()
    z_BW = model.sample_prior(6, torch.Generator().manual_seed(0))
    assert z_BW is not None
    width = method.trained.latents.width
    assert z_BW.shape == (6, width + 4)
    fixed = torch.cat([z_BW[:, :width], method.trained.noise_N.expand(6, -1)], dim=1)
    assert torch.equal(model.decode(z_BW[:, :width]), model.decode(fixed))
    assert not torch.equal(model.decode(z_BW), model.decode(fixed))
    assert list(model.columns) == ["category", "style_0", "style_1"]
    assert torch.equal(model.discretise(z_BW), z_BW)
    assert model.category_values["category"].shape == (10, 10)


def test_discrete_variables_of_a_code_have_a_row_for_each_category(make: Make, digits: Dataset):
    method = make(*INFO_GAN)
    steps(method, 8)
    method.finish()
    model, settings = method.represents(), method.config.evaluation
    encodings = encode(model, digits.test, 20, torch.Generator().manual_seed(0))
    rows = traversal_rows(model, encodings, settings, {})
    scores = summarize(model, digits, encodings, torch.Generator().manual_seed(0))["scores"]
    clusters = encodings.mean_MW[:, :10].argmax(1)
    classes = encodings.factors_MF[:, digits.class_column].long()
    table = torch.zeros(10, 10).index_put((clusters, classes), torch.ones(20), accumulate=True)
    assert scores["purity"] == pytest.approx(table.amax(1).sum().item() / 20)
    categories = [f"category = {number}" for number in range(10)]
    assert [row.label for row in rows] == [*categories, "style_0", "style_1"]
    middle = encodings.mean_MW[:, 11].mean()
    z_1W = model.code_given(encodings.parameters_MP[:1])
    z_1W[:, 11] = middle
    shown = torch.from_numpy(rows[-1].images_TCHW)[settings.traversal_steps // 2]
    torch.testing.assert_close(shown, model.decode(z_1W)[0])


def test_normalised_batches_have_running_statistics_in_the_checkpoint(
    composed: Callable[..., RunConfig], digits: Dataset
):
    large = enlarged(digits)
    config = composed(
        *SMALL,
        *GAN,
        "architecture=conv32",
        "architecture.features=4",
        "objective.adversarial.stability=spectral_norm",
    )
    found = AdversarialKind().new(config, large, CPU)
    steps(found, 8)
    model = found.tensors()["model"]
    counts = {t.item() for n, t in model.items() if "generator" in n and "num_batches" in n}
    assert counts == {6}  # the generator stays as it is while its encoder is fitted


def enlarged(digits: Dataset) -> Dataset:
    """Return some of the digits in the corner of 32x32 images."""
    source, indices = digits.train, torch.arange(64)
    images = torch.nn.functional.pad(source.images(indices), (0, 24, 0, 24))
    split = ResidentSplit(images, source.factors(indices))
    return replace(digits, train=split, test=split, shape=(1, 32, 32))


def test_a_loss_that_is_no_number_is_divergence(make: Make):
    method = make(*GAN)
    with torch.no_grad():
        next(iter(method.networks.rest.parameters())).fill_(torch.nan)
    with pytest.raises(DivergedError, match="at step 1"):
        steps(method, 1)


@pytest.mark.parametrize("file", ["model", "discriminator_model"])
def test_a_checkpoint_that_is_not_of_this_model_is_refused(file: str, make: Make):
    method = make(*GAN)
    steps(method, 2)
    tensors = method.tensors()
    name = next(name for name in tensors[file] if name.endswith("bias"))
    tensors[file][name] = tensors[file][name] * torch.nan
    before = method.tensors()
    with pytest.raises(DataError, match="not finite"):
        method.restore(tensors, 2)
    del tensors[file][name]
    with pytest.raises(UsageError, match="another model"):
        method.restore(tensors, 2)
    assert changed(before["model"], method.tensors()["model"]) == set()


def test_a_checkpoint_of_another_number_of_steps_is_refused(make: Make):
    """Game and encoder divide them: a longer run is another one from its first steps on."""
    begun = make(*GAN)
    steps(begun, 2)
    kept, other = begun.tensors(), make(*GAN, "steps=16")
    with pytest.raises(UsageError, match="steps=16: the run has 8 steps, divided between"):
        other.restore(kept, 2)
    assert other.step == 0
    with pytest.raises(DataError, match="does not say how"):
        begun.restore({**kept, "phases": {}}, 2)
    begun = make(*INFO_GAN)
    steps(begun, 2)
    make(*INFO_GAN, "steps=16").restore(begun.tensors(), 2)  # plays all of them


def refusals() -> Iterator[tuple[tuple[str, ...], str]]:
    yield (*GAN, "prior=code"), "a deterministic code"
    yield (*GAN, "prior=vamp", "prior.pseudo_inputs=5"), "is learned"
    yield (*GAN, "likelihood=categorical"), "needs more than those"
    yield (*GAN, "architecture.tied=true"), "shares no weight"
    yield (*INFO_GAN, "architecture.conditional=true"), "each variable alone"
    yield (*GAN, "precision=bf16"), "precision=bf16 has no effect"
    yield (*GAN, "batch_size=5000"), "more than the"
    yield (*GAN, "steps=1"), "has none for the"
    yield (*GAN, "validation.every=2", "training.stop_early.patience=2"), "before step 6"


@pytest.mark.parametrize(("words", "match"), [*refusals()], ids=lambda value: str(value)[-30:])
def test_what_does_not_fit_is_refused(words: tuple[str, ...], match: str, make: Make):
    with pytest.raises(UsageError, match=match):
        make(*words)


def test_a_gradient_penalty_does_not_go_with_normalised_batches(
    composed: Callable[..., RunConfig], digits: Dataset
):
    words = ("architecture=conv32", "objective.adversarial.stability=gradient_penalty")
    settings, large = composed(*SMALL, *GAN, *words), enlarged(digits)
    found = AdversarialKind().new(settings, large, CPU)
    with pytest.raises(UsageError, match="normalises over the minibatch"):
        found.check(settings, large)


def test_points_in_the_plane_are_not_for_pixels(composed: Callable[..., RunConfig]):
    config = composed("dataset=pinwheel", "likelihood.mean=logistic", *GAN, "device=cpu")
    points = load(config.dataset, config.data_dir, CPU)
    found = method_of(config).new(config, points, CPU)
    with pytest.raises(UsageError, match="points"):
        found.check(config, points)


@pytest.mark.parametrize(
    "word", ["stability=none", "noise=-1", "encoder_steps=1", "learning_rate=0"]
)
def test_values_that_make_no_sense_are_refused(word: str, config: Callable[..., RunConfig]):
    with pytest.raises(UsageError, match=word.partition("=")[0]):
        config(*GAN, f"objective.adversarial.{word}")
