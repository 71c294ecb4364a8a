"""Clusters, which stand in for labels."""

import numpy as np
import pytest
import tensorflow as tf
from conftest import JIT_COMPILE, assert_same_state, small_extractor
from keras import ops

import gan
from gan.layers import Clusters

SHAPE = (6, 6, 1)


def draw_kinds(count, shares=(0.7, 0.2, 0.1)):
    """Images of three kinds, apart from noise: black, gray and white. Also returns their kinds."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(3), [round(count * share) for share in shares])
    images = kinds[:, None, None, None] - 1 + rng.normal(size=(count, *SHAPE)) * 0.1
    return np.clip(images, -1, 1).astype("float32"), kinds


def adapted(count=3, images=200):
    clusters = Clusters(count)
    clusters.adapt(draw_kinds(images)[0])
    return clusters


def numbers_of(clusters, images):
    return ops.convert_to_numpy(clusters(images))


def test_clusters_are_the_kinds_of_images():
    images, kinds = draw_kinds(200)
    clusters = adapted()
    found = numbers_of(clusters, images)
    pairs = set(zip(found.tolist(), kinds.tolist(), strict=True))
    assert len(pairs) == 3 and len({number for number, _ in pairs}) == 3
    np.testing.assert_allclose(np.sort(ops.convert_to_numpy(clusters.shares)), [0.1, 0.2, 0.7], atol=1e-6)


def test_clusters_keep_their_numbers_when_they_are_found_again():
    images, _ = draw_kinds(200)
    clusters = adapted()
    known = numbers_of(clusters, images)
    clusters.adapt(np.clip(images[::-1] + 0.2, -1, 1), seed=1)
    np.testing.assert_array_equal(numbers_of(clusters, images + 0.2), known)
    more = Clusters(3)
    more.build((None, *SHAPE))
    more.centers.assign(np.pad(ops.convert_to_numpy(clusters.centers)[:2], [(0, 1), (0, 0)]))
    more.adapt(images)
    assert more.found == 3
    np.testing.assert_array_equal(numbers_of(more, images), known)


def test_images_of_any_size_are_compared():
    for shape in ((28, 28, 1), (33, 20, 3), (64, 3, 1)):
        images = np.random.default_rng(0).uniform(-1, 1, (40, *shape)).astype("float32")
        clusters = Clusters(4)
        clusters.adapt(images)
        assert set(numbers_of(clusters, images)) == {0, 1, 2, 3}


def test_latents_choose_clusters_by_their_shares_and_stay_normal():
    clusters = adapted()
    latents = np.random.default_rng(0).normal(size=(50_000, 4)).astype("float32")
    chosen, rest = (ops.convert_to_numpy(part) for part in clusters.split(latents))
    shares = np.bincount(chosen, minlength=3) / len(chosen)
    np.testing.assert_allclose(shares, ops.convert_to_numpy(clusters.shares), atol=0.01)
    np.testing.assert_array_equal(rest[:, 2:], latents[:, 2:])
    np.testing.assert_allclose((rest[:, :2] ** 2).sum(1), (latents[:, :2] ** 2).sum(1), rtol=1e-4)
    for number in range(3):
        plane = rest[chosen == number, :2]
        for numbers in (*plane.T, plane.sum(1) / np.sqrt(2)):
            # The largest distance between the sample's distribution and the standard normal one (Kolmogorov-Smirnov).
            normal = (1 + ops.convert_to_numpy(ops.erf(np.sort(numbers) / np.sqrt(2)))) / 2
            assert np.abs(normal - np.linspace(0, 1, len(numbers))).max() < 1.7 / np.sqrt(len(numbers))


def test_few_images_have_fewer_clusters():
    with pytest.warns(UserWarning, match="50 clusters need 500 images, 10 for each. In 40 images, up to 4 are found"):
        clusters = adapted(count=50, images=40)
    images, _ = draw_kinds(40)
    latents = np.random.default_rng(0).normal(size=(1000, 4)).astype("float32")
    assert numbers_of(clusters, images).max() < 4
    assert ops.convert_to_numpy(clusters.split(latents)[0]).max() < 4
    assert np.isfinite(ops.convert_to_numpy(clusters.split(9 * latents)[1])).all()


def make(count=3, **kwargs):
    networks = gan.build_generator(5, (8,), SHAPE, count), gan.build_discriminator(SHAPE, (8,), num_classes=count)
    model = gan.GAN(*networks, seed=0, averaging=0.9, clusters=count)
    model.compile("adam", "adam", **kwargs)
    return model


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_a_gan_with_clusters_trains_without_labels(jit_compile, tmp_path):
    images, _ = draw_kinds(200)
    model = make(metrics=[gan.metrics.FrechetDistance(small_extractor())], jit_compile=jit_compile)
    with pytest.raises(ValueError, match="the clusters are not known yet: call fit"):
        model.train_on_batch(images)
    callbacks = [gan.ImageGrid(tmp_path, rows=2, columns=3)]
    history = model.fit(images, batch_size=20, verbose=0, validation_data=images[:100], callbacks=callbacks).history
    assert np.isfinite(history["val_fid"]) and (tmp_path / "image_at_epoch_0001.png").exists()
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    for one in (model, loaded):
        one.fit(images, batch_size=20, verbose=0, shuffle=False)
    assert_same_state(model, loaded)
    np.testing.assert_array_equal(model.generate(6, seed=3), loaded.generate(6, seed=3))


def test_generated_images_are_those_of_the_clusters_that_the_latents_choose():
    model = make()
    model.clusters.adapt(draw_kinds(200)[0])
    latents = np.random.default_rng(0).normal(size=(20, 5)).astype("float32")
    chosen, rest = (ops.convert_to_numpy(part) for part in model.clusters.split(latents))
    assert len(set(chosen)) > 1
    np.testing.assert_allclose(
        model.generate(latents=latents), model.generate(latents=rest, labels=chosen), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="labels must lie in 0 to 2"):
        model.generate(labels=[3])


def test_a_gan_is_measured_before_it_has_generated(images):
    model = make()
    for measure in (model.evaluate, model.test_on_batch, model.predict):
        with pytest.raises(ValueError, match="the clusters are not known yet: call fit"):
            measure(images[:, :5] if measure == model.predict else images)
    images, _ = draw_kinds(200)
    model.fit(images, batch_size=50, verbose=0)
    assert np.isfinite(model.evaluate(images, batch_size=50, verbose=0)).all()


def test_datasets_are_looked_at_before_they_are_trained_on():
    images, _ = draw_kinds(200)
    shares = []
    for x in (images, gan.datasets.load(images=images, batch_size=30, labels=None)):
        model = make()
        model.fit(x, verbose=0)
        shares.append(np.sort(ops.convert_to_numpy(model.clusters.shares)))
    np.testing.assert_allclose(shares, [[0.1, 0.2, 0.7]] * 2, atol=1e-6)
    with pytest.raises(ValueError, match=r"clusters cannot be found in images that are read only once. Call model"):
        make().fit((images[:20] for _ in range(3)), steps_per_epoch=3, verbose=0)


def test_classes_and_clusters_exclude_each_other():
    networks = gan.build_generator(5, (8,), SHAPE, 3), gan.build_discriminator(SHAPE, (8,), num_classes=3)
    with pytest.raises(ValueError, match="a GAN has classes or clusters, not both: num_classes=3 and clusters=3"):
        gan.GAN(*networks, num_classes=3, clusters=3)
    with pytest.raises(ValueError, match="with clusters=2 the generator must take a second input"):
        gan.GAN(gan.build_generator(5, (8,), SHAPE), gan.build_discriminator(SHAPE), clusters=2)
    with pytest.raises(ValueError, match="clusters=4 the generator must take as many labels, and it was built for 3"):
        gan.GAN(*networks, clusters=4)
    with pytest.raises(ValueError, match="clusters stand in for classes: leave out clusters or conditional"):
        gan.presets.resolve("fast-conditional", {"clusters": 10})


@pytest.mark.parametrize("count", [0, 2.5])
def test_clusters_are_counted(count):
    with pytest.raises(ValueError, match=f"count must be a positive integer, not {count}"):
        Clusters(count)


def test_clusters_are_found_in_images():
    model = make()
    with pytest.raises(TypeError, match="uint8"):
        model.clusters.adapt(np.zeros((40, *SHAPE), "uint8"))
    with pytest.raises(ValueError, match="6, 6, 1|6x6x1"):
        model.clusters.adapt(np.zeros((40, 8, 8, 1)))


def test_an_endless_dataset_is_looked_at_for_an_epoch(images):
    read = []

    def batches():
        while True:
            read.append(1)
            yield images[:20]

    dataset = tf.data.Dataset.from_generator(batches, output_signature=tf.TensorSpec((None, *SHAPE)))
    make(1).fit(dataset, steps_per_epoch=3, verbose=0)
    assert len(read) < 20
