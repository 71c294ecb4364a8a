import keras
import numpy as np
import pytest
from conftest import identity_extractor, measure

from gan import metrics
from gan.metrics.base import FeatureMetric, FeatureSample

RNG = np.random.default_rng(0)
ALL = [
    metrics.FrechetDistance,
    metrics.KernelDistance,
    metrics.PrecisionRecall,
    metrics.DensityCoverage,
    metrics.ModeCoverage,
]


def classifier(size):
    """An extractor whose features and logits are the pixels of images (1, 1, size)."""
    images = keras.Input((1, 1, size))
    vectors = keras.layers.Flatten()(images)
    return keras.Model(images, [vectors, vectors], name="classifier")


def sample_of(indices, limit, batch_size):
    sample = FeatureSample(limit, 1)
    for start in range(0, len(indices), batch_size):
        sample.update_state(indices[start : start + batch_size, None])
    return np.sort(sample.result()[0][:, 0])


def test_a_sample_of_few_vectors_contains_all():
    indices = np.arange(50.0)
    for limit in (50, 60):
        np.testing.assert_array_equal(sample_of(indices, limit, 7), indices)


def test_a_sample_of_many_vectors_is_uniform_and_reproducible():
    indices = np.arange(20_000.0)
    sample = sample_of(indices, 2000, 512)
    assert len(sample) == len(set(sample)) == 2000
    # 200 vectors are expected from each tenth; the tolerance is six standard deviations.
    tenths = np.histogram(sample, bins=10, range=(0, 20_000))[0]
    assert np.abs(tenths - 200).max() < 6 * np.sqrt(180)
    assert np.abs(np.bincount(sample.astype(int) % 7) - 2000 / 7).max() < 6 * np.sqrt(2000 / 7)
    np.testing.assert_array_equal(sample, sample_of(indices, 2000, 19))


@pytest.mark.parametrize("make", ALL)
def test_update_with_images_equals_update_with_their_features(make):
    real, fake = RNG.normal(size=(40, 1, 1, 3)).astype("float32"), RNG.normal(1, 1, (40, 1, 1, 3)).astype("float32")
    metric, other = make(extractor=classifier(3)), make(extractor=classifier(3))
    metric.update_state(real, fake)
    other.build((1, 1, 3))
    assert metric.result() == measure(other, real.reshape(-1, 3), fake.reshape(-1, 3), 40)


@pytest.mark.parametrize("make", ALL)
def test_reset_state_forgets_all_and_reset_fake_only_generated_images(make):
    sets = RNG.normal(size=(4, 40, 3)) + np.arange(4)[:, None, None]

    def fresh(real, fake):
        metric = make(extractor=classifier(3))
        metric.build((1, 1, 3))
        return measure(metric, real, fake)

    metric = make(extractor=classifier(3))
    metric.reset_state()
    metric.build((1, 1, 3))
    measure(metric, sets[0], sets[1])
    metric.reset_fake()
    assert measure(metric, sets[0][:0], sets[2]) == fresh(sets[0], sets[2])
    metric.reset_state()
    assert measure(metric, sets[3], sets[1]) == fresh(sets[3], sets[1])


@pytest.mark.parametrize("make", ALL)
def test_missing_or_infinite_features_are_refused(make):
    metric = make(extractor=classifier(3))
    with pytest.raises(ValueError, match=f"{metric.name} has no result: it has received no images"):
        metric.result()
    metric.build((1, 1, 3))
    some, none = np.ones((4, 3)), np.ones((0, 3))
    with pytest.raises(ValueError, match="it has received no real images"):
        measure(metric, none, some)
    metric.reset_state()
    with pytest.raises(ValueError, match="it has received no generated images"):
        measure(metric, some, none)
    metric.reset_state()
    for value in (np.nan, np.inf):
        metric.reset_fake()
        spoilt = np.ones((4, 3))
        spoilt[2, 1] = value
        with pytest.raises(FloatingPointError, match="generated images contain NaN or infinity"):
            measure(metric, some, spoilt)


def test_a_custom_metric_needs_two_methods(build_metric):
    class MeanDifference(FeatureMetric):
        def make_statistic(self, size, name):
            return metrics.frechet.Moments(size, name)

        def compare(self, real, fake):
            return float(np.abs(real[0] - fake[0]).sum())

    metric = build_metric(MeanDifference, 2, name="difference")
    assert measure(metric, np.zeros((3, 2)), np.ones((5, 2))) == 2


@pytest.mark.parametrize("make", ALL)
def test_config_gives_an_equal_metric(make):
    metric = make(extractor=classifier(3))
    config = keras.saving.serialize_keras_object(metric)
    copy = keras.saving.deserialize_keras_object(config)
    assert type(copy) is make and copy.get_config() == metric.get_config()
    assert isinstance(copy.extractor, keras.Model) and copy.extractor.name == "classifier"
    by_name = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(make()))
    assert by_name.extractor == "digits"


def test_identity_extractor_has_no_logits():
    assert len(metrics.all_metrics(identity_extractor(3), (1, 1, 3))) == 4
    assert len(metrics.all_metrics("digits", (28, 28, 1))) == 5
