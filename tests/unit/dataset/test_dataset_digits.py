import torch
from sklearn.datasets import load_digits

from runner.dataset import digits


def everything(split):
    indices_N = torch.arange(split.size)
    return split.images(indices_N), split.factors(indices_N)


def test_the_dataset_describes_itself():
    dataset = digits.load(torch.device("cpu"))
    assert (dataset.train.size, dataset.test.size) == (1500, 297)
    assert dataset.has_test_split
    assert dataset.shape == (1, 8, 8)
    assert [(f.name, f.size) for f in dataset.factors] == [("label", 10)]
    assert dataset.class_names == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")


def test_the_two_splits_are_the_whole_of_the_digits_once():
    dataset = digits.load(torch.device("cpu"))
    images = torch.cat([everything(dataset.train)[0], everything(dataset.test)[0]])
    labels = torch.cat([everything(dataset.train)[1], everything(dataset.test)[1]])
    ours = torch.cat([images.flatten(1).long(), labels], dim=1)
    source = load_digits()
    pixels = torch.as_tensor(source.data * 255 / 16).round().long()
    theirs = torch.cat([pixels, torch.as_tensor(source.target)[:, None]], dim=1)
    assert sorted(ours.tolist()) == sorted(theirs.tolist())
    assert (images.min(), images.max()) == (0, 255)


def test_both_splits_have_all_classes():
    dataset = digits.load(torch.device("cpu"))
    for split in (dataset.train, dataset.test):
        assert everything(split)[1].unique().tolist() == list(range(10))


def test_the_split_is_always_the_same():
    torch.manual_seed(1)
    first = digits.load(torch.device("cpu"))
    torch.manual_seed(2)
    second = digits.load(torch.device("cpu"))
    assert torch.equal(everything(first.test)[0], everything(second.test)[0])
    labels = everything(first.test)[1][:20, 0].tolist()
    assert labels == [5, 7, 4, 5, 9, 5, 5, 8, 7, 7, 8, 9, 0, 0, 1, 5, 5, 1, 0, 8]
