import numpy as np
import prdc
import pytest
from conftest import measure

from gan.metrics import DensityCoverage, PrecisionRecall

RNG = np.random.default_rng(0)


def all_four(build_metric, size, real, fake, k, batch_size=64):
    return {
        **measure(build_metric(PrecisionRecall, size, k=k), real, fake, batch_size),
        **measure(build_metric(DensityCoverage, size, k=k), real, fake, batch_size),
    }


@pytest.mark.parametrize("block_rows", [1000, 37])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_equals_the_prdc_package(build_metric, monkeypatch, k, block_rows):
    monkeypatch.setattr("gan.metrics.neighbours.BLOCK_ROWS", block_rows)
    real = RNG.normal(5, 1, (200, 6)).astype("float32")
    fake = (RNG.normal(5.3, 0.8, (150, 6)) * [1, 1, 1, 1, 1, 1.5]).astype("float32")
    expected = prdc.compute_prdc(real, fake, nearest_k=k)
    result = all_four(build_metric, 6, real, fake, k)
    assert set(result) == {"precision", "recall", "density", "coverage"}
    for name, value in result.items():
        assert value > 0 and value == pytest.approx(expected[name], abs=1e-9), name


def test_points_on_a_line_by_hand(build_metric):
    real = np.array([[0.0], [1.0], [3.0], [7.0]])  # distances to the nearest neighbour: 1, 1, 2 and 4
    fake = np.array([[1.5], [100.0]])  # distance to the nearest neighbour: 98.5 for both
    assert all_four(build_metric, 1, real, fake, k=1) == {
        "precision": 0.5,  # 1.5 lies in the balls around 1 and 3; 100 lies in none
        "recall": 1.0,  # the ball around 1.5 contains all real points
        "density": 1.0,  # two balls, divided by k = 1 and by two generated points
        "coverage": 0.5,  # the balls around 1 and 3
    }


def test_defaults_are_those_of_the_papers():
    assert PrecisionRecall().k == 3 and DensityCoverage().k == 5


def test_the_result_does_not_depend_on_batches_and_order(build_metric):
    real, fake = RNG.normal(size=(90, 4)), RNG.normal(0.5, 1, (80, 4))
    first = all_four(build_metric, 4, real, fake, 3)
    for batch_size in (1, 7, 1000):
        assert all_four(build_metric, 4, RNG.permutation(real), RNG.permutation(fake), 3, batch_size) == first


def test_identical_sets_agree_completely(build_metric):
    rows = RNG.normal(100, 1, (90, 4))  # far from the origin, where rounding errors are large
    result = all_four(build_metric, 4, rows, rows, 3)
    assert result["precision"] == result["recall"] == result["coverage"] == 1
    # A ball contains its three neighbours and its own centre.
    assert result["density"] == pytest.approx(4 / 3)


def test_a_collapsed_generator_has_high_precision_and_no_recall(build_metric):
    real = RNG.normal(size=(100, 4))
    fake = np.repeat(real[:1], 50, axis=0)
    result = all_four(build_metric, 4, real, fake, 3)
    assert result["precision"] == 1 and result["recall"] <= 0.01 and result["coverage"] < 0.2


def test_constant_and_single_images_have_finite_results(build_metric):
    for count in (1, 2, 10):
        same = np.full((count, 4), 3.0)
        equal, apart = (all_four(build_metric, 4, same, other, 3) for other in (same, same + 1))
        assert equal["precision"] == equal["recall"] == equal["coverage"] == 1
        assert set(apart.values()) == {0.0}


def test_at_most_max_samples_are_kept(build_metric):
    real, fake = RNG.normal(size=(300, 2)), RNG.normal(size=(300, 2))
    for metric in (PrecisionRecall, DensityCoverage):
        metric = build_metric(metric, 2, max_samples=100)
        measure(metric, real, fake)
        assert len(metric.real.result()[0]) == len(metric.fake.result()[0]) == 100
        assert metric.get_config()["max_samples"] == 100


def test_features_with_overflowing_distances_are_an_error(build_metric):
    huge = (1e25 * RNG.normal(size=(20, 4))).astype("float32")
    for metric in (PrecisionRecall, DensityCoverage):
        with pytest.raises(FloatingPointError, match="overflow float32"):
            measure(build_metric(metric, 4), huge, huge)


@pytest.mark.parametrize("arguments", [{"k": 0}, {"k": 2.5}, {"k": "digits"}, {"max_samples": 0}])
@pytest.mark.parametrize("metric", [PrecisionRecall, DensityCoverage])
def test_invalid_counts_are_refused(metric, arguments):
    with pytest.raises(ValueError, match=f"{next(iter(arguments))} must be a positive integer"):
        metric(**arguments)
