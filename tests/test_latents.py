import keras
import numpy as np
import pytest

import gan

RNG = np.random.default_rng(0)


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


def test_a_walk_to_the_opposite_point_goes_around_the_origin():
    start = np.random.default_rng(0).normal(size=5)
    points = gan.latents.walk(np.stack([start, -start]), steps=10)
    np.testing.assert_allclose(points[[0, 10]], [start, -start])
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), np.linalg.norm(start), rtol=0.1)
    steps = np.linalg.norm(points - np.roll(points, -1, axis=0), axis=1)
    np.testing.assert_allclose(steps, 2 * np.sin(np.pi / 20) * np.linalg.norm(start), rtol=0.1)


def test_a_walk_from_the_origin_is_straight():
    points = gan.latents.walk(np.stack([np.zeros(5), np.arange(5.0)]), steps=4)
    assert np.isfinite(points).all() and not points[0].any()
    np.testing.assert_allclose(points[4], np.arange(5.0))
    np.testing.assert_allclose(points[1:4] / np.arange(5.0)[-1] * 4, np.outer(points[1:4, 4], np.arange(5)) / 4)


def make_gan(num_classes=None, clusters=None, averaging=None):
    """A GAN of 8x8 images whose generator has large weights, so that its images differ."""
    kinds = num_classes or clusters
    keras.utils.set_random_seed(0)
    generator = gan.build_generator(6, (32,), (8, 8, 1), kinds)
    generator.set_weights([2 * weight for weight in generator.get_weights()])
    discriminator = gan.build_discriminator((8, 8, 1), (8,), num_classes=kinds)
    model = gan.GAN(generator, discriminator, 0, num_classes, averaging, clusters)
    if clusters:
        model.clusters.adapt(RNG.uniform(-1, 1, (100, 8, 8, 1)).astype("float32"))
    return model


@pytest.mark.parametrize("num_classes", [None, 3])
@pytest.mark.parametrize("kind", ["mlp", "conv", "residual"])
def test_directions_are_the_singular_vectors_of_the_first_kernel(kind, num_classes):
    shape = (16, 16, 1)
    build = {"mlp": gan.build_generator, "conv": gan.build_conv_generator, "residual": gan.build_residual_generator}
    generator = build[kind](latent_dim=7, image_shape=shape, num_classes=num_classes)
    model = gan.GAN(generator, gan.build_discriminator(shape, num_classes=num_classes), 0, num_classes)
    kernel = next(weight for weight in generator.weights if weight.name == "kernel").numpy()[:7]
    expected = np.linalg.svd(kernel)[0].T
    found = gan.latents.directions(model, 7)
    np.testing.assert_allclose(np.abs((found * expected).sum(1)), 1, atol=1e-3)
    np.testing.assert_allclose(found @ found.T, np.eye(7), atol=1e-5)
    np.testing.assert_allclose(gan.latents.directions(model, 2), found[:2])


def test_directions_need_a_dense_layer_first_and_a_count():
    model = make_gan()
    with pytest.raises(ValueError, match="count must be an integer from 1 to 6, not 7"):
        gan.latents.directions(model, 7)
    latents = keras.Input((6,))
    normalized = keras.layers.Dense(64, activation="tanh")(keras.layers.BatchNormalization()(latents))
    generator = keras.Model(latents, keras.layers.Reshape((8, 8, 1))(normalized))
    with pytest.raises(ValueError, match="directions need a generator that starts with a dense layer"):
        gan.latents.directions(gan.GAN(generator, model.discriminator), 1)


@pytest.mark.parametrize("kinds", [{}, {"num_classes": 3}, {"clusters": 4}])
def test_a_walk_shows_its_points_and_small_steps_between_them(kinds):
    model = make_gan(**kinds)
    points = RNG.normal(size=(3, 6)).astype("float32")
    labels = [2, 0, 2] if "num_classes" in kinds else None
    images = gan.latents.show_walk(model, points, 50, labels)
    assert images.shape == (150, 8, 8, 1)
    np.testing.assert_allclose(images[::50], model.generate(latents=points, labels=labels), atol=1e-5)
    steps = np.abs(np.diff(images, axis=0, append=images[:1])).mean(axis=(1, 2, 3))
    ways = np.abs(np.roll(images[::50], -1, axis=0) - images[::50]).mean(axis=(1, 2, 3))
    assert steps.max() < ways.max() / 5  # no jump, not even from one class or cluster to another


