import numpy as np
import pytest
import scipy.linalg
from conftest import measure

from gan.metrics import FrechetDistance
from gan.metrics.base import PRECISE
from gan.metrics.frechet import Moments

RNG = np.random.default_rng(0)
RTOL = 1e-9 if PRECISE == "float64" else 2e-5


def normal_with(mean, standard_deviations, count=500):
    """Returns vectors with exactly this sample mean and diagonal covariance."""
    vectors = RNG.normal(size=(count, len(mean)))
    vectors -= vectors.mean(0)
    whiten = np.linalg.inv(np.linalg.cholesky(np.cov(vectors.T))).T
    return vectors @ whiten * standard_deviations + mean


def correlated(count, size):
    return RNG.normal(size=(count, size)) @ RNG.normal(size=(size, size)) + RNG.normal(size=size)


def test_equals_the_closed_form_for_gaussians(build_metric):
    real = normal_with(mean=[1.0, 2.0, 3.0], standard_deviations=[1.0, 2.0, 3.0])
    fake = normal_with(mean=[0.0, 2.0, 5.0], standard_deviations=[2.0, 2.0, 0.5])
    # If the covariances commute: the squared differences of the means and of the standard deviations.
    expected = (1 + 0 + 4) + (1 + 0 + 2.5**2)
    assert measure(build_metric(FrechetDistance, 3), real, fake) == pytest.approx(expected, rel=1e-5)


def test_equals_the_formula_with_scipys_matrix_square_root(build_metric):
    real, fake = correlated(300, 12), correlated(200, 12)
    covariances = [np.cov(vectors.astype("float32").astype(float).T) for vectors in (real, fake)]
    means = [vectors.astype("float32").astype(float).mean(0) for vectors in (real, fake)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    expected = ((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert measure(build_metric(FrechetDistance, 12), real, fake) == pytest.approx(expected, rel=RTOL)


def test_moments_equal_numpy(build_metric):
    vectors = correlated(300, 4).astype("float32")
    moments = Moments(4)
    for start in range(0, 300, 77):
        moments.update_state(vectors[start : start + 77])
    mean, covariance = moments.result()
    np.testing.assert_allclose(mean, vectors.astype(float).mean(0), rtol=RTOL)
    np.testing.assert_allclose(covariance, np.cov(vectors.astype(float).T), rtol=RTOL)


def test_the_result_does_not_depend_on_batches_and_order(build_metric):
    real, fake = correlated(300, 6), correlated(200, 6)
    first = measure(build_metric(FrechetDistance, 6), real, fake, batch_size=64)
    for batch_size in (1, 7, 1000):
        shuffled = measure(build_metric(FrechetDistance, 6), RNG.permutation(real), RNG.permutation(fake), batch_size)
        assert shuffled == pytest.approx(first, rel=RTOL)


def test_identical_sets_have_distance_0(build_metric):
    for count in (300, 5):  # more and fewer than features
        real = correlated(count, 8)
        result = measure(build_metric(FrechetDistance, 8), real, real[::-1])
        assert 0 <= result < 1e-6 * np.trace(np.cov(real.T))


def test_fewer_samples_than_features(build_metric):
    """Each set lies on a line, so the closed form for a plane holds in any number of dimensions."""
    line = np.array([-1.0, 0.0, 1.0])[:, None]
    real, fake = line * np.eye(16)[0], 3 * line * np.eye(16)[0] + 2 * np.eye(16)[1]
    assert measure(build_metric(FrechetDistance, 16), real, fake) == pytest.approx(4 + (3 - 1) ** 2, rel=1e-6)


def test_constant_and_single_images(build_metric):
    for count in (1, 10):
        real, fake = np.full((count, 4), 3.0), np.full((count, 4), 5.0)
        assert measure(build_metric(FrechetDistance, 4), real, fake) == pytest.approx(16, rel=1e-6)
