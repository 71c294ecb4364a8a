import numpy as np
import pytest

import gan


def test_walk_keeps_norms_and_turns_evenly_in_a_loop():
    waypoints = np.random.default_rng(0).normal(size=(4, 50))
    waypoints /= np.linalg.norm(waypoints, axis=-1, keepdims=True)
    points = gan.latents.walk(waypoints, steps=10)
    assert points.shape == (40, 50)
    np.testing.assert_allclose(points[::10], waypoints, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1)
    turns = np.arccos((points * np.roll(points, -1, axis=0)).sum(-1)).reshape(4, 10)
    expected = np.arccos((waypoints * np.roll(waypoints, -1, axis=0)).sum(-1)) / 10
    np.testing.assert_allclose(turns, np.tile(expected[:, None], 10))


def test_walk_interpolates_each_image_separately():
    waypoints = np.random.default_rng(0).normal(size=(3, 2, 7))
    together = gan.latents.walk(waypoints, steps=4)
    for index in range(2):
        np.testing.assert_allclose(together[:, index], gan.latents.walk(waypoints[:, index], steps=4))


@pytest.mark.parametrize("factor", [1.0, 2.0])
def test_walk_between_waypoints_of_the_same_direction_is_linear(factor):
    start = np.random.default_rng(0).normal(size=9)
    points = gan.latents.walk(np.stack([start, factor * start]), steps=4)
    share = np.array([0, 0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25])[:, None]
    np.testing.assert_allclose(points, start + share * (factor - 1) * start, rtol=1e-5)
