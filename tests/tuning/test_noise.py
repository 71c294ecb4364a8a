import json

import numpy as np
import pytest

import gan
from tuning import noise
from tuning.layout import noise_file
from tuning.prepare import prepare


@pytest.fixture
def settings(small_settings, tmp_path):
    return prepare(small_settings, tmp_path)[0]


def test_a_sweep_without_a_trial_better_than_noise_says_what_to_raise(tmp_path, settings):
    fid = noise.measure(tmp_path, settings)
    assert fid > 1
    warning = noise.warning(tmp_path, settings, 1.01 * fid)
    assert "no trial is better than noise" in warning and "Raise --epochs (now 2)" in warning
    assert noise.warning(tmp_path, settings, 0.99 * fid) is None


def test_noise_is_compared_with_the_validation_images_once_per_sweep(tmp_path, settings, digits_file, monkeypatch):
    fid = noise.measure(tmp_path, settings)
    metric = gan.metrics.FrechetDistance()
    real = gan.images.to_float(np.load(digits_file)["x_test"])
    metric.update_state(real, np.random.default_rng(1).uniform(-1, 1, real.shape).astype("float32"))
    assert fid == pytest.approx(metric.result(), rel=0.1)
    assert json.loads(noise_file(tmp_path).read_text()) == {"fid": fid}
    monkeypatch.setattr(gan.datasets, "load", None)
    assert noise.measure(tmp_path, settings) == fid