@pytest.mark.parametrize(
    ("kinds", "arguments", "sentence"),
    [
        ({}, (np.zeros((1, 6)), 4), "at least two waypoints"),
        ({}, (np.zeros((2, 5)), 4), r"not \(2, 5\)"),
        ({}, (np.zeros((2, 6)), 4, [0, 1]), "if and only if the GAN has num_classes"),
        ({}, (np.full((2, 6), np.nan), 4), "latents must be finite real numbers"),
        ({}, (np.zeros((2, 6)), 0), "steps must be a positive integer, not 0"),
        ({"num_classes": 3}, (np.zeros((2, 6)), 4), "if and only if the GAN has num_classes"),
        ({"num_classes": 3}, (np.zeros((2, 6)), 4, [0, 3]), "labels must lie in 0 to 2"),
        ({"num_classes": 3}, (np.zeros((2, 6)), 4, [0]), "one for each of 2 images"),
    ],
)
def test_walks_that_lead_nowhere_are_refused(kinds, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        gan.latents.show_walk(make_gan(**kinds), *arguments)


@pytest.mark.parametrize("clusters", [None, 4])
def test_moved_latents_keep_their_clusters(clusters):
    model = make_gan(clusters=clusters)
    latents = RNG.normal(size=(50, 6)).astype("float32")
    moved = gan.latents.move(model, latents, np.eye(6)[1], [-2, 0, 1])
    np.testing.assert_allclose(moved[1], latents, atol=0.02)
    if clusters is None:
        np.testing.assert_allclose(moved[2] - latents, np.tile(np.eye(6)[1], (50, 1)), atol=1e-6)
    else:
        kept, rest = model.clusters.split(latents)
        for step, one in zip((-2, 0, 1), moved, strict=True):
            cluster, others = model.clusters.split(one)
            np.testing.assert_array_equal(cluster, kept)
            np.testing.assert_allclose(others - rest, np.tile(step * np.eye(6)[1], (50, 1)), atol=0.05)


def test_mixed_classes_lead_from_one_class_to_another():
    model = make_gan(num_classes=3, averaging=0.9)
    latents = RNG.normal(size=(4, 6)).astype("float32")
    for label in range(3):
        expected = model.generate(latents=latents, labels=[label] * 4)
        mixed = gan.latents.mix_classes(model, latents, np.tile(np.eye(3)[label], (4, 1)))
        np.testing.assert_allclose(mixed, expected, atol=1e-6)
    way = np.linspace([1, 0, 0], [0, 0, 1], 9)
    steps = np.diff(gan.latents.mix_classes(model, np.tile(latents[:1], (9, 1)), way), axis=0)
    assert 0 < np.abs(steps).max() < 0.5
    with pytest.raises(ValueError, match=r"must have the shape \(4, 3\), not \(4, 2\)"):
        gan.latents.mix_classes(model, latents, np.ones((4, 2)))
    with pytest.raises(ValueError, match="classes can only be mixed in a GAN with classes or clusters"):
        gan.latents.mix_classes(make_gan(), latents, np.ones((4, 3)))


@pytest.mark.parametrize("kinds", [{}, {"num_classes": 3}, {"clusters": 3}])
def test_generated_images_are_found_again(kinds):
    model = make_gan(averaging=0.9, **kinds)
    images = model.generate(40, seed=1)
    weights = model.get_weights()
    found = gan.latents.project(model, images, verbose=0)
    assert (found.distances < 0.02).mean() >= 0.9
    again = model.generate(latents=found.latents, labels=found.labels)
    np.testing.assert_allclose(np.sqrt(((again - images) ** 2).mean((1, 2, 3))), found.distances, atol=0.01)
    # The lengths of 99% of standard normal latents, a chi distribution with 6 degrees of freedom.
    lengths = np.linalg.norm(found.latents, axis=1)
    assert lengths.min() > 0.5 and lengths.max() < 4.3
    for before, after in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_images_are_found_among_those_of_their_classes():
    model = make_gan(num_classes=3)
    labels = np.int32([2, 0, 2, 1])
    images = model.generate(latents=RNG.normal(size=(4, 6)), labels=labels)
    found = gan.latents.project(model, images, [1, 0, 2, 2], steps=200, verbose=0)
    assert found.labels.tolist() == [1, 0, 2, 2]
    assert found.distances[1:3].max() < found.distances[[0, 3]].min()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": np.zeros((2, 8, 6, 1))}, "images must be 8x8x1 each"),
        ({"images": np.full((2, 8, 8, 1), 3.0)}, r"images must lie in \[-1, 1\]"),
        ({"labels": [0, 1]}, "labels need a GAN with num_classes"),
        ({"steps": 0}, "steps must be a positive integer, not 0"),
        ({"starts": 3000}, "starts must be an integer from 1 to 2,000, not 3000"),
    ],
)
def test_what_cannot_be_projected_is_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        gan.latents.project(make_gan(), **{"images": np.zeros((2, 8, 8, 1)), **arguments})


@pytest.mark.parametrize("bad", [np.full((2, 6), np.nan), np.full((2, 6), 1e200), np.ones((2, 6), complex)])
def test_latents_that_are_no_finite_numbers_are_refused(bad):
    model = make_gan(num_classes=3)
    ways = (
        lambda: model.generate(latents=bad),
        lambda: gan.latents.mix_classes(model, bad, np.eye(3)[:2]),
        lambda: gan.latents.move(model, bad, np.ones(6), [1]),
    )
    for way in ways:
        with pytest.raises(ValueError, match="latents must be finite real numbers"):
            way()
