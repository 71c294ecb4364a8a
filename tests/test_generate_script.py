"""scripts/generate.py as a user runs it."""

import os
import shutil

import imageio.v3 as imageio
import numpy as np
import pytest
from commands import run_well

import gan


def test_generate_as_picture_folder_array_and_walk(finished, tmp_path):
    model = finished[0] / "model.keras"
    result = run_well("generate.py", model, "--count", 6, "--seed", 3, "--output", "a.npy", cwd=tmp_path)
    assert result.stderr == ""
    images = np.load(tmp_path / "a.npy")
    expected = gan.load_model(model).generate(6, seed=3)
    np.testing.assert_array_equal(images, np.rint((expected + 1) * 127.5).astype("uint8"))

    arguments = ("--count", 6, "--seed", 3, "--output", "folder", "--interpolate", "walk.gif")
    run_well("generate.py", model, *arguments, cwd=tmp_path)
    for image, path in zip(images, sorted((tmp_path / "folder").iterdir()), strict=True):
        np.testing.assert_array_equal(imageio.imread(path, mode="L"), image[..., 0])
    frames = imageio.imread(tmp_path / "walk.gif", index=None, mode="L").astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2))
    assert len(frames) > 100
    # A loop: the last frame is as near to the first one as neighbours are to each other.
    assert np.abs(frames[-1] - frames[0]).mean() <= steps.max()
    assert np.abs(frames[0] - frames[len(frames) // 2]).mean() > 2 * steps.mean()

    run_well("generate.py", model, "--count", 6, "--seed", 3, cwd=tmp_path)
    picture = imageio.imread(tmp_path / "samples.png", mode="L")
    scale = picture.shape[1] // (3 * 6 + 2 * 2)  # three columns of 6 pixels with gutters of 2
    np.testing.assert_array_equal(picture[: 6 * scale : scale, : 6 * scale : scale], images[0, ..., 0])


@pytest.mark.parametrize("name", ["samples.jpg", "samples.webp"])
def test_generate_writes_other_formats(finished, name, tmp_path):
    run_well("generate.py", finished[0], "--output", name, cwd=tmp_path)
    assert imageio.imread(tmp_path / name).shape[0] > 100


def test_generate_writes_a_walk_as_mp4(finished, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    run_well("generate.py", finished[0], "--interpolate", "walk.mp4", cwd=tmp_path)
    assert len(imageio.imread(tmp_path / "walk.mp4", plugin="FFMPEG")) > 100


def test_generate_takes_a_folder_and_prefers_its_best_model(finished, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    result = run_well("generate.py", folder, "--output", "best.npy", cwd=tmp_path)
    assert "16 images" in result.stdout and str(folder / "best.keras") in result.stdout
    (folder / "best.keras").unlink()
    result = run_well("generate.py", folder, "--count", 1, "--output", "one.npy", cwd=tmp_path)
    assert "1 image," in result.stdout and str(folder / "model.keras") in result.stdout


def test_generate_refuses_what_is_no_gan(finished, refuse, tmp_path):
    whole = (finished[0] / "model.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refuse("generate.py", "cut.keras")
    assert os.listdir(tmp_path) == ["cut.keras"]
