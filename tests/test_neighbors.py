import numpy as np
import pytest

import gan


@pytest.fixture
def model():
    model = gan.GAN(
        gan.build_generator(6, (8,), (8, 8, 1), 4), gan.build_discriminator((8, 8, 1), (8,), num_classes=4), clusters=4
    )
    model.clusters.adapt(np.random.default_rng(0).uniform(-1, 1, (100, 8, 8, 1)).astype("float32"))
    return model


def test_neighbors_lie_at_the_angle_and_keep_the_length():
    model = gan.GAN(gan.build_generator(6, (8,), (8, 8, 1)), gan.build_discriminator((8, 8, 1), (8,)))
    latents = np.random.default_rng(1).normal(size=(1, 6))
    found = gan.latents.neighbors(model, latents, 5, 0.4, seed=2)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(latents), rtol=1e-5)
    cosines = (found @ latents[0]) / np.linalg.norm(latents) ** 2
    np.testing.assert_allclose(cosines, np.cos(0.4 * np.pi / 2), rtol=1e-5)
    np.testing.assert_allclose(gan.latents.neighbors(model, latents, 3, 0), np.repeat(latents, 3, 0), rtol=1e-6)
    np.testing.assert_array_equal(found, gan.latents.neighbors(model, latents, 5, 0.4, seed=2))
    assert np.ptp(found, axis=0).min() > 0.01


def test_neighbors_keep_the_cluster(model):
    latents = np.asarray(model.draw_latents(1, 0))
    clusters, _ = model.clusters.split(gan.latents.neighbors(model, latents, 50, 0.9))
    assert set(np.asarray(clusters)) == set(np.asarray(model.clusters.split(latents)[0]))


def test_neighbors_refuse_what_is_no_point_or_no_distance(model):
    with pytest.raises(ValueError, match="distance must be from 0 to 1, not 1.5"):
        gan.latents.neighbors(model, np.ones((1, 6)), 3, 1.5)
    with pytest.raises(ValueError, match="neighbors are those of one latent vector, not of 2"):
        gan.latents.neighbors(model, np.ones((2, 6)), 3, 0.5)
