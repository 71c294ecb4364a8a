"""The same games, metrics and files on every engine whose package is installed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

PLAY = Path(__file__).with_name("play.py")


def play(backend, folder):
    output = folder / f"{backend}.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, str(PLAY), str(output)], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    with np.load(output) as results:
        return dict(results)


@pytest.fixture(scope="module")
def on_tensorflow(tmp_path_factory):
    return play("tensorflow", tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module", params=["jax", "torch"])
def on_both(request, tmp_path_factory):
    """The results on TensorFlow and on another engine."""
    pytest.importorskip(request.param)
    return request.getfixturevalue("on_tensorflow"), play(request.param, tmp_path_factory.mktemp("engines"))


@pytest.mark.parametrize("backend", ["none_such", "openvino"])
def test_a_backend_that_cannot_be_used_is_refused_in_a_sentence(backend, tmp_path):
    script = Path(__file__).parents[2] / "scripts/train.py"
    command = [sys.executable, str(script), "--data", "mnist5k", "--output", str(tmp_path / "run")]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 2
    assert f"the Keras backend {backend} cannot be used" in result.stderr
    assert len(result.stderr.splitlines()) <= 3 and not (tmp_path / "run").exists()


def select(results, *kinds):
    one, other = results
    assert one.keys() == other.keys()
    return [(name, one[name], other[name]) for name in one if name.startswith(kinds)]


def test_updates_are_equal(on_both):
    """Ten updates of each loss, regularizer and schedule, with the same draws."""
    pairs = select(on_both, "losses", "weights")
    assert len(pairs) > 30
    for name, one, other in pairs:
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=2e-5, err_msg=name)


def test_metrics_agree(on_both):
    for name, one, other in select(on_both, "metric", "sample"):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6, err_msg=name)


def test_a_file_crosses_engines(on_both):
    """A model saved on TensorFlow generates the same images and trains on."""
    results = {name: (one, other) for name, one, other in select(on_both, "loaded")}
    np.testing.assert_allclose(*results["loaded generated"], atol=1e-5)
    assert results["loaded iterations"][0] == results["loaded iterations"][1] == 14
    assert results["loaded steps"] == (1, 1)
