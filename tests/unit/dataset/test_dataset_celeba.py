import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from runner.dataset import celeba
from runner.dataset.celeba import ATTRIBUTES, SOURCE, unpack
from runner.errors import DataError

COUNT = 7
PARTS = [0, 2, 1, 0, 2, 0, 1]
NAMES = [f"{number:06d}.jpg" for number in range(1, COUNT + 1)]
ORDER = [0, 2, 3, 5, 6, 1, 4]
"""Of the images when those to judge by are last."""


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(2, size=(COUNT, len(ATTRIBUTES)))


def jpeg(pixels_HWC):
    stream = io.BytesIO()
    Image.fromarray(pixels_HWC).save(stream, "JPEG", quality=100, subsampling=0)
    return stream.getvalue()


def portrait(number):
    """Return an image as grey as its number says, bright outside of the square at the centre."""
    pixels = np.full((218, 178, 3), 255, np.uint8)
    pixels[35:183, 15:163] = 30 * number
    return pixels


def write(folder, labels, parts=PARTS, pictures=None):
    rows = [
        f"{name} {' '.join(f'{2 * v - 1:2d}' for v in row)}"
        for name, row in zip(NAMES, labels, strict=True)
    ]
    table = [str(COUNT), " ".join(ATTRIBUTES) + " ", *rows]
    (folder / "list_attr_celeba.txt").write_text("\n".join(table) + "\n")
    partition = "".join(f"{name} {part}\n" for name, part in zip(NAMES, parts, strict=True))
    (folder / "list_eval_partition.txt").write_text(partition)
    pictures = pictures or {name: jpeg(portrait(n)) for n, name in enumerate(NAMES)}
    with zipfile.ZipFile(folder / "img_align_celeba.zip", "w") as archive:
        archive.writestr("img_align_celeba/", b"")
        for name, content in pictures.items():
            archive.writestr(f"img_align_celeba/{name}", content)


def unpacked(folder, test_images=2):
    images_NCHW = np.zeros((COUNT, 3, 64, 64), np.uint8)
    steps = []
    factors_NF = unpack(folder, images_NCHW, steps.append, test_images=test_images)
    return images_NCHW, factors_NF, steps


def test_images_are_cropped_and_those_to_judge_by_come_last(labels, tmp_path, monkeypatch):
    monkeypatch.setattr(celeba, "_STEP", 3)
    write(tmp_path, labels)
    images_NCHW, factors_NF, steps = unpacked(tmp_path)
    expected = 30 * np.array(ORDER)[:, None, None, None]
    # The bright frame leaves a trace at the very edge, through JPEG's blocks of 8 x 8 pixels.
    assert np.abs(images_NCHW[:, :, 4:-4, 4:-4].astype(int) - expected).max() <= 2
    assert images_NCHW.mean(axis=(1, 2, 3)) == pytest.approx(30 * np.array(ORDER), abs=3)
    np.testing.assert_array_equal(factors_NF, labels[ORDER])
    assert factors_NF.dtype == np.int64
    assert steps == [3, 3, 1]


def test_a_pattern_finer_than_the_new_pixels_turns_grey(labels, tmp_path):
    stripes = np.zeros((218, 178, 3), np.uint8)
    stripes[:, ::2] = 255
    write(tmp_path, labels, pictures=dict.fromkeys(NAMES, jpeg(stripes)))
    images_NCHW, _, _ = unpacked(tmp_path)
    assert np.abs(images_NCHW[:, :, :, 2:-2].astype(float) - 127.5).max() < 40


def test_channels_and_directions_are_kept(labels, tmp_path):
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[:109, :, 0] = 250
    pixels[:, :89, 2] = 250
    write(tmp_path, labels, pictures=dict.fromkeys(NAMES, jpeg(pixels)))
    image_CHW = unpacked(tmp_path)[0][0].astype(int)
    bright, dark = image_CHW > 200, image_CHW < 50
    assert bright[0, :28].all()
    assert dark[0, 36:].all()
    assert dark[1].all()
    assert bright[2, :, :28].all()
    assert dark[2, :, 36:].all()


