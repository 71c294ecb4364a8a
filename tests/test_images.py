import imageio.v3 as imageio
import numpy as np
import pytest

import gan

RNG = np.random.default_rng(0)


def test_to_uint8_takes_back_the_scaling_of_bytes():
    values = np.arange(256)
    np.testing.assert_array_equal(gan.images.to_uint8((values / 127.5 - 1).astype("float32")), values)
    np.testing.assert_array_equal(gan.images.to_uint8(np.array([-1.1, 1.1])), [0, 255])


@pytest.mark.parametrize("channels", [1, 3])
def test_grid_puts_every_image_in_its_place(channels):
    images = RNG.integers(0, 256, (5, 4, 6, channels), "uint8")
    grid = gan.images.grid(images, columns=3)
    assert grid.shape == (8, 18, channels)
    for index, image in enumerate(images):
        top, left = 4 * (index // 3), 6 * (index % 3)
        np.testing.assert_array_equal(grid[top : top + 4, left : left + 6], image)
    assert not grid[4:, 12:].any()


@pytest.mark.parametrize("channels", [1, 3])
def test_png_holds_the_pixels_and_nothing_else(tmp_path, channels):
    picture = RNG.integers(0, 256, (4, 6, channels), "uint8")
    gan.images.save_png(tmp_path / "picture.png", picture)
    read = gan.images.read_png(tmp_path / "picture.png")
    np.testing.assert_array_equal(read, np.broadcast_to(picture, (4, 6, 3)))


def test_enlarge_repeats_pixels():
    picture = RNG.integers(0, 256, (3, 2, 1), "uint8")
    np.testing.assert_array_equal(
        gan.images.enlarge(picture, pixels=8)[..., 0], np.kron(picture[..., 0], np.ones((3, 3), int))
    )
    large = np.zeros((20, 5, 1), "uint8")
    assert gan.images.enlarge(large, pixels=10).shape == large.shape


def test_to_frame_averages_blocks_and_drops_missing_colour():
    gray = RNG.integers(0, 256, (512, 300, 1), "uint8")
    frame = gan.images.to_frame(np.broadcast_to(gray, (512, 300, 3)))
    assert frame.shape == (256, 150)
    for row, column in ((0, 0), (255, 149), (100, 7)):
        block = gray[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert abs(frame[row, column] - block.mean()) <= 0.5
    line = RNG.integers(0, 256, (2, 120_000, 3), "uint8")
    assert gan.images.to_frame(line).shape == (1, 60_000, 3)
    # Ten classes in four rows stay as they are.
    assert gan.images.to_frame(gan.images.enlarge(np.zeros((112, 280, 1), "uint8"))).shape == (112, 280)
    colour = RNG.integers(0, 256, (20, 20, 3), "uint8")
    np.testing.assert_array_equal(gan.images.to_frame(colour), colour)


def test_gif_has_the_frames_their_time_and_no_end(tmp_path):
    frames = [RNG.integers(0, 256, (20, 30), "uint8") for _ in range(7)]
    gan.images.save_gif(tmp_path / "a.gif", frames, seconds_per_frame=0.07)
    read = imageio.imread(tmp_path / "a.gif", index=None, mode="L").astype(int)
    assert read.shape == (7, 20, 30)
    assert np.abs(read - frames).max() <= 16
    metadata = imageio.immeta(tmp_path / "a.gif")
    assert metadata["duration"] == 70 and metadata["loop"] == 0


def test_gif_in_colour(tmp_path):
    frames = [np.full((20, 30, 3), colour, "uint8") for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    gan.images.save_gif(tmp_path / "a.gif", frames, seconds_per_frame=0.1)
    np.testing.assert_array_equal(imageio.imread(tmp_path / "a.gif", index=None), frames)


def test_gif_of_300_frames_of_noise_stays_below_5_megabytes(tmp_path):
    frames = [RNG.integers(0, 256, (256, 256), "uint8") for _ in range(300)]
    gan.images.save_gif(tmp_path / "noise.gif", frames, seconds_per_frame=0.05)
    assert (tmp_path / "noise.gif").stat().st_size <= 5_000_000
    kept = len(imageio.imread(tmp_path / "noise.gif", index=None))
    # The whole takes as long as it would have taken with every frame.
    assert kept * imageio.immeta(tmp_path / "noise.gif")["duration"] == pytest.approx(300 * 50, rel=0.1)


@pytest.mark.parametrize("epochs", [1, 30])
def test_curves_have_a_line_for_each_column(tmp_path, epochs):
    history = {name: RNG.uniform(size=epochs) for name in ("g_loss", "d_loss", "real_accuracy", "fake_accuracy")}
    gan.images.save_curves(tmp_path / "curves.png", {"epoch": list(range(1, epochs + 1)), **history})
    picture = imageio.imread(tmp_path / "curves.png")[..., :3].astype(int)
    for colour in ((31, 119, 180), (255, 127, 14)):  # matplotlib's first two
        for half in (picture[:300], picture[300:]):
            left_of_legend = half[:, 100:600] if half is picture[300:] else half
            assert (np.abs(left_of_legend - colour).sum(-1) < 30).sum() > 20
    assert (picture[0] == 255).all()


def test_a_fid_measured_now_and_then_has_a_curve_of_its_own(tmp_path):
    history = {name: [1.0] * 9 for name in ("g_loss", "d_loss", "real_accuracy", "fake_accuracy")}
    fids = [float("nan")] * 4 + [100.0] + [float("nan")] * 3 + [10.0]
    gan.images.save_curves(
        tmp_path / "curves.png", {"epoch": list(range(1, 10)), **history, "val_fid": fids}, "my features"
    )
    picture = imageio.imread(tmp_path / "curves.png")[..., :3].astype(int)
    assert picture.shape == (900, 800, 3)
    curve = np.argwhere(np.abs(picture[600:] - (31, 119, 180)).sum(-1) < 30)
    # From the middle epoch, high up, to the last one, low down.
    left, right = curve[curve[:, 1].argmin()], curve[curve[:, 1].argmax()]
    assert 380 < left[1] < 450 and right[1] > 700 and left[0] < right[0] - 150


def test_panels_show_each_picture_under_its_title(tmp_path):
    left, right = np.full((30, 30, 1), 255, "uint8"), np.zeros((30, 60, 3), "uint8")
    right[..., 0] = 200
    gan.images.save_panels(tmp_path / "panels.png", [("white", left), ("red", right)])
    picture = imageio.imread(tmp_path / "panels.png")[..., :3].astype(int)
    red = np.argwhere((picture == (200, 0, 0)).all(-1))
    height, width = red.max(0) - red.min(0) + 1
    assert width == pytest.approx(2 * height, rel=0.02) and red[:, 1].min() > picture.shape[1] / 4
    assert (picture[: red[:, 0].min()] < 100).any()  # the titles, above the pictures


def test_floats_and_bytes_are_each_others_inverse():
    levels = np.arange(256, dtype="uint8")
    floats = gan.images.to_float(levels)
    assert floats.dtype == np.float32 and floats[0] == -1 and floats[-1] == 1
    np.testing.assert_array_equal(gan.images.to_uint8(floats), levels)


def test_check_accepts_what_a_gan_trains_on():
    gan.images.check(RNG.uniform(-1, 1, (3, 4, 4, 1)), (4, 4, 1))
    gan.images.check(np.array([-1.0, 1.0], "float16").reshape(2, 1, 1, 1), (1, 1, 1))


@pytest.mark.parametrize(
    ("images", "error", "sentence"),
    [
        (np.zeros((2, 4, 4, 1), "uint8"), TypeError, r"not uint8: scale them by images / 127.5 - 1"),
        (np.zeros((2, 4, 5, 1)), ValueError, r"\(batch, 4, 4, 1\).*not \(2, 4, 5, 1\)"),
        (np.zeros((4, 4, 1)), ValueError, r"not \(4, 4, 1\)"),
        (np.zeros((0, 4, 4, 1)), ValueError, "at least one"),
        (np.full((2, 4, 4, 1), np.nan), ValueError, "a NaN or an infinity"),
        (np.full((2, 4, 4, 1), np.inf), ValueError, "a NaN or an infinity"),
        (np.full((2, 4, 4, 1), 255.0), ValueError, r"not in \[255, 255\]. They look like 0..255"),
        (np.full((2, 4, 4, 1), -1.5), ValueError, r"not in \[-1.5, -1.5\].$"),
    ],
)
def test_check_refuses_the_rest(images, error, sentence):
    with pytest.raises(error, match=sentence):
        gan.images.check(images, (4, 4, 1))
