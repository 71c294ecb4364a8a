"""The same games, metrics and files on every engine whose package is installed."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import gan
from gan.backends import OLDEST, find_problem

PLAY = Path(__file__).with_name("play.py")


def play(backend, folder):
    output = folder / f"{backend}.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run([sys.executable, str(PLAY), str(output)], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    with np.load(output) as results:
        return {**results, "file": output.with_suffix(".keras")}


@pytest.fixture(scope="module")
def on_tensorflow(tmp_path_factory):
    return play("tensorflow", tmp_path_factory.mktemp("engines"))


@pytest.fixture(scope="module", params=["jax", "torch"])
def on_both(request, tmp_path_factory):
    """The results on TensorFlow and on another engine."""
    pytest.importorskip(request.param)
    return request.getfixturevalue("on_tensorflow"), play(request.param, tmp_path_factory.mktemp("engines"))


@pytest.mark.parametrize(
    "backend, sentence",
    [("numpy", "KERAS_BACKEND must be one of tensorflow, jax, torch"), ("absent", "absent is not installed.")],
)
def test_a_backend_that_cannot_be_used_is_refused_in_a_sentence(backend, sentence, tmp_path):
    output = tmp_path / "run"
    script = Path(__file__).parents[2] / "scripts/train.py"
    code = (
        "import runpy, gan.backends; gan.backends.OLDEST['absent'] = '1.0'; runpy.run_path({!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", code.format(str(script)), "--data", "mnist5k", "--output", str(output)]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 2
    assert sentence in result.stderr and len(result.stderr.splitlines()) <= 3
    assert not output.exists()


def test_a_backend_that_is_too_old_is_refused_in_a_sentence(monkeypatch):
    assert find_problem("tensorflow") is None
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "2.9.1")
    assert find_problem("tensorflow") == (
        "the Keras backend tensorflow must be version 2.19 or later, and 2.9.1 is installed."
    )


def test_the_oldest_versions_are_those_of_pyproject():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    assert {f"{package}>={version}" for package, version in OLDEST.items()} <= set(sum(lists, []))


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


def test_a_file_of_another_engine_goes_on_here(on_both):
    _, other = on_both
    model = gan.load_model(other["file"])
    generated = model.generate(latents=other["latents of file"])
    np.testing.assert_allclose(generated, other["images of file"], atol=1e-5)
    assert model.get_compile_config()["jit_compile"] == "auto"
    iterations = int(model.generator_optimizer.iterations)
    model.fit(generated, batch_size=len(generated), verbose=0)
    assert int(model.generator_optimizer.iterations) == iterations + 1 == 2
