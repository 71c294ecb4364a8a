import numpy as np
import pytest

import gan

RNG = np.random.default_rng(0)


def test_to_uint8_inverts_the_scaling_of_bytes():
    values = np.arange(256)
    np.testing.assert_array_equal(gan.images.to_uint8((values / 127.5 - 1).astype("float32")), values)
    np.testing.assert_array_equal(gan.images.to_uint8(np.array([-1.1, 1.1])), [0, 255])


def test_to_float_inverts_to_uint8():
    levels = np.arange(256, dtype="uint8")
    floats = gan.images.to_float(levels)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[-1] == 1
    np.testing.assert_array_equal(gan.images.to_uint8(floats), levels)


@pytest.mark.parametrize("padding", [0, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_grid_puts_each_image_in_its_place(channels, padding):
    images = RNG.integers(0, 256, (5, 4, 6, channels), "uint8")
    grid = gan.images.grid(images, 3, padding)
    assert grid.shape == (2 * 4 + padding, 3 * 6 + 2 * padding, channels)
    is_image = np.zeros(grid.shape[:2], bool)
    for index, image in enumerate(images):
        top, left = (4 + padding) * (index // 3), (6 + padding) * (index % 3)
        np.testing.assert_array_equal(grid[top : top + 4, left : left + 6], image)
        is_image[top : top + 4, left : left + 6] = True
    assert (grid[~is_image] == 128).all()


def test_enlarge_repeats_pixels():
    picture = RNG.integers(0, 256, (3, 2, 1), "uint8")
    np.testing.assert_array_equal(
        gan.images.enlarge(picture, pixels=8)[..., 0], np.kron(picture[..., 0], np.ones((3, 3), int))
    )
    large = np.zeros((20, 10, 1), "uint8")
    assert gan.images.enlarge(large, pixels=10).shape == large.shape


@pytest.mark.parametrize(("size", "columns"), [(28, 4), (28, 10), (32, 4), (64, 4)])
def test_frames_of_usual_grids_keep_their_pixels(size, columns):
    grid = gan.images.grid(RNG.integers(0, 256, (4 * columns, size, size, 1), "uint8"), columns, padding=2)
    frame = gan.images.to_frame(gan.images.enlarge(grid))
    scale = frame.shape[0] // grid.shape[0]
    np.testing.assert_array_equal(frame, np.kron(grid, np.ones((scale, scale, 1), int)))


def test_format_shape():
    assert gan.images.format_shape((32, 32, 3)) == "32x32x3"


def test_check_accepts_images_that_a_gan_trains_on():
    gan.images.check(RNG.uniform(-1, 1, (3, 4, 4, 1)), (4, 4, 1))
    gan.images.check(np.array([-1.0, 1.0], "float16").reshape(2, 1, 1, 1), (1, 1, 1))


@pytest.mark.parametrize(
    ("images", "error", "sentence"),
    [
        (np.zeros((2, 4, 4, 1), "uint8"), TypeError, r"not uint8: scale them by images / 127.5 - 1"),
        (np.zeros((2, 4, 5, 1)), ValueError, r"4x4x1 each.*has the shape \(2, 4, 5, 1\)"),
        (np.zeros((4, 4, 1)), ValueError, r"\(batch, 4, 4, 1\).*has the shape \(4, 4, 1\)"),
        (np.zeros((0, 4, 4, 1)), ValueError, "no images: pass at least one"),
        (np.full((2, 4, 4, 1), np.nan), ValueError, "contain NaN or infinity"),
        (np.full((2, 4, 4, 1), np.inf), ValueError, "contain NaN or infinity"),
        (np.full((2, 4, 4, 1), 255.0), ValueError, r"not in \[255, 255\]. They look like 0..255"),
        (np.full((2, 4, 4, 1), -1.5), ValueError, r"not in \[-1.5, -1.5\].$"),
    ],
)
def test_check_refuses_other_images(images, error, sentence):
    with pytest.raises(error, match=sentence):
        gan.images.check(images, (4, 4, 1))
