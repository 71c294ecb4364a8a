"""scripts/generate.py as a user runs it."""

import json
import os
import shlex
import shutil

import imageio.v3 as imageio
import numpy as np
import pytest
from commands import run_well

import gan
from gan import sheets


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


def test_latents_and_truncation_choose_the_images(finished, run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = gan.load_model(finished[0] / "model.keras")
    latents = np.random.default_rng(0).normal(size=(3, model.latent_dim))
    np.save(tmp_path / "z.npy", latents)
    for options, expected in (
        (("--latents", "z.npy"), model.generate(latents=latents)),
        (("--latents", "z.npy", "--truncation", 0.5), model.generate(latents=latents / 2)),
        (("--count", 3, "--seed", 4, "--truncation", 0.7), model.generate(3, seed=4, truncation=0.7)),
    ):
        run_here("generate.py", finished[0] / "model.keras", *options, "--output", "a.npy", "--overwrite")
        np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), gan.images.to_uint8(expected))


def test_directions_are_drawn_at_five_strengths_around_the_image(finished, run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = gan.load_model(finished[0] / "model.keras")
    run_here("generate.py", finished[0] / "model.keras", "--directions", 2, "--seed", 3, "--output", "strip.png")
    latents = np.asarray(model.draw_latents(1, 3))
    images = gan.latents.show_directions(model, 2, latents, [-3, -1.5, 0, 1.5, 3])
    np.testing.assert_allclose(images[[2, 7]], model.generate(latents=latents.repeat(2, axis=0)), atol=1e-5)
    grid = gan.images.enlarge(gan.images.grid(gan.images.to_uint8(images), 5, padding=2))
    expected = gan.images.add_titles(grid, ["-3", "-1.5", "0", "1.5", "3"])
    np.testing.assert_array_equal(gan.images.read_picture(tmp_path / "strip.png"), expected)


def test_a_projected_picture_is_generated_again_from_its_latents(named, run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = gan.load_model(named / "model.keras")
    image = gan.images.to_uint8(model.generate(labels=[3], seed=5))[0]
    gan.images.save_picture(tmp_path / "one.png", image)
    told = run_here("generate.py", named, "--project", "one.png", "one.png", "--output", "pair.png").out.splitlines()
    assert "one.png: root mean square difference 0.0" in told[-4]
    options = shlex.split(told[-2].split("for ")[1])
    assert options[:2] == ["--latents", "pair.npy"] and options[2] == "--labels" and len(options) == 5
    run_here("generate.py", named, *options, "--output", "again.npy")
    for again in np.load(tmp_path / "again.npy"):
        assert np.abs(again.astype(int) - image).max() <= 12
    pair = gan.images.read_picture(tmp_path / "pair.png")
    assert pair.shape[1] % (2 * 6 + 2) == 0  # two columns of 6 pixels with a gutter of 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--truncation", "1.5"), "--truncation must be at most 1, not 1.5"),
        (("--latents", "z.npy", "--count", "2"), "--latents cannot be combined with --count"),
        (("--latents", "none.npy"), "--latents none.npy: there is no such file"),
        (("--project", "none.png"), "--project none.png: there is no such file"),
        (("--project", "z.npy", "--output", "a.npy"), "--project draws a picture: --output must end in .png"),
        (("--project", "z.npy", "--latents", "z.npy"), "--project cannot be combined with --latents"),
        (("--directions", "2", "--interpolate", "w.gif"), "--directions cannot be combined with --interpolate"),
        (("--directions", "2", "--labels", "0", "1"), "--directions shows one image: --labels takes one class"),
        (("--directions", "99"), "--directions 99: there are 5, as many as numbers in a latent"),
        (("--latents", "z.npy"), "z.npy: latents must have the shape (count, "),
        (("--latents", "z.npy", "--output", "z.npy", "--overwrite"), "z.npy is read and cannot be written too"),
        (("--latents", "text.npy"), "text.npy cannot be read as a .npy file"),
        (("--project", "text.npy"), "text.npy cannot be read: not a picture"),
    ],
)
def test_ways_that_lead_nowhere_are_refused(finished, refuse, tmp_path, options, sentence):
    np.save(tmp_path / "z.npy", np.zeros((2, 3)))
    (tmp_path / "text.npy").write_text("PK no numbers")
    assert sentence in refuse("generate.py", finished[0] / "model.keras", *options)
    assert sorted(os.listdir(tmp_path)) == ["text.npy", "z.npy"]


