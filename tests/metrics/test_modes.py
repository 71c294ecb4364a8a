import numpy as np
import pytest
import scipy.stats
from conftest import identity_extractor, measure
from keras import Input, Model, layers

from gan.metrics import ModeCoverage


def coverage_of(real_counts, fake_counts, batch_size=7):
    """Computes the metric for these numbers of images per class."""
    size = len(real_counts)
    images = Input((1, 1, size))
    logits = layers.Flatten()(images)
    metric = ModeCoverage(Model(images, [logits, logits], name="classes"))
    metric.build((1, 1, size))

    def logits_of(counts):
        classes = np.random.default_rng(0).permutation(np.repeat(np.arange(size), counts))
        return 5 * np.eye(size)[classes] - 1

    return measure(metric, logits_of(real_counts), logits_of(fake_counts), batch_size)


@pytest.mark.parametrize("fake", [[10, 20, 30, 40], [97, 1, 1, 1], [5, 0, 45, 0]])
def test_equals_the_entropy_of_scipy(fake):
    real = [25, 35, 10, 30]
    result = coverage_of(real, fake)
    assert result["modes"] == np.count_nonzero(fake)
    assert result["mode_kl"] == pytest.approx(scipy.stats.entropy(fake, real))


def test_equal_histograms_have_divergence_0_and_a_single_class_does_not():
    assert coverage_of([20, 20], [10, 10]) == {"modes": 2, "mode_kl": 0}
    assert coverage_of([20, 20], [0, 10]) == {"modes": 1, "mode_kl": pytest.approx(np.log(2))}
    assert coverage_of([20, 20], [0, 10], batch_size=1) == coverage_of([20, 20], [0, 10], batch_size=100)


def test_a_class_without_real_images_keeps_the_divergence_finite():
    result = coverage_of([30, 0], [15, 15])
    assert result["modes"] == 2 and result["mode_kl"] == pytest.approx(scipy.stats.entropy([0.5, 0.5], [30, 0.5]))


def test_logits_that_are_not_finite_are_an_error():
    metric_input = np.full((4, 3), np.nan)
    images = Input((1, 1, 3))
    logits = layers.Flatten()(images)
    metric = ModeCoverage(Model(images, [logits, logits], name="classes"))
    metric.build((1, 1, 3))
    with pytest.raises(FloatingPointError, match="features of the generated images contain NaN or infinity"):
        measure(metric, np.eye(3), metric_input)


def test_an_extractor_that_does_not_classify_is_refused():
    with pytest.raises(ValueError, match="mode_coverage needs an extractor that returns .features, logits."):
        ModeCoverage(identity_extractor(3)).build((1, 1, 3))