def test_lists_of_another_number_of_images_are_refused(labels, tmp_path):
    write(tmp_path, labels)
    with pytest.raises(DataError, match=r"should have 3 images, not 2$"):
        unpacked(tmp_path, test_images=3)
    with pytest.raises(DataError, match=r"should have 8 images, not 7$"):
        unpack(tmp_path, np.zeros((8, 3, 64, 64), np.uint8), lambda _: None, test_images=2)


def test_a_table_of_other_attributes_values_or_length_is_refused(labels, tmp_path):
    write(tmp_path, labels)
    path = tmp_path / "list_attr_celeba.txt"
    table = path.read_text()
    path.write_text(table.replace("Male", "Mail"))
    with pytest.raises(DataError, match=r"should name the 40 attributes in its second line$"):
        unpacked(tmp_path)
    path.write_text(
        table.replace("000003.jpg -1", "000003.jpg  3").replace("000003.jpg  1", "000003.jpg  3")
    )
    with pytest.raises(DataError, match=r"should have no values but 1 and -1$"):
        unpacked(tmp_path)
    path.write_text(table.replace("7\n", "9\n", 1))
    with pytest.raises(DataError, match=r"shape \(9, 40\), not \(7, 40\)$"):
        unpacked(tmp_path)


@pytest.mark.parametrize("name", ["list_attr_celeba.txt", "list_eval_partition.txt"])
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>\n", b"\xff\xfe", b"x 1\ny one\nz 1 2"])
def test_a_page_instead_of_a_list_is_one_line(name, content, labels, tmp_path):
    write(tmp_path, labels)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=rf"^'.*{name}' [^\n]+$"):
        unpacked(tmp_path)


def test_lists_of_different_images_are_refused(labels, tmp_path):
    write(tmp_path, labels)
    path = tmp_path / "list_eval_partition.txt"
    path.write_text(path.read_text().replace("000002", "000009"))
    with pytest.raises(DataError, match=r"should list the same images as list_attr_celeba\.txt$"):
        unpacked(tmp_path)


def test_pictures_that_are_missing_of_another_size_or_none_are_refused(labels, tmp_path):
    pictures = {name: jpeg(portrait(0)) for name in NAMES}
    write(tmp_path, labels, pictures=pictures | {NAMES[1]: jpeg(portrait(0)[:-1])})
    with pytest.raises(DataError, match=r"000002\.jpg .*\(178, 218\), not \(178, 217\)"):
        unpacked(tmp_path)
    write(tmp_path, labels, pictures=pictures | {NAMES[1]: b"no picture"})
    with pytest.raises(DataError, match="truncated or corrupt: cannot identify"):
        unpacked(tmp_path)
    write(tmp_path, labels, pictures=pictures | {NAMES[1]: pictures[NAMES[1]][:-300]})
    with pytest.raises(DataError, match="truncated or corrupt: "):
        unpacked(tmp_path)
    del pictures[NAMES[1]]
    write(tmp_path, labels, pictures=pictures)
    with pytest.raises(DataError, match=r"should have an image img_align_celeba/000002\.jpg$"):
        unpacked(tmp_path)


def test_a_page_instead_of_the_archive_is_one_line(labels, tmp_path):
    write(tmp_path, labels)
    (tmp_path / "img_align_celeba.zip").write_bytes(b"<!DOCTYPE html>")
    with pytest.raises(DataError, match=r"celeba\.zip' is truncated or corrupt: File is not a zip"):
        unpacked(tmp_path)


def test_the_source_is_the_official_split():
    assert SOURCE.images - SOURCE.test_images == 162_770 + 19_867
    assert [factor.size for factor in SOURCE.factors] == [2] * 40
    assert SOURCE.class_factor in ATTRIBUTES
    assert SOURCE.unpack.keywords == {"test_images": SOURCE.test_images}
