import hashlib
import time

import pytest
import torch
from torch import Tensor

from runner.dataset import sprites

SIZES = (3, 6, 40, 32, 32)
N = 737_280


@pytest.fixture(scope="module")
def grid() -> sprites.SpriteGrid:
    split = sprites.load(torch.device("cpu")).train
    assert isinstance(split, sprites.SpriteGrid)
    return split


@pytest.fixture(scope="module")
def masks() -> Tensor:
    """Whether a pixel is white: (shape, scale, orientation, h, w)."""
    return (sprites.draw_masks() > 0).unflatten(0, SIZES[:3])


def index(shape: int, scale: int, orientation: int, x: int, y: int) -> int:
    return (((shape * 6 + scale) * 40 + orientation) * 32 + x) * 32 + y


def random_indices(count: int) -> Tensor:
    return torch.randint(N, (count,), generator=torch.Generator().manual_seed(0))


def test_the_dataset_describes_itself():
    dataset = sprites.load(torch.device("cpu"))
    assert dataset.train is dataset.test
    assert not dataset.has_test_split
    assert dataset.train.size == N
    assert [(f.name, f.size) for f in dataset.factors] == list(
        zip(("shape", "scale", "orientation", "x", "y"), SIZES, strict=True)
    )
    assert dataset.class_names == ("square", "ellipse", "heart")
    assert dataset.class_factor == "shape"


def test_indices_count_the_factor_grid_with_y_fastest(grid):
    every = torch.arange(N)
    factors_NF = grid.factors(every)
    strides = torch.tensor([6 * 40 * 1024, 40 * 1024, 1024, 32, 1])
    assert torch.equal((factors_NF * strides).sum(1), every)
    assert torch.equal(factors_NF.amax(0), torch.tensor(SIZES) - 1)
    assert grid.factors(torch.tensor([index(2, 4, 17, 30, 9)])).tolist() == [[2, 4, 17, 30, 9]]


def test_factors_tell_what_is_in_the_image(grid, masks):
    indices_B = random_indices(300)
    images_BHW = grid.images(indices_B)[:, 0]
    for image_HW, (shape, scale, orientation, x, y) in zip(
        images_BHW, grid.factors(indices_B).tolist(), strict=True
    ):
        expected_HW = torch.zeros(64, 64, dtype=torch.uint8)
        expected_HW[y : y + 33, x : x + 33] = 255 * masks[shape, scale, orientation]
        assert torch.equal(image_HW, expected_HW)


def test_one_step_of_a_position_moves_the_image_by_one_pixel(grid):
    start = grid.images(torch.tensor([index(2, 5, 3, 0, 0)]))[0, 0]
    for x, y in ((1, 0), (0, 1), (31, 31), (12, 29)):
        moved = grid.images(torch.tensor([index(2, 5, 3, x, y)]))[0, 0]
        assert torch.equal(moved, start.roll((y, x), (0, 1))), (x, y)
        assert torch.equal(moved[y:, x:], start[: 64 - y, : 64 - x])


def test_no_sprite_is_cut_at_any_position(grid, masks):
    mass_K = 255 * masks.sum((3, 4)).flatten()
    corners = torch.cartesian_prod(torch.tensor([0, 31]), torch.tensor([0, 31]))
    for x, y in corners.tolist():  # a sprite that is whole in all four corners is whole between
        indices_K = torch.arange(720) * 1024 + x * 32 + y
        assert torch.equal(grid.images(indices_K).long().sum((1, 2, 3)), mass_K)
    positions = torch.arange(1024)
    for mask in (0, 285, 479, 482, 719):
        assert (grid.images(mask * 1024 + positions).long().sum((1, 2, 3)) == mass_K[mask]).all()


def test_sprites_are_drawn_inside_their_boxes(masks):
    rim = masks.clone()
    rim[..., 1:-1, 1:-1] = False
    assert not rim.any()


def test_shapes_differ_at_every_scale_and_orientation(masks):
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert (masks[one] != masks[other]).flatten(2).any(2).all()


def test_area_grows_with_scale(masks):
    area = masks.sum((3, 4))
    assert (area.diff(dim=1) > 0).all()


def test_shapes_of_one_scale_cover_the_same_area(masks):
    area = masks.sum((3, 4)).double().mean(2)  # mean over orientations: less noise of the pixels
    scale = torch.linspace(0.5, 1, 6, dtype=torch.float64)
    torch.testing.assert_close(area, (440 * scale**2).expand(3, -1), rtol=0.02, atol=0)


def test_the_largest_areas_are_those_of_the_formulas(masks):
    assert masks[0, 5, 0].sum() == 21 * 21  # side sqrt(440) = 20.98 around a pixel's centre
    assert masks[1, 5, 0].any(0).sum() == 31  # 2 * 15.9 long, likewise
    assert masks[1, 5, 0].any(1).sum() == 17  # 2 * 8.81 wide


