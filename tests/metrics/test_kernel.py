import itertools

import numpy as np
import pytest
from conftest import measure

from gan.metrics import KernelDistance

RNG = np.random.default_rng(0)


def direct_double_sum(real, fake):
    def kernel(x, y):
        return (float(np.dot(x, y)) / len(x) + 1) ** 3

    def within(rows):
        pairs = [kernel(x, y) for (i, x), (j, y) in itertools.product(enumerate(rows), repeat=2) if i != j]
        return np.mean(pairs)

    across = np.mean([kernel(x, y) for x, y in itertools.product(real, fake)])
    return within(real) + within(fake) - 2 * across


def float32(rows):
    return rows.astype("float32").astype(float)


@pytest.mark.parametrize("block_rows", [1000, 13])
def test_equals_a_direct_double_sum(build_metric, monkeypatch, block_rows):
    monkeypatch.setattr("gan.metrics.kernel.BLOCK_ROWS", block_rows)
    real, fake = float32(RNG.normal(size=(40, 5))), float32(RNG.normal(1, 2, (30, 5)))
    result = measure(build_metric(KernelDistance, 5), real, fake)
    assert result == pytest.approx(direct_double_sum(real, fake), rel=1e-10)


def test_is_unbiased(build_metric):
    """For two sets from one distribution, the mean is 0 and about half of the values are negative."""
    results = []
    for _ in range(60):
        real, fake = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 3))
        results.append(measure(build_metric(KernelDistance, 3), real, fake))
    assert abs(np.mean(results)) < 4 * np.std(results) / np.sqrt(len(results))
    assert 10 < np.sum(np.array(results) < 0) < 50


def test_identical_sets_have_distance_of_about_0(build_metric):
    rows = float32(RNG.normal(size=(200, 4)))
    far = measure(build_metric(KernelDistance, 4), rows, rows + 1)
    assert abs(measure(build_metric(KernelDistance, 4), rows, rows)) < 0.02 * far


def test_the_result_does_not_depend_on_batches_and_order(build_metric):
    real, fake = RNG.normal(size=(90, 4)), RNG.normal(1, 1, (80, 4))
    first = measure(build_metric(KernelDistance, 4), real, fake)
    for batch_size in (1, 7, 1000):
        shuffled = measure(build_metric(KernelDistance, 4), RNG.permutation(real), RNG.permutation(fake), batch_size)
        assert shuffled == pytest.approx(first, rel=1e-9)


def test_constant_and_single_images_have_a_finite_distance(build_metric):
    for count in (1, 10):
        real, fake = np.full((count, 4), 1.0), np.full((count, 4), 2.0)
        assert np.isfinite(measure(build_metric(KernelDistance, 4), real, fake))
    # (1 + 1)^3 within, (4 + 1)^3 within, (2 + 1)^3 across.
    assert measure(build_metric(KernelDistance, 4), real, fake) == pytest.approx(8 + 125 - 2 * 27)


def test_at_most_max_samples_are_kept(build_metric):
    real, fake = RNG.normal(size=(300, 4)), RNG.normal(1, 1, (300, 4))
    metric = build_metric(KernelDistance, 4, max_samples=100)
    capped = measure(metric, real, fake)
    (kept,) = metric.fake.result()
    assert kept.shape == (100, 4)
    assert capped == pytest.approx(measure(build_metric(KernelDistance, 4), real, fake), rel=0.5)
    assert metric.get_config()["max_samples"] == 100
