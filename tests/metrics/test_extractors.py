import hashlib
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import JIT_COMPILE, identity_extractor

import gan
from gan.metrics.extractors import DIGITS_FILE, extract

DOCS = Path(__file__).parents[2] / "docs/metrics.md"
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    images, labels = gan.datasets.read("mnist5k")
    return gan.images.to_float(images), labels


def test_digits_classifies_digits_and_is_the_file_named_in_the_docs(digits):
    images, labels = digits
    _, logits = gan.metrics.get_extractor("digits", (28, 28, 1)).predict(images, verbose=0)
    assert (logits.argmax(1) == labels).mean() > 0.993
    assert DIGITS_FILE.stat().st_size < 1_000_000
    assert hashlib.sha256(DIGITS_FILE.read_bytes()).hexdigest() in DOCS.read_text()


def test_digits_is_loaded_once():
    assert gan.metrics.get_extractor("digits", (28, 28, 1)) is gan.metrics.get_extractor("digits", [28, 28, 1])
    assert not gan.metrics.get_extractor("digits", (28, 28, 1)).trainable_weights


def spoil(name, images):
    """Returns images with a defect that a metric must detect."""
    pixels = tf.constant(images)
    return {
        "blurred": lambda: tf.nn.avg_pool2d(pixels, 5, 1, "SAME").numpy(),
        "noisy": lambda: np.clip(images + RNG.normal(0, 0.6, images.shape), -1, 1).astype("float32"),
        "one image": lambda: np.repeat(images[:1], len(images), axis=0),
    }[name]()


def test_each_defect_changes_the_metrics_meant_to_detect_it(digits):
    images, labels = digits
    order = np.random.default_rng(0).permutation(5000)
    real, fake, fake_labels = images[order[:1500]], images[order[1500:3000]], labels[order[1500:3000]]
    network = gan.metrics.get_extractor("digits", (28, 28, 1))
    metrics = gan.metrics.all_metrics("digits", (28, 28, 1))
    for metric in metrics:
        metric.build((28, 28, 1))
        metric.update_real(extract(network, real))

    def figures_of(images):
        outputs = extract(network, images)
        for metric in metrics:
            metric.reset_fake()
            metric.update_fake(outputs)
        return gan.metrics.figures_of(metrics)

    good = figures_of(fake)
    assert good["modes"] == 10 and good["mode_kl"] < 0.02
    few_classes = figures_of(np.tile(fake[fake_labels < 5], (2, 1, 1, 1)))
    blurred, noisy, one = (figures_of(spoil(name, fake)) for name in ("blurred", "noisy", "one image"))
    for bad in (few_classes, blurred, noisy, one):
        assert bad["fid"] > 5 * good["fid"] and bad["kid"] > good["kid"] + 0.01
    # With half of the classes, generated images look real but do not cover all real images.
    assert few_classes["precision"] > 0.7 and few_classes["recall"] < 0.75 * good["recall"]
    assert few_classes["coverage"] < 0.75 * good["coverage"]
    assert few_classes["modes"] <= 8 and few_classes["mode_kl"] == pytest.approx(np.log(2), abs=0.1)
    for bad in (blurred, noisy):
        assert bad["precision"] < good["precision"] - 0.1 and bad["density"] < good["density"] - 0.1
    assert one["recall"] < 0.01 and one["coverage"] < 0.05 and one["modes"] == 1


def test_stacked_digits_is_digits_channel_by_channel():
    images, classes = gan.datasets.read("stacked_mnist5k", split="test")
    images, classes = images[:200].astype("float32") / 127.5 - 1, classes[:200]
    features, logits = gan.metrics.get_extractor("stacked_digits", (28, 28, 3)).predict(images, verbose=0)
    digits = gan.metrics.get_extractor("digits", (28, 28, 1))
    singles = [digits.predict(images[..., channel : channel + 1], verbose=0) for channel in range(3)]
    expected = np.concatenate([features for features, _ in singles], axis=1)
    np.testing.assert_allclose(features, expected, atol=1e-4)
    hundreds, tens, ones = (np.argmax(logits, axis=1) for _, logits in singles)
    np.testing.assert_array_equal(np.argmax(logits, axis=1), 100 * hundreds + 10 * tens + ones)
    assert np.mean(np.argmax(logits, axis=1) == classes) > 0.95