def test_all_orientations_of_the_heart_differ(masks):
    for scale in range(6):
        assert len(masks[2, scale].flatten(1).unique(dim=0)) == 40


def test_the_heart_is_upright_symmetric_and_notched(masks):
    heart = masks[2, 5, 0]
    rows = heart.any(1).nonzero().flatten()
    assert torch.equal(heart, heart.flip(1))
    assert heart[rows[-1]].sum() <= 3  # it ends in a point below
    top = heart[rows[0]].nonzero().flatten()
    assert (top.diff() > 1).sum() == 1  # and in two lobes above
    assert heart[16, 16]


def test_sprites_turn_about_their_centre_of_mass(masks):
    axis = torch.arange(-16, 17)
    area = masks.sum((3, 4))
    x = (masks.sum(3) * axis).sum(3) / area
    y = (masks.sum(4) * axis).sum(3) / area
    assert torch.maximum(x.abs(), y.abs()).max() < 0.3


def test_a_square_looks_the_same_after_a_quarter_turn(masks):
    assert torch.equal(masks[0], masks[0].roll(10, 1))
    assert not torch.equal(masks[0], masks[0].roll(5, 1))


def test_an_ellipse_looks_the_same_after_half_a_turn(masks):
    assert torch.equal(masks[1], masks[1].roll(20, 1))
    assert not torch.equal(masks[1], masks[1].roll(10, 1))


@pytest.mark.parametrize(("shape", "symmetry"), [(0, 4), (1, 2), (2, 3)])
def test_every_shape_turns_clockwise_by_a_fortieth(masks, shape, symmetry):
    """The moment sum (x + iy)^k over the pixels turns by k times the angle; y grows downwards."""
    axis = torch.arange(-16, 17, dtype=torch.float64)
    place_hw = torch.complex(axis.expand(33, 33), axis[:, None].expand(33, 33))
    moment_O = (masks[shape, 5] * place_hw**symmetry).sum((1, 2))
    turn_O = (moment_O / moment_O[0]).angle() / symmetry
    expected_O = 2 * torch.pi / 40 * torch.arange(40)
    error_O = (turn_O - expected_O) * symmetry / (2 * torch.pi)
    error_O = (error_O - error_O.round()) * 2 * torch.pi / symmetry
    assert error_O.abs().max() < 2 * torch.pi / 40 / 2


def test_a_quarter_turn_is_the_picture_turned_clockwise(masks):
    assert torch.equal(masks.roll(-10, 2), torch.rot90(masks, -1, (3, 4)))


def test_rounding_cannot_change_an_image(monkeypatch):
    drawn = sprites.draw_masks()
    for area, length in ((1 + 1e-6, 1), (1 - 1e-6, 1), (1, 1 + 1e-6), (1, 1 - 1e-6)):
        with monkeypatch.context() as nearby:
            nearby.setattr(sprites, "_AREA", sprites._AREA * area)
            nearby.setattr(sprites, "_ELLIPSE_LENGTH", sprites._ELLIPSE_LENGTH * length)
            assert torch.equal(sprites.draw_masks(), drawn)


def test_the_images_are_those_of_every_earlier_run():
    digest = hashlib.sha256(sprites.draw_masks().numpy().tobytes()).hexdigest()
    assert digest == "f3cd7136fde2cab225518d1dee3a60803f19e93e08f8bbb8d6b0ab55d607adef"


def test_a_batch_is_its_images_one_at_a_time(grid):
    indices_B = random_indices(64)
    images_BCHW = grid.images(indices_B)
    assert images_BCHW.shape == (64, 1, 64, 64)
    assert images_BCHW.is_contiguous()
    one_by_one = [grid.images(indices_B[i : i + 1]) for i in range(64)]
    assert torch.equal(images_BCHW, torch.cat(one_by_one))


@pytest.mark.parametrize("wrong", [N, -N - 1])
def test_there_is_no_image_beyond_the_grid(grid, wrong):
    with pytest.raises(IndexError):
        grid.images(torch.tensor([wrong]))


def test_all_images_share_the_memory_of_the_masks(grid):
    assert grid.windows_KYXHW.numel() == N * 64 * 64
    assert grid.windows_KYXHW.untyped_storage().nbytes() == 720 * 95 * 95


def test_loading_takes_less_than_a_second():
    start = time.perf_counter()
    sprites.load(torch.device("cpu"))
    assert time.perf_counter() - start < 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_has_the_same_images(grid):
    indices_B = random_indices(512)
    on_gpu = sprites.load(torch.device("cuda")).train
    images_BCHW = on_gpu.images(indices_B.cuda())
    assert images_BCHW.device.type == "cuda"
    assert torch.equal(images_BCHW.cpu(), grid.images(indices_B))
    assert torch.equal(on_gpu.factors(indices_B.cuda()).cpu(), grid.factors(indices_B))
