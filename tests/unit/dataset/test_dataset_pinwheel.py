import math
from itertools import pairwise

import pytest
import torch

from runner.config import DatasetConfig
from runner.dataset import IMAGES, POINTS, digits, load, pinwheel

CPU = torch.device("cpu")


def everything(split):
    indices_N = torch.arange(split.size)
    return split.images(indices_N).view(-1, 2), split.factors(indices_N)[:, 0]


def unwound(split):
    """Undo the turn of every point's arm: (along, across), (N, 2)."""
    points, arms = everything(split)
    angle = arms * math.pi / 2
    # Rotations keep the radius, but the turn grows with the part of it along the arm: iterate.
    along = points.norm(dim=1)
    for _ in range(50):
        turn = angle + 0.25 * along.exp()
        along = points[:, 0] * turn.cos() - points[:, 1] * turn.sin()
    across = points[:, 0] * turn.sin() + points[:, 1] * turn.cos()
    return torch.stack([along, across], 1)


def test_the_dataset_describes_itself():
    dataset = load(DatasetConfig("pinwheel", {}, None), "data", CPU)
    assert dataset.name == "pinwheel"
    assert (dataset.train.size, dataset.test.size) == (400, 400)
    assert dataset.has_test_split
    assert dataset.shape == (1, 1, 2)
    assert [(f.name, f.size) for f in dataset.factors] == [("arm", 4)]
    assert (dataset.class_factor, dataset.class_names) == ("arm", ("0", "1", "2", "3"))


def test_a_plane_is_told_from_images():
    assert pinwheel.load(CPU).kind is POINTS
    assert digits.load(CPU).kind is IMAGES


def test_points_are_float_images_of_two_coordinates():
    dataset = pinwheel.load(CPU)
    images = dataset.test.images(torch.tensor([399, 0, 399]))
    assert images.shape == (3, 1, 1, 2)
    assert images.dtype == torch.float32
    assert torch.equal(images[0], images[2])
    assert dataset.test.factors(torch.tensor([5])).dtype == torch.int64
    assert everything(dataset.train)[0].min() < -0.5


@pytest.mark.parametrize("part", ["train", "test"])
def test_arms_have_a_hundred_points_each_and_take_turns(part):
    _, arms = everything(getattr(pinwheel.load(CPU), part))
    assert arms.bincount().tolist() == [100] * 4
    assert arms[:4].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("part", ["train", "test"])
def test_unwound_arms_are_normal_with_the_deviations_of_the_source(part):
    straight = unwound(getattr(pinwheel.load(CPU), part))
    error = 3 / math.sqrt(400)  # three standard errors, in standard deviations
    along, across = straight.T
    assert abs(along.mean() - 1) < 0.3 * error
    assert abs(across.mean()) < 0.1 * error
    assert abs(along.std() / 0.3 - 1) < error / math.sqrt(2)
    assert abs(across.std() / 0.1 - 1) < error / math.sqrt(2)
    assert abs(torch.corrcoef(straight.T)[0, 1]) < error


def test_arms_are_quarter_turns_of_each_other():
    points, arms = everything(pinwheel.load(CPU).train)
    angles = -torch.atan2(points[:, 1], points[:, 0])
    centres = [torch.exp(1j * angles[arms == arm]).mean().angle() for arm in range(4)]
    for first, second in pairwise(centres):
        turn = (second - first) % (2 * math.pi)
        assert abs(turn - math.pi / 2) < 0.15


def test_the_two_draws_are_independent_and_always_the_same():
    torch.manual_seed(1)
    first = pinwheel.load(CPU)
    torch.manual_seed(2)
    second = pinwheel.load(CPU)
    for part in ("train", "test"):
        ours, theirs = (everything(getattr(dataset, part))[0] for dataset in (first, second))
        assert torch.equal(ours, theirs)
    pair = torch.cat([unwound(first.train), unwound(first.test)], 1)
    assert abs(torch.corrcoef(pair.T)[:2, 2:]).max() < 3.5 / math.sqrt(400)
    point = everything(first.train)[0][0].tolist()
    assert point == pytest.approx([0.532238, -0.410578], abs=1e-5)