def test_latents_of_a_conditional_model_need_labels(named, refuse, tmp_path):
    np.save(tmp_path / "z.npy", np.zeros((2, 4)))
    np.save(tmp_path / "one.npy", np.zeros((1, 4)))
    assert "--latents needs --labels, the class of each image" in refuse("generate.py", named, "--latents", "z.npy")
    wrong = ("--latents", "z.npy", "--labels", "cat")
    assert "--latents has 2 rows, but --labels 1" in refuse("generate.py", named, *wrong)
    point = ("--latents", "one.npy", "--labels", "cat", "--interpolate", "walk.gif")
    assert "--interpolate needs two rows or more in --latents" in refuse("generate.py", named, *point)


def test_one_image_walks_between_given_latents_and_classes(named, run_here, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    latents = np.random.default_rng(0).normal(size=(2, 4))
    np.save(tmp_path / "z.npy", latents)
    options = ("--latents", "z.npy", "--labels", "cat", "3", "--interpolate", "walk.gif", "--output", "points.png")
    told = run_here("generate.py", named, *options).out
    assert "points.png: 2 images" in told and "walk.gif: a walk of 32 frames" in told
    images = gan.latents.show_walk(gan.load_model(named / "model.keras"), latents, 16, [0, 2])
    frames = [gan.images.to_frame(sheets.draw_grid(image, 1, None)) for image in gan.images.to_uint8(images)[:, None]]
    gan.images.save_animation(tmp_path / "expected.gif", frames, sheets.SECONDS_PER_FRAME)
    assert (tmp_path / "walk.gif").read_bytes() == (tmp_path / "expected.gif").read_bytes()


NAMES = ["cat", "dog", "3", "Ωmega"]


@pytest.fixture
def named(tmp_path):
    """The folder of a run with four classes, which have names."""
    networks = gan.build_generator(4, (8,), (6, 6, 1), 4), gan.build_discriminator((6, 6, 1), (8,), num_classes=4)
    model = gan.GAN(*networks, num_classes=4)
    model.compile("adam", "adam")
    folder = tmp_path / "named"
    folder.mkdir()
    model.save(folder / "model.keras")
    name_classes(folder, NAMES)
    return folder


def name_classes(folder, names):
    (folder / "config.json").write_text(json.dumps({"arguments": {}, "data": {"class_names": names}}))


def test_labels_are_names_or_numbers_and_a_name_wins(named, run_here, tmp_path):
    output = tmp_path / "a.npy"
    run_here("generate.py", named, "--labels", "dog", "0", "3", "Ωmega", "--output", output)
    expected = gan.load_model(named / "model.keras").generate(labels=[1, 0, 2, 3], seed=0)
    np.testing.assert_array_equal(np.load(output), gan.images.to_uint8(expected))


def test_pictures_and_walks_have_the_names_above_columns_of_one_class(named, run_here, tmp_path):
    model = gan.load_model(named / "model.keras")

    def draw(labels, columns):
        images = gan.images.to_uint8(model.generate(labels=labels, seed=0))
        return gan.images.enlarge(gan.images.grid(images, columns, padding=2))

    for arguments, labels, columns, titles in (
        ((), [0, 1, 2, 3] * 4, 4, NAMES),
        (("--count", 3), [0, 1, 2], 3, NAMES[:3]),
        (("--labels", "dog", "cat", "1"), [1, 0, 1], 2, ["dog", "cat"]),
        (("--labels", "dog", "cat", "cat"), [1, 0, 0], 2, None),
    ):
        path = tmp_path / f"{len(labels)}{titles}.png"
        run_here("generate.py", named, *arguments, "--output", path)
        grid = draw(labels, columns)
        expected = gan.images.add_titles(grid, titles) if titles else grid
        np.testing.assert_array_equal(gan.images.read_picture(path), expected)

    run_here("generate.py", named, "--interpolate", tmp_path / "walk.gif")
    frame = imageio.imread(tmp_path / "walk.gif", index=0, mode="L")
    expected = gan.images.to_frame(gan.images.add_titles(draw([0, 1, 2, 3] * 4, 4), NAMES))[..., 0]
    assert frame.shape == expected.shape
    strip = slice(0, frame.shape[0] // 10)
    assert np.abs(frame[strip].astype(int) - expected[strip]).max() <= 9  # 16 levels of gray


def test_a_wrong_label_is_answered_with_the_names(named, refuse):
    assert "--labels bird: there is no such class. The classes are cat, dog, 3, Ωmega." in refuse(
        "generate.py", named, "--labels", "cat", "bird"
    )
    assert "0 to 3" in refuse("generate.py", named, "--labels", "7")
    name_classes(named, [f"class{index}" for index in range(1234)])
    assert "class8, class9 and 1,224 more." in refuse("generate.py", named, "--labels", "bird")
    assert "has 4 classes, but config.json beside it has 1,234 class names" in refuse(
        "generate.py", named, "--labels", "class7"
    )
    (named / "config.json").unlink()
    assert "--labels cat is no number from 0, and" in refuse("generate.py", named, "--labels", "cat")
