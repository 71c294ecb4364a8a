import keras
import numpy as np
import pytest
from conftest import only_on_tensorflow

import gan
from gan.metrics import defects, training
from gan.metrics.sanity import check_extractor, format_check

RNG = np.random.default_rng(0)
pytestmark = only_on_tensorflow("NumPy computes the check")


@pytest.fixture(scope="module")
def digits():
    images, labels = gan.datasets.read("mnist5k")
    return images[::10], labels[::10]


@pytest.fixture(scope="module")
def untrained():
    keras.utils.set_random_seed(0)
    return training.normalize(training.build_extractor((28, 28, 1)), gan.datasets.read("mnist5k")[0])


def test_an_extractor_of_digits_sees_missing_classes_and_an_untrained_one_does_not(digits, untrained):
    network = training.normalize(gan.metrics.get_extractor("digits", (28, 28, 1)), digits[0])
    check = check_extractor(network, [untrained], *digits)
    assert check.gains["missing classes"] > 5 and check.near_zero < 0.1
    # Even an untrained network sees noise on the black background of digits.
    assert all("of noise as an untrained network" in reason for reason in check.reasons)
    assert "missing classes" in format_check(check) and len(format_check(check).splitlines()) == 16
    failed = check_extractor(untrained, [untrained], *digits)
    assert failed.gains == pytest.approx({"noise": 1, "missing classes": 1})
    assert any("of missing classes as an untrained network" in reason for reason in failed.reasons)


def test_an_extractor_that_ignores_its_input_does_not_pass(digits, untrained):
    inputs = keras.Input((28, 28, 1))
    constant = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs) * 0)
    assert check_extractor(constant, [untrained], digits[0][:500]).reasons == [
        "its features are the same for all images"
    ]


def test_a_check_needs_images(digits, untrained):
    check = check_extractor(untrained, [untrained], digits[0][:399])
    assert "399 images are too few" in check.reasons[0] and format_check(check) == check.reasons[0]


def test_defects_keep_what_they_should_keep():
    images = RNG.uniform(-1, 1, (8, 18, 17, 3)).astype("float32")
    for change in (defects.blur, defects.add_noise, defects.shuffle_patches):
        kept = images.copy()
        changed = change(images, 0.25, np.random.default_rng(0))
        np.testing.assert_array_equal(images, kept)
        assert changed.shape == images.shape and changed.dtype == "float32" and abs(changed).max() <= 1
        assert not np.array_equal(changed, images)
    moved = defects.shuffle_patches(images, 0.25, np.random.default_rng(0)) != images
    np.testing.assert_array_equal(moved.any(axis=3).sum(axis=(1, 2)), np.full(8, 4 * 4 * 4))
    np.testing.assert_array_equal(
        np.sort(defects.shuffle_patches(images, 1, RNG), axis=None), np.sort(images, axis=None)
    )
    flat = np.full((2, 9, 9, 1), 0.3, "float32")
    np.testing.assert_allclose(defects.blur(flat, 0.1, RNG), flat, atol=1e-6)


def test_missing_classes_are_whole_classes():
    classes = np.repeat(np.arange(10), 30)
    for _ in range(5):
        left = defects.without_classes(classes, 0.4, RNG)
        assert len(left) == len(set(left)) == 180 and len(set(classes[left])) == 6


def test_kinds_of_images_are_told_by_their_edges():
    images = np.zeros((100, 16, 16, 3), "uint8")
    vertical = RNG.permutation(100) < 50
    for image, is_vertical in zip(images, vertical, strict=True):
        stripes = (np.arange(16) // RNG.integers(2, 4) % 2 * RNG.integers(50, 255)).astype("uint8")
        image[:] = (stripes[None, :] if is_vertical else stripes[:, None])[..., None]
    positions = defects.place_by_edges(images)
    low = vertical[np.argmin(positions)]
    for share in (0.3, 0.7):
        left = defects.without_kinds(positions, share, RNG)
        assert len(left) == len(set(left)) == round(100 * (1 - share))
        assert np.sum(vertical[left] == low) == max(0, 50 - 100 * share)
