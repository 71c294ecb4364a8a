"""One device and many train, measure and generate the same."""

import numpy as np
import pytest
from conftest import BACKEND
from programs import run

pytestmark = pytest.mark.skipif(BACKEND == "torch", reason="PyTorch trains on one device")
MANY = {"jax": 4, "tensorflow": 2}.get(BACKEND)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    run("play.py", folder)
    with np.load(folder / "results.npz") as file:
        return dict(file)


@pytest.mark.parametrize("case", ["reference", "fast", "conditional", "alternating", "clustered"])
@pytest.mark.parametrize("kind", ["weights", "logs", "evaluation", "images"])
def test_many_devices_equal_one(results, case, kind):
    one, many = results[f"{case}, 1: {kind}"], results[f"{case}, {MANY}: {kind}"]
    assert np.isfinite(one).all()
    np.testing.assert_allclose(many, one, rtol=1e-4 if kind in ("logs", "evaluation") else 0, atol=5e-6)


def test_a_run_goes_on_on_another_number_of_devices(results):
    whole = results["whole run on 1"]
    assert np.abs(whole - results["saved on 2"]).max() > 1e-3
    np.testing.assert_allclose(results["continued on 1"], whole, rtol=0, atol=5e-6)
    np.testing.assert_allclose(results[f"continued on {MANY}"], whole, rtol=0, atol=5e-6)


def test_a_run_goes_on_bit_for_bit_on_the_same_number_of_devices(results):
    np.testing.assert_array_equal(results["continued on 2"], results["whole run on 2"])
