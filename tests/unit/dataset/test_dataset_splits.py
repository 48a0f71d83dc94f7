import pytest
import torch

from runner.dataset import Dataset, Factor, ResidentSplit


def make_split(size: int) -> ResidentSplit:
    values_N = torch.arange(size)
    images_NCHW = values_N.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 2, 3, 4)
    return ResidentSplit(images_NCHW, torch.stack([values_N % 2, values_N % 5], dim=1))


def test_a_resident_split_answers_indices_in_their_order_with_repeats():
    split = make_split(10)
    indices_B = torch.tensor([7, 0, 7, 3])
    assert split.size == 10
    assert split.images(indices_B).shape == (4, 2, 3, 4)
    assert split.images(indices_B)[:, 1, 2, 3].tolist() == [7, 0, 7, 3]
    assert split.factors(indices_B).tolist() == [[1, 2], [0, 0], [1, 2], [1, 3]]


def make_dataset(class_factor: str = "parity") -> Dataset:
    return Dataset(
        name="toy",
        train=make_split(6),
        test=make_split(4),
        has_test_split=True,
        factors=(Factor("parity", 2), Factor("residue", 5)),
        shape=(2, 3, 4),
        class_factor=class_factor,
        class_names=("even", "odd"),
    )


def test_a_dataset_has_as_many_classes_as_class_names():
    assert make_dataset().classes == 2


@pytest.mark.parametrize(
    ("class_factor", "labels"), [("parity", [1, 0, 1]), ("residue", [0, 2, 3])]
)
def test_labels_are_the_values_of_the_class_factor(class_factor: str, labels: list[int]):
    dataset = make_dataset(class_factor)
    labels_B, is_labelled_B = dataset.labels(dataset.train, torch.tensor([5, 2, 3]))
    assert labels_B.tolist() == labels
    assert is_labelled_B.tolist() == [True, True, True]


def test_a_negative_class_is_not_known():
    dataset = make_dataset()
    factors_NF = torch.tensor([[1, 0], [-1, 3]])
    split = ResidentSplit(torch.zeros(2, 2, 3, 4, dtype=torch.uint8), factors_NF)
    _, is_labelled_B = dataset.labels(split, torch.tensor([1, 0]))
    assert is_labelled_B.tolist() == [False, True]
