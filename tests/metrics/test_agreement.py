import numpy as np
import pytest
from conftest import small_extractor
from keras import Input, Model, layers

import gan
from gan.metrics import ClassAgreement


def build_agreement(size):
    """Builds the metric for images (1, 1, size) that are themselves the logits."""
    images = Input((1, 1, size))
    logits = layers.Flatten()(images)
    metric = ClassAgreement(Model(images, [logits, logits], name="classes"))
    metric.build((1, 1, size))
    return metric


def update(metric, found, requested, batch_size=3):
    logits = 5 * np.eye(4, dtype="float32")[found] - 1
    metric.update_real({"logits": logits[:1], "labels": np.array(requested[:1])})
    for start in range(0, len(found), batch_size):
        rows = slice(start, start + batch_size)
        metric.update_fake({"logits": logits[rows], "labels": np.array(requested[rows])})
    return metric.result()


def test_agreement_is_the_fraction_of_images_of_the_requested_class():
    assert update(build_agreement(4), [0, 1, 2, 3, 3, 0, 1, 2], [0, 1, 2, 3, 0, 1, 1, 3]) == 5 / 8
    assert update(build_agreement(4), [0, 1, 2], [0, 1, 2]) == 1
    assert update(build_agreement(4), [0, 1, 2], [1, 2, 0]) == 0


def test_logits_that_are_not_finite_are_an_error():
    metric = build_agreement(4)
    update(metric, [0], [0])
    metric.update_fake({"logits": np.full((1, 4), np.nan, "float32"), "labels": np.array([0])})
    with pytest.raises(FloatingPointError, match="features of the generated images contain NaN or infinity"):
        metric.result()


def test_update_state_takes_images_and_labels():
    metric = build_agreement(2)
    images = np.array([[3, 1], [0, 2], [5, 4]], "float32").reshape(3, 1, 1, 2)
    metric.update_state(images, images[::-1], np.array([0, 1, 1]))
    assert metric.result() == pytest.approx(2 / 3)


def test_a_gan_without_classes_refuses_the_metric(make_model):
    with pytest.raises(ValueError, match="agreement needs a GAN with num_classes"):
        make_model(metrics=[ClassAgreement(small_extractor())])


def test_all_metrics_include_it_if_the_extractor_has_as_many_classes():
    for num_classes, expected in ((10, True), (9, False), (None, False)):
        names = [metric.name for metric in gan.metrics.all_metrics("digits", (28, 28, 1), num_classes)]
        assert ("agreement" in names) == expected


def test_evaluate_compares_with_the_requested_labels():
    """The generator copies one real digit per class, so only the labels can reveal an error."""
    images, labels = gan.datasets.read("mnist5k")
    digits = images[::500].astype("float32") / 127.5 - 1
    np.testing.assert_array_equal(labels[::500], np.arange(10))
    latents, requested = Input((2,)), Input((), dtype="int32")
    table = layers.Embedding(10, 784)
    generator = Model([latents, requested], layers.Reshape((28, 28, 1))(table(requested)))
    discriminator = gan.build_discriminator(widths=(4,), num_classes=10)
    model = gan.GAN(generator, discriminator, num_classes=10)
    model.compile("adam", "adam", metrics=gan.metrics.all_metrics("digits", (28, 28, 1), 10))
    test = gan.datasets.load("mnist5k", split="test", labels=True)
    for shown, expected in ((digits, 1), (np.roll(digits, 1, axis=0), 0)):
        table.set_weights([shown.reshape(10, 784)])
        assert model.evaluate(test, verbose=0, return_dict=True)["agreement"] == pytest.approx(expected, abs=0.101)
