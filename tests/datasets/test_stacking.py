import keras
import numpy as np
import pytest
from image_files import encode_png, write_idx, write_npz

import gan

GRAY = np.random.default_rng(0).integers(0, 256, (40, 28, 28), "uint8")
LABELS = np.arange(40) % 10


@pytest.fixture(autouse=True)
def no_local_copies(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))


def check_labels(images, classes, singles, labels):
    """Checks that each channel of some stacked images is a single image, and that the class names the three labels."""
    label_of = {single.tobytes(): label for single, label in zip(singles, labels, strict=True)}
    for image, label in zip(images[::500], classes[::500], strict=True):
        assert label == int("".join(str(label_of[image[..., channel].tobytes()]) for channel in range(3)))


def test_stacked_mnist5k_is_three_digits_and_their_label():
    digits, labels = gan.datasets.read("mnist5k")
    seen = {}
    for split, count in (("train", 60_000), ("test", 26_000)):
        images, classes = gan.datasets.read("stacked_mnist5k", split=split)
        assert images.shape == (count, 28, 28, 3) and images.dtype == np.uint8
        check_labels(images, classes, digits, labels)
        # All 1,000 classes are about equally frequent.
        assert np.bincount(classes, minlength=1000).min() > 0.3 * count / 1000
        seen[split] = {image[..., channel].tobytes() for image in images[:20_000] for channel in range(3)}
    assert len(seen["train"]) == 4500 and len(seen["test"]) == 500 and not seen["train"] & seen["test"]


def test_stacked_mnist_is_the_5000_digits_if_there_is_no_mnist(monkeypatch, capsys):
    digits = np.zeros((9, 28, 28), "uint8"), np.arange(9)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (digits, digits))
    assert gan.datasets.resolve("stacked_mnist") == "stacked_mnist"
    assert gan.datasets.resolve("stacked:auto") == "stacked:mnist" and capsys.readouterr().err == ""
    assert gan.datasets.read("stacked_mnist")[0].shape == (60_000, 28, 28, 3)

    def fail():
        raise OSError("no network")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    assert gan.datasets.resolve("stacked_mnist") == "stacked_mnist5k"
    assert "Using stacked_mnist5k" in capsys.readouterr().err


@pytest.mark.parametrize("has_test_images", [True, False])
def test_any_source_of_gray_labeled_images_is_stacked(tmp_path, has_test_images):
    arrays = {"x_train": GRAY[:30], "y_train": LABELS[:30]}
    if has_test_images:
        arrays |= {"x_test": GRAY[30:], "y_test": LABELS[30:]}
    folder = write_idx(tmp_path / "idx", **arrays)
    for path in (write_npz(tmp_path / "gray.npz", **{**arrays, "x_train": GRAY[:30, ..., None]}), folder):
        train, test = (gan.datasets.read(f"stacked:{path}", split=split) for split in ("train", "test"))
        assert train[0].shape == (60_000, 28, 28, 3) and test[0].shape == (26_000, 28, 28, 3)
        check_labels(*train, GRAY, LABELS)
        check_labels(*test, GRAY, LABELS)
        singles = [{image[..., 0].tobytes() for image in images[:2000]} for images, _ in (train, test)]
        assert not singles[0] & singles[1]
    images = gan.datasets.open_source(f"stacked:{folder}")
    assert (images.num_classes, images.image_count, images.held_out_count) == (1000, 86_000, 26_000)


def test_names_are_stacked_as_well_as_paths():
    for one, other in zip(gan.datasets.read("stacked:mnist5k"), gan.datasets.read("stacked_mnist5k"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_stacked_images_are_compared_by_the_features_of_each_channel():
    for source in ("stacked:fashion_mnist", "stacked_mnist", "stacked_mnist5k"):
        assert gan.metrics.usual_extractor(source, (28, 28, 3)) == "stacked_digits"


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"x_train": GRAY}, "only images with labels are stacked; .*x.npz has no labels"),
        ({"x_train": GRAY[:, :8], "y_train": LABELS}, "only gray images of 28x28 are stacked; .*x.npz holds 8x28"),
        ({"x_train": np.stack(3 * [GRAY], -1), "y_train": LABELS}, "only gray images of 28x28 .* holds 28x28x3"),
        ({"x_train": GRAY, "y_train": LABELS + 5}, "labels from 0 to 9 are stacked; .* has labels from 5 to 14"),
        ({"x_train": GRAY, "y_train": LABELS, "x_test": GRAY}, "only images with labels are stacked"),
    ],
)
def test_what_cannot_be_stacked_is_refused(tmp_path, arrays, sentence):
    with pytest.raises(ValueError, match=sentence):
        gan.datasets.read(f"stacked:{write_npz(tmp_path / 'x.npz', **arrays)}")


def test_a_folder_of_images_is_not_stacked(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(encode_png(GRAY[number]))
    with pytest.raises(ValueError, match="is a folder of pictures. Only an .npz file or IDX files"):
        gan.datasets.read(f"stacked:{tmp_path}")
    with pytest.raises(ValueError, match="there is no file or folder 'nowhere'"):
        gan.datasets.read("stacked:nowhere")
