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
