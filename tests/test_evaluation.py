import keras
import numpy as np
import pytest
from conftest import IMAGE_SHAPE, small_extractor

import gan
from gan import evaluation


def figures(generated, training, noise):
    return {"generated": {"fid": generated}, "training": {"fid": training}, "noise": {"fid": noise}}


@pytest.mark.parametrize(
    ("fids", "accuracy", "expected"),
    [
        ((9, 1, 80), 0.99, []),
        ((9, 1, 80), None, []),
        ((80, 1, 80), None, ["the generated images have 80"]),
        ((0.25, 0.05, 0.085), None, ["the generated images have 0.25"]),
        ((9, 8, 7), None, ["real training images have 8", "the generated images have 9"]),
        ((9, 1, 80), 0.79, ["x classifies only 79%"]),
        ((9, 1, 80), 0.8, []),
    ],
)
def test_figures_are_doubted_if_noise_is_as_good_or_the_extractor_misclassifies(fids, accuracy, expected):
    doubts = evaluation.find_doubts(figures(*fids), accuracy, "x")
    assert len(doubts) == len(expected)
    assert all(part in doubt for part, doubt in zip(expected, doubts, strict=True))


def test_the_nearest_training_image_of_a_copy_is_its_original(images):
    metric = gan.metrics.FrechetDistance(small_extractor())
    metric.build(IMAGE_SHAPE)
    data = np.rint((images + 1) * 127.5).astype("uint8")
    images = gan.images.to_float(data)
    train = _batches(images)
    nearest = evaluation.find_nearest(metric.extract, images[5:9], train, 5, lambda count: None)
    np.testing.assert_allclose(nearest[:, 0], images[5:9], atol=1e-6)
    features = keras.ops.convert_to_numpy(metric.extract(images)["features"])
    order = np.argsort(((features[5:9, None] - features) ** 2).sum(-1), axis=1)[:, :5]
    np.testing.assert_allclose(nearest, images[order], atol=1e-6)


def test_the_nearest_training_images_by_pixels_are_those_with_the_smallest_differences(images):
    samples = np.concatenate([images[3:4], -images[7:8]])
    nearest = evaluation.find_nearest(evaluation.flatten, samples, _batches(images), 3, lambda count: None)
    np.testing.assert_array_equal(nearest[0, 0], images[3])
    differences = [[float(np.sum((sample - image) ** 2.0)) for image in images] for sample in samples]
    np.testing.assert_array_equal(nearest, images[np.argsort(differences, axis=1)[:, :3]])


def test_every_kind_has_the_images_it_is_named_after_and_accuracy_is_that_of_the_labels(images, make_model):
    model = make_model()
    test, train = _batches(images[:40], np.arange(40) % 2), _batches(images[40:])
    images_of = evaluation.image_kinds(model, test, train, count=30, seed=1)
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in images_of["test"]()]), images[:30])
    np.testing.assert_array_equal(np.concatenate([batch for batch, _ in images_of["training"]()]), images[40:70])
    generated = np.concatenate([batch for batch, _ in images_of["generated"]()])
    np.testing.assert_allclose(generated, model.generate(30, seed=1), atol=1e-6)

    extractor = small_extractor()
    metric = gan.metrics.FrechetDistance(extractor)
    metric.build(IMAGE_SHAPE)
    measured, accuracy = evaluation.measure([metric], images_of, lambda count: None)
    assert set(measured) == {"generated", "training", "noise"}
    logits = keras.ops.convert_to_numpy(extractor(images[:30])[1])
    assert accuracy == pytest.approx((logits.argmax(axis=1) == np.arange(30) % 2).mean())
    images_of = evaluation.image_kinds(model, _batches(images[:40]), train, count=30, seed=1)
    assert evaluation.measure([metric], images_of, lambda count: None)[1] is None


def _batches(images, labels=None):
    import tensorflow as tf

    arrays = images if labels is None else (images, labels)
    return tf.data.Dataset.from_tensor_slices(arrays).batch(16)
