"""Each device computes its share of the work, and no more."""

import json

import pytest
from conftest import BACKEND
from programs import run


@pytest.fixture(scope="module")
def operations():
    return json.loads(run("divide.py").splitlines()[-1])


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX compiles one program for all devices")
@pytest.mark.parametrize("network", ["mlp", "conv"])
@pytest.mark.parametrize("step", ["training", "evaluation"])
def test_two_devices_halve_the_work(operations, step, network):
    assert operations[f"{step} of {network}, 2"] < 1.1 * operations[f"{step} of {network}, 1"] / 2
