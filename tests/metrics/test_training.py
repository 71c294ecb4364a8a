import keras
import numpy as np
import pytest
from conftest import BACKEND, only_on_tensorflow

import gan
from gan.metrics import training
from gan.metrics.extractors import extract

RNG = np.random.default_rng(0)


def arrows(count, shape=(16, 16, 3)):
    """Images of triangles that point up, with random colors, sizes and places."""
    rng = np.random.default_rng(1)
    images = np.full((count, *shape), 255, "uint8")
    for image in images:
        size = rng.integers(5, 8)
        top, left = rng.integers(0, shape[0] - size), rng.integers(0, shape[1] - 2 * size + 1)
        color = rng.integers(0, 200, shape[2])
        for row in range(size):
            image[top + row, left + size - row - 1 : left + size + row] = color
    return images


@pytest.fixture(scope="module")
def rotations():
    """An extractor trained without labels."""
    epochs = 25 if BACKEND == "tensorflow" else 1  # what it has learned is tested there only
    return gan.metrics.train_extractor(arrows(200), epochs=epochs, name="arrows", verbose=0)


def test_train_extractor_learns_classes_reproducibly_and_can_be_saved(tmp_path):
    labels = RNG.integers(0, 3, 300)
    images = RNG.uniform(-1, -0.6, (300, 12, 10, 3)).astype("float32")
    for label in range(3):
        images[labels == label, :, :, label] += 1
    networks = [gan.metrics.train_extractor(images, labels, epochs=4, name="colors", verbose=0) for _ in range(2)]
    for one, other in zip(networks[0].get_weights(), networks[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    networks[0].save(tmp_path / "colors.keras")
    loaded = gan.metrics.load_extractor(tmp_path / "colors.keras")
    outputs = extract(gan.metrics.get_extractor(loaded, (12, 10, 3)), images)
    assert loaded.name == "colors"
    assert outputs["features"].shape == (300, 128) and outputs["logits"].shape == (300, 3)
    assert (keras.ops.convert_to_numpy(outputs["logits"]).argmax(1) == labels).mean() > 0.95
    assert gan.metrics.load_extractor("digits") == "digits"


@pytest.mark.parametrize("labels", [np.arange(5), np.ones(6), np.array([0, 1, 2, 3, 4, -1]), np.ones((6, 1), int)])
def test_train_extractor_refuses_invalid_labels(labels):
    with pytest.raises(ValueError, match="labels must be integers of at least 0, one for each of the 6 images"):
        gan.metrics.train_extractor(np.zeros((6, 8, 8, 1), "float32"), labels)


@only_on_tensorflow("the network is the same on all backends")
def test_bytes_and_floats_train_the_same_classifier():
    images, labels = arrows(60), RNG.integers(0, 2, 60)
    networks = [gan.metrics.train_extractor(x, labels, 1, verbose=0) for x in (images, gan.images.to_float(images))]
    for one, other in zip(networks[0].get_weights(), networks[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def error_of_a_linear_classifier(features, turns):
    """Error of least squares, fitted on one half of the features and measured on the other."""
    features = np.c_[(features - features.mean(0)) / (features.std(0) + 1e-6), np.ones(len(features))]
    half = len(features) // 2
    penalty = np.eye(features.shape[1])
    targets = np.eye(4)[turns]
    weights = np.linalg.solve(features[:half].T @ features[:half] + penalty, features[:half].T @ targets[:half])
    return np.mean((features[half:] @ weights).argmax(1) != turns[half:])


@only_on_tensorflow("the network is the same on all backends")
def test_without_labels_the_features_tell_rotations_better_than_untrained_ones(rotations):
    images = arrows(500)[200:]
    turns = RNG.integers(0, 4, len(images))
    rotated = np.stack([np.rot90(image, turn) for image, turn in zip(images, turns, strict=True)])
    untrained = training.build_extractor((16, 16, 3))
    errors = [
        error_of_a_linear_classifier(network.predict(gan.images.to_float(rotated), verbose=0), turns)
        for network in (rotations, untrained)
    ]
    assert errors[0] < 0.05 and errors[0] < 0.5 * errors[1]


def test_an_extractor_without_labels_can_be_saved_and_does_not_depend_on_the_batch_size(rotations, tmp_path):
    rotations.save(tmp_path / "arrows.keras")
    loaded = gan.metrics.get_extractor(gan.metrics.load_extractor(tmp_path / "arrows.keras"), (16, 16, 3))
    images = gan.images.to_float(arrows(40))
    expected = rotations.predict(images, batch_size=40, verbose=0)
    assert loaded.name == "arrows" and expected.shape == (40, 128) and set(extract(loaded, images)) == {"features"}
    for batch_size in (3, 40):
        np.testing.assert_allclose(loaded.predict(images, batch_size=batch_size, verbose=0), expected, atol=1e-4)


def test_each_feature_counts_the_same(rotations):
    features = rotations.predict(gan.images.to_float(arrows(200)), verbose=0)
    varies = features.std(0) > 0.5
    assert varies.sum() > 64 and np.abs(features.mean(0)).max() < 1e-3
    np.testing.assert_allclose(features.std(0)[varies], 1, atol=1e-2)


def shifts(square):
    """All squares that are shifted by at most a pixel, with repeated edges, as bytes."""
    padded = np.pad(square, ((1, 1), (1, 1), (0, 0)), "edge")
    size = len(square)
    return {padded[top : top + size, left : left + size].tobytes() for top in range(3) for left in range(3)}


@only_on_tensorflow("the network is the same on all backends")
def test_the_task_shows_every_square_in_all_rotations():
    images = RNG.integers(0, 256, (6, 12, 20, 1), "uint8")
    data = training._Rotations(images, steps=2, seed=0)
    squares, turns = data[1]
    assert data.image_shape == (12, 12, 1) and squares.shape == (128, 12, 12, 1)
    np.testing.assert_array_equal(turns, np.repeat([0, 1, 2, 3], 32))
    crops = [image[:, left : left + 12] for image in images for left in range(9)]
    rotated = [[shifts(np.rot90(crop, turn)) for turn in range(4)] for crop in crops]
    for position in range(32):
        shown = [square.tobytes() for square in squares[position::32]]
        assert any(all(one in those for one, those in zip(shown, crop, strict=True)) for crop in rotated)
    assert len({tuple(square.tobytes() for square in squares[position::32]) for position in range(32)}) == 32


@only_on_tensorflow("the network is the same on all backends")
@pytest.mark.parametrize("shape", [(16, 16, 1), (28, 28, 1), (64, 64, 3), (96, 160, 3), (256, 256, 3)])
def test_the_last_maps_are_small_for_images_of_any_size(shape):
    network = training.build_extractor(shape)
    assert network.get_layer("features").input.shape[1] <= 5
    assert network.count_params() < 290_000


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((0, 16, 16, 1), "uint8"),
        np.zeros((5, 16, 16, 1), "int64"),
        np.full((5, 16, 16, 1), 2.0),
        np.zeros((5, 16, 16), "uint8"),
        np.zeros((5, 4, 16, 1), "uint8"),
        np.zeros((5, 16, 300, 1), "uint8"),
    ],
)
def test_train_extractor_refuses_invalid_images(images):
    with pytest.raises(ValueError, match="images must be"):
        gan.metrics.train_extractor(images)
