"""Images from `generate`."""

import numpy as np
import pytest
from conftest import IMAGE_SHAPE, outputs_of


def test_generate(make_model):
    model = make_model()
    images = model.generate(7, seed=0)
    assert images.shape == (7, *IMAGE_SHAPE) and images.dtype == np.float32
    assert np.abs(images).max() <= 1
    np.testing.assert_array_equal(images, model.generate(7, seed=0))
    assert not np.array_equal(images, model.generate(7, seed=1))
    latents = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    np.testing.assert_allclose(
        model.generate(latents=latents), outputs_of(model.generator, latents), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="at least 1, not 0"):
        model.generate(0)
    with pytest.raises(ValueError, match=r"shape \(count, 5\)"):
        model.generate(latents=latents[:, :4])
    np.testing.assert_array_equal(model.generate(latents=latents.tolist()), model.generate(latents=latents))
    with pytest.raises(ValueError, match=r"not \(0, 5\)"):
        model.generate(latents=latents[:0])
    with pytest.raises(ValueError, match="either a count or latents"):
        model.generate()


def test_truncation_shortens_latents(make_model):
    model = make_model()
    latents = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    truncated = model.generate(latents=latents, truncation=0.7)
    np.testing.assert_allclose(truncated, model.generate(latents=0.7 * latents), atol=1e-6)
    drawn = model.generate(3, seed=1, truncation=1e-6)
    np.testing.assert_allclose(drawn, model.generate(latents=np.zeros((3, 5))), atol=1e-4)
    for truncation in (0, -0.5, 1.1, float("nan")):
        with pytest.raises(ValueError, match="truncation must be above 0 and at most 1"):
            model.generate(3, truncation=truncation)
