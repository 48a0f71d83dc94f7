import pytest
import torch
import yaml

from runner.config import DatasetConfig, data_root
from runner.dataset import DATASETS, load
from runner.errors import UsageError

CPU = torch.device("cpu")


@pytest.mark.parametrize("name", ["sprites", "digits"])
def test_images_and_factors_keep_the_contract(name, tmp_path):
    dataset = load(DatasetConfig(name, {}, None), str(tmp_path / "data"), CPU)
    assert dataset.name == name
    assert not (tmp_path / "data").exists()
    sizes = torch.tensor([factor.size for factor in dataset.factors])
    for split in (dataset.train, dataset.test):
        last = split.size - 1
        indices_B = torch.tensor([last, 0, last, 5, 5])
        images_BCHW, factors_BF = split.images(indices_B), split.factors(indices_B)
        assert images_BCHW.shape == (5, *dataset.shape)
        assert (images_BCHW.dtype, factors_BF.dtype) == (torch.uint8, torch.int64)
        assert images_BCHW.device == factors_BF.device == CPU
        assert torch.equal(images_BCHW[0], images_BCHW[2])
        assert torch.equal(factors_BF[3], factors_BF[4])
        some = torch.arange(0, split.size, 7)
        assert ((split.factors(some) >= 0) & (split.factors(some) < sizes)).all()
        assert split.images(indices_B).max() == 255
    by_name = {factor.name: factor.size for factor in dataset.factors}
    assert by_name[dataset.class_factor] == dataset.classes


def test_the_mapping_and_the_yaml_files_offer_the_same_names():
    files = (data_root() / "conf" / "dataset").glob("*.yaml")
    documents = [yaml.safe_load(file.read_text()) for file in files]
    # One that sets more than the dataset itself has its name below `dataset`.
    assert {d.get("dataset", d)["name"] for d in documents} == set(DATASETS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sprite", "did you mean 'sprites'?"),
        ("fashion-mnist", "did you mean 'fashion_mnist'?"),
        ("zzz", "datasets: " + ", ".join(DATASETS)),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(UsageError) as caught:
        load(DatasetConfig(name, {}, None), "data", CPU)
    assert caught.value.message == f"unknown dataset '{name}'"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")]
)
def test_named_files_are_looked_for_in_their_folder(name, folder, tmp_path, monkeypatch):
    looked = []
    monkeypatch.setattr(
        "runner.dataset.mnist.load",
        lambda collection, data_dir, device: looked.append(
            (collection.name, collection.folder, data_dir, device)
        ),
    )
    load(DatasetConfig(name, {}, None), str(tmp_path), CPU)
    assert looked == [(name, folder, str(tmp_path), CPU)]
