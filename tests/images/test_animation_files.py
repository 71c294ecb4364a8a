import os
import sys

import imageio.v3 as imageio
import numpy as np
import pytest

import gan

RNG = np.random.default_rng(0)


def durations_of(path):
    """Milliseconds that each frame of a GIF is shown."""
    with imageio.imopen(path, "r") as file:
        return [file.metadata(index=index)["duration"] for index in range(file.properties(index=...).n_images)]


def test_to_frame_averages_blocks():
    picture = RNG.integers(0, 256, (512, 300, 1), "uint8")
    frame = gan.images.to_frame(picture)
    assert frame.shape == (256, 150, 1)
    for row, column in ((0, 0), (255, 149), (100, 7)):
        block = picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert abs(frame[row, column, 0] - block.mean()) <= 0.5
    line = RNG.integers(0, 256, (2, 120_000, 3), "uint8")
    assert gan.images.to_frame(line).shape == (1, 60_000, 3)
    small = RNG.integers(0, 256, (20, 20, 3), "uint8")
    np.testing.assert_array_equal(gan.images.to_frame(small), small)


@pytest.mark.parametrize("channels", [1, 3])
def test_captions_stand_below_their_frames(channels):
    frames = [RNG.integers(0, 256, (100, 120, channels), "uint8") for _ in range(2)]
    captioned = gan.images.add_captions(frames, ["epoch 1", "epoch 20"])
    for frame, result in zip(frames, captioned, strict=True):
        assert result.shape == (118, 120, channels)
        np.testing.assert_array_equal(result[:100], frame)
        dark = np.argwhere(result[100:].min(-1) < 100)
        assert len(dark) > 50 and dark[:, 0].min() > 0 and dark[:, 0].max() < 17
    widths = [np.argwhere(result[100:].min(-1) < 100)[:, 1].max() for result in captioned]
    assert widths[0] < widths[1] < 70


def test_captioned_frames_have_one_shape_that_holds_them_all():
    frames = [np.zeros((10, 8, 1), "uint8"), np.zeros((12, 6, 3), "uint8")]
    first, second = gan.images.add_captions(frames, ["a", "a caption wider than both frames"])
    assert first.shape == second.shape == (30, first.shape[1], 3)
    assert not first[:10, :8].any() and not second[:12, :6].any()
    assert (second[12:, -4:] == 255).all()  # the caption is not cut off


def test_gif_holds_the_frames_and_their_durations(tmp_path):
    frames = [RNG.integers(0, 256, (20, 30, 1), "uint8") for _ in range(7)]
    gan.images.save_animation(tmp_path / "a.gif", frames, seconds_per_frame=0.07, last_seconds=1.5)
    read = imageio.imread(tmp_path / "a.gif", index=None, mode="L")[..., np.newaxis].astype(int)
    assert read.shape == (7, 20, 30, 1)
    assert np.abs(read - frames).max() <= 9
    assert durations_of(tmp_path / "a.gif") == [70] * 6 + [1500]
    assert imageio.immeta(tmp_path / "a.gif")["loop"] == 0
    gan.images.save_animation(tmp_path / "b.gif", frames, seconds_per_frame=0.07)
    assert durations_of(tmp_path / "b.gif") == [70] * 7


def test_gif_in_color(tmp_path):
    frames = [np.full((20, 30, 3), color, "uint8") for color in ((255, 0, 0), (0, 255, 0), (0, 0, 255))]
    gan.images.save_animation(tmp_path / "a.gif", frames, seconds_per_frame=0.1)
    np.testing.assert_array_equal(imageio.imread(tmp_path / "a.gif", index=None, mode="RGB"), frames)
    noise = RNG.integers(0, 256, (64, 64, 3), "uint8")
    gan.images.save_animation(tmp_path / "noise.gif", [noise], seconds_per_frame=0.1)
    assert np.abs(imageio.imread(tmp_path / "noise.gif", index=0, mode="RGB").astype(int) - noise).mean() < 25


def test_gif_of_300_frames_of_noise_stays_below_5_megabytes(tmp_path):
    frames = [RNG.integers(0, 256, (256, 256, 1), "uint8") for _ in range(300)]
    gan.images.save_animation(tmp_path / "noise.gif", frames, seconds_per_frame=0.05, last_seconds=1.5)
    assert (tmp_path / "noise.gif").stat().st_size <= 5_000_000
    durations = durations_of(tmp_path / "noise.gif")
    # Fewer frames are shown for the same time, and the last one is kept.
    assert sum(durations[:-1]) == pytest.approx(299 * 50, rel=0.1) and durations[-1] == 1500
    last = imageio.imread(tmp_path / "noise.gif", index=len(durations) - 1, mode="L")
    assert np.abs(last.astype(int) - frames[-1][..., 0]).max() <= 9


@pytest.mark.parametrize("channels", [1, 3])
def test_mp4_holds_the_frames(tmp_path, channels):
    pytest.importorskip("imageio_ffmpeg")
    frames = [gan.images.enlarge(RNG.integers(0, 256, (5, 7, channels), "uint8"), pixels=60) for _ in range(6)]
    frames = [frame[:-1, :-1] for frame in frames]  # an odd height and width
    gan.images.save_animation(tmp_path / "a.mp4", frames, seconds_per_frame=0.1, last_seconds=0.5)
    read = imageio.imread(tmp_path / "a.mp4", plugin="FFMPEG")
    height, width, _ = frames[0].shape
    assert height % 2 and width % 2 and read.shape == (10, height + 1, width + 1, 3)
    gray = [np.asarray(frame).mean(-1) for frame in [*frames, *[frames[-1]] * 4]]
    assert np.abs(read[:, :-1, :-1].mean(-1) - gray).mean() < 12
    assert imageio.immeta(tmp_path / "a.mp4", plugin="FFMPEG")["fps"] == pytest.approx(10)
    assert os.listdir(tmp_path) == ["a.mp4"]


def test_mp4_without_an_encoder_names_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(ImportError, match=r"a.mp4 needs a video encoder. Run pip install -e '.\[video\]'"):
        gan.images.save_animation(tmp_path / "a.mp4", [np.zeros((4, 4, 1), "uint8")], seconds_per_frame=0.1)
    assert not os.listdir(tmp_path)


def test_animations_of_other_formats_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"named .gif or .mp4, not .*a.avi"):
        gan.images.save_animation(tmp_path / "a.avi", [np.zeros((4, 4, 1), "uint8")], seconds_per_frame=0.1)