def test_the_usual_extractor_suits_the_images():
    assert gan.metrics.usual_extractor("mnist", (28, 28, 1)) == "digits"
    assert gan.metrics.usual_extractor("stacked_mnist5k", (28, 28, 3)) == "stacked_digits"
    for source in ("photos", "fashion_mnist", "digits.npz", Path("mnist")):
        assert gan.metrics.usual_extractor(source, (28, 28, 1)) is None


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
@pytest.mark.parametrize("shape", [(20, 30, 1), (400, 310, 3)])
def test_inception_receives_rgb_images_of_299_pixels_resized_with_antialiasing(monkeypatch, shape, jit_compile):
    arguments = {}

    def inception(**kwargs):
        arguments.update(kwargs)
        return keras.Sequential([keras.Input(kwargs["input_shape"]), keras.layers.Flatten()])

    monkeypatch.setattr(keras.applications, "InceptionV3", inception)
    network = gan.metrics.extractors._inception_v3(shape)
    images = RNG.uniform(-1, 1, (2, *shape)).astype("float32")
    expected = tf.image.resize(tf.repeat(images, 3 // shape[2], axis=-1), (299, 299), antialias=True)
    network.compile(jit_compile=jit_compile)
    seen = network.predict(images, verbose=0)
    np.testing.assert_allclose(seen.reshape(expected.shape), expected, atol=1e-4)
    assert arguments == {
        "include_top": False,
        "weights": "imagenet",
        "input_shape": (299, 299, 3),
        "pooling": "avg",
    }
    assert network.name == "inception_v3" and not network.trainable_weights


def test_a_failed_download_of_inception_is_a_clear_error(monkeypatch):
    def inception(**kwargs):
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.applications, "InceptionV3", inception)
    with pytest.raises(ValueError, match="inception_v3 could not be downloaded .URL fetch failure"):
        gan.metrics.get_extractor("inception_v3", (9, 9, 1))


def test_the_preprocessing_of_inception_is_our_range():
    levels = np.array([[[[0.0, 127.5, 255.0]]]])
    np.testing.assert_allclose(keras.applications.inception_v3.preprocess_input(levels.copy()), levels / 127.5 - 1)


def test_a_subclassed_model_can_be_an_extractor():
    class Means(keras.Model):
        def call(self, images):
            return keras.ops.mean(images, axis=(1, 2))

    metric = gan.metrics.FrechetDistance(Means(name="means"))
    metric.update_state(np.zeros((5, 4, 4, 3), "float32"), np.ones((5, 4, 4, 3), "float32"))
    assert metric.result() == pytest.approx(3)


def test_unsuitable_extractors_are_refused():
    for extractor in ("alexnet", 3, None, keras.layers.Flatten()):
        with pytest.raises(ValueError, match="extractor must be a keras.Model or one of the names digits, inception"):
            gan.metrics.get_extractor(extractor, (28, 28, 1))
    with pytest.raises(ValueError, match="digits does not take images of 32x32x3"):
        gan.metrics.FrechetDistance().build((32, 32, 3))
    with pytest.raises(ValueError, match="Kernel shape must have the same length as input"):
        gan.metrics.get_extractor("digits", (28, 28, 1, 1))
    model = gan.GAN(gan.build_generator(image_shape=(8, 8, 1)), gan.build_discriminator((8, 8, 1)))
    with pytest.raises(ValueError, match="does not take images of 8x8x1 and return vectors"):
        gan.metrics.get_extractor(model, (8, 8, 1))
    inputs = keras.Input((2, 2, 1))
    flat = keras.layers.Flatten()(inputs)
    with pytest.raises(ValueError, match="and return vectors"):
        gan.metrics.get_extractor(keras.Model(inputs, [flat, flat, flat]), (2, 2, 1))
    with pytest.raises(ValueError, match="and return vectors"):
        gan.metrics.get_extractor(keras.Model(inputs, {"features": flat}), (2, 2, 1))
    maps = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3)], name="maps")
    with pytest.raises(ValueError, match="maps must return features .batch, size., or .features, logits."):
        gan.metrics.get_extractor(maps, (8, 8, 1))
    with pytest.raises(ValueError, match="there is no model file 'nowhere.keras'"):
        gan.metrics.load_extractor("nowhere.keras")
    assert gan.metrics.get_extractor(identity_extractor(3), (1, 1, 3)).name == "identity"
