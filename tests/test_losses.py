import keras
import numpy as np
import pytest
from keras import ops

import gan

REAL, FAKE = np.random.default_rng(0).normal(scale=4, size=(2, 20, 1)).astype("float32")


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_binary_crossentropy_equals_keras(smoothing):
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    loss = gan.losses.BinaryCrossentropy(smoothing)
    ones, zeros = np.ones_like(REAL), np.zeros_like(REAL)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(float(cross_entropy(ones, FAKE)), rel=1e-5)
    expected = cross_entropy(ones - smoothing, REAL) + cross_entropy(zeros, FAKE)
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(float(expected), rel=1e-5)


def test_binary_crossentropy_is_exact_for_large_logits():
    loss = gan.losses.BinaryCrossentropy()
    large = ops.array([[1e4]])
    assert float(loss.generator(large, -large)) == 1e4
    assert float(loss.discriminator(large, -large)) == 0
    assert float(loss.discriminator(-large, large)) == 2e4


def relu(x):
    return np.maximum(x, 0)


def bce(label, logits):
    """Binary cross-entropy from probabilities, in float64."""
    p = 1 / (1 + np.exp(-logits.astype("float64")))
    return np.mean(-label * np.log(p) - (1 - label) * np.log(1 - p))


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [
        ("least_squares", np.mean((FAKE - 1) ** 2) / 2, np.mean((REAL - 1) ** 2) / 2 + np.mean(FAKE**2) / 2),
        ("hinge", -FAKE.mean(), relu(1 - REAL).mean() + relu(1 + FAKE).mean()),
        ("wasserstein", -FAKE.mean(), FAKE.mean() - REAL.mean()),
        ("relativistic", bce(1, FAKE - REAL), bce(1, REAL - FAKE)),
    ],
)
def test_losses_equal_the_formulas_of_the_papers(name, generator, discriminator):
    loss = gan.losses.get(name)
    assert float(loss.generator(REAL, FAKE)) == pytest.approx(float(generator), rel=1e-5)
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(float(discriminator), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        *(gan.losses.get(name) for name in ("hinge", "least_squares", "relativistic", "wasserstein")),
        gan.losses.BinaryCrossentropy(label_smoothing=0.1),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_losses_of_patch_logits_are_means_over_all_logits(loss):
    real, fake = REAL.reshape(5, 2, 2, 1), FAKE.reshape(5, 2, 2, 1)
    for player in (loss.generator, loss.discriminator):
        assert player(real, fake).shape == ()
        assert float(player(real, fake)) == pytest.approx(float(player(REAL, FAKE)), rel=1e-6)


def test_relativistic_pairs_images_and_is_exact_for_large_logits():
    loss = gan.losses.get("relativistic")
    assert float(loss.generator(REAL, FAKE)) != pytest.approx(float(loss.generator(REAL[::-1], FAKE)))
    # A constant added to all logits changes nothing.
    assert float(loss.discriminator(REAL + 5, FAKE + 5)) == pytest.approx(
        float(loss.discriminator(REAL, FAKE)), rel=1e-5
    )
    assert float(loss.generator(np.float32([[1e4]]), np.float32([[-1e4]]))) == 2e4


def test_get_accepts_an_object_a_name_or_a_config():
    loss = gan.losses.BinaryCrossentropy(0.25)
    assert gan.losses.get(loss) is loss
    assert isinstance(gan.losses.get("binary_crossentropy"), gan.losses.BinaryCrossentropy)
    assert gan.losses.get(keras.saving.serialize_keras_object(loss)).label_smoothing == 0.25


@pytest.mark.parametrize("unknown", ["hinge?", None, keras.losses.MeanSquaredError()])
def test_get_refuses_other_objects(unknown):
    with pytest.raises(ValueError, match="loss must be a gan.losses.AdversarialLoss"):
        gan.losses.get(unknown)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0])
def test_label_smoothing_out_of_range_is_refused(smoothing):
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\)"):
        gan.losses.BinaryCrossentropy(smoothing)


def test_a_subclass_without_formulas_is_refused():
    loss = gan.losses.AdversarialLoss()
    with pytest.raises(NotImplementedError, match="AdversarialLoss must implement generator"):
        loss.generator(REAL, FAKE)
    with pytest.raises(NotImplementedError, match="AdversarialLoss must implement discriminator"):
        loss.discriminator(REAL, FAKE)
