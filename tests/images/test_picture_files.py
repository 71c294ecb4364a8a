import os

import numpy as np
import pytest
from PIL import Image

import gan

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".PNG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_lossless_pictures_hold_the_pixels(tmp_path, channels, suffix):
    picture = RNG.integers(0, 256, (4, 6, channels), "uint8")
    gan.images.save_picture(tmp_path / f"picture{suffix}", picture)
    read = gan.images.read_picture(tmp_path / f"picture{suffix}")
    np.testing.assert_array_equal(np.broadcast_to(read, (4, 6, 3)), np.broadcast_to(picture, (4, 6, 3)))


@pytest.mark.parametrize("suffix", [".jpg", ".jpeg"])
@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_pictures_are_close_to_the_pixels(tmp_path, channels, suffix):
    picture = gan.images.enlarge(RNG.integers(0, 256, (4, 6, channels), "uint8"), pixels=80)
    gan.images.save_picture(tmp_path / f"picture{suffix}", picture)
    with Image.open(tmp_path / f"picture{suffix}") as image:
        assert image.format == "JPEG" and image.mode == {1: "L", 3: "RGB"}[channels]
    read = gan.images.read_picture(tmp_path / f"picture{suffix}")
    assert read.shape == picture.shape
    assert np.abs(read.astype(int) - picture).mean() < 3


def test_pictures_of_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"named .png, .jpg, .jpeg or .webp, not .*picture.bmp"):
        gan.images.save_picture(tmp_path / "picture.bmp", np.zeros((4, 6, 3), "uint8"))
    assert not os.listdir(tmp_path)


def test_pictures_with_transparency_are_read_in_color(tmp_path):
    pixels = RNG.integers(0, 256, (4, 6, 4), "uint8")
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    np.testing.assert_array_equal(gan.images.read_picture(tmp_path / "picture.png"), pixels[..., :3])
