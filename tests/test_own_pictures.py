"""A folder of somebody's own pictures, with every command."""

import hashlib
import json

import numpy as np
import pytest
from commands import run_well
from PIL import Image

import gan

# Training an extractor takes minutes. This one averages the quarters of an image.
QUICK = """
    import keras
    from gan import extraction

    def train(images, name, *_):
        inputs = keras.Input(images.image_shape)
        return keras.Model(inputs, keras.layers.Flatten()(keras.layers.AveragePooling2D(8)(inputs)), name=name)

    extraction.train = train
"""
SMALL = "--generator-width 2 --discriminator-width 2 --latent-dim 4 --batch-size 8 --validate-every 1".split()


def draw(folder):
    """Draws transparent red and blue pictures in subfolders, beside files that are no pictures."""
    rng = np.random.default_rng(0)
    for name, channel in (("cat", 0), ("dog", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(12):
            pixels = np.zeros((16, 20, 4), "uint8")
            pixels[4:12, 4:16, 3], pixels[..., channel] = 255, rng.integers(100, 256)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    (folder / "notes.txt").write_text("text")
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run on a folder, as its output and its printed lines."""
    path = tmp_path_factory.mktemp("own")
    command = ("train.py", "--preset", "fast-conditional", "--data", "animals", "--output", "run", "--epochs", 2)
    draw(path / "animals")
    return path, run_well(*command, *SMALL, "--flip", prelude=QUICK, cwd=path).stdout


def test_a_run_says_what_it_found_and_trains_an_extractor(run):
    path, printed = run
    lines = printed.splitlines()
    file = path / "run/extractor.keras"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in printed
    assert lines[0] == "recommended for these pictures: --epochs 1667, about 5,000 steps"
    assert lines[1] == f"{path}/animals: 24 images of 16x16x3, 21 to train on and 3 held out for validation"
    assert "  2 classes, from the subfolders, of 12 to 12 pictures each: cat, dog" in lines
    assert "  24 transparent pictures put on white; --background sets another color" in lines
    assert "  skipped 1 file that is no picture (.txt)" in lines
    assert "(extractor animals)" in printed
    config = json.loads((path / "run/config.json").read_text())
    assert config["data"]["class_names"] == ["cat", "dog"]
    settings = config["arguments"]
    assert (settings["image_shape"], settings["extractor"], settings["flip"]) == ([16, 16, 3], "extractor.keras", True)


def test_a_warning_of_the_library_is_one_line(tmp_path):
    draw(tmp_path / "animals")
    command = ("train.py", "--preset", "fast", "--data", "animals", "--validate-every", 0, "--epochs", 1, *SMALL)
    printed = run_well(*command, "--output", "run", prelude=QUICK, cwd=tmp_path).stderr
    warnings = [line for line in printed.splitlines() if "clusters" in line]
    assert warnings == ["train.py: warning: 50 clusters need 500 images, 10 for each. In 21 images, up to 2 are found."]


def test_a_grid_has_the_names_of_the_classes_above_its_columns(run):
    path, _ = run
    grid = np.asarray(Image.open(path / "run/images/image_at_epoch_0002.png"))
    images = 4 * 16 + 3 * 2
    assert grid.shape[0] / grid.shape[1] > images / (2 * 16 + 2)
    assert len(np.unique(grid[: grid.shape[1] // 20])) > 1


def test_classes_are_generated_by_name(run, run_here):
    path, _ = run
    run_here("generate.py", path / "run", "--labels", "dog", "cat", "--output", path / "x.npy")
    expected = gan.load_model(path / "run/best.keras").generate(labels=[1, 0], seed=0)
    np.testing.assert_allclose(gan.images.to_float(np.load(path / "x.npy")), expected, atol=0.01)


def test_a_run_that_has_moved_is_evaluated_and_resumed_on_pictures_that_have_moved(run, run_here, refuse):
    path, _ = run
    moved, pets = (path / "run").rename(path / "moved"), (path / "animals").rename(path / "pets")
    out, err = run_here("evaluate.py", moved, "--data", pets)
    assert "extractor: animals (SHA-256" in out and "has changed" not in err
    resume = ("train.py", "--resume", "--output", moved, "--data", pets)
    assert "continuing after epoch 2" in run_well(*resume, "--epochs", 3).stdout
    (pets / "cat/0.png").unlink()
    _, err = run_here("evaluate.py", moved, "--data", pets, "--overwrite")
    assert "pets does not hold the images of this run. The run may have been trained on some" in err
    assert "pets does not hold the images that" in refuse(*resume, "--epochs", 4)
