import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import BACKEND, JIT_COMPILE, assert_same_state
from keras import ops
from scipy import ndimage

import gan
from gan.augmentation import AdaptiveAugment, DiffAugment

RNG = np.random.default_rng(0)


def augment(names, images, seed=0):
    augmented = DiffAugment(names)(ops.convert_to_tensor(images), keras.random.SeedGenerator(seed))
    return ops.convert_to_numpy(augmented)


def test_translation_shifts_each_image_by_up_to_an_eighth_of_its_sides():
    images = RNG.uniform(-1, 1, (300, 16, 24, 3)).astype("float32")
    shifted = augment(["translation"], images)
    shifts = set()
    for before, after in zip(images, shifted, strict=True):
        # In NumPy, a translation pads the image with its edges and cuts out a window.
        padded = np.pad(before, ((2, 2), (3, 3), (0, 0)), "edge")
        found = [
            (down, right)
            for down in range(5)
            for right in range(7)
            if np.array_equal(padded[down : down + 16, right : right + 24], after)
        ]
        assert len(found) == 1
        shifts.update(found)
    assert len(shifts) == 5 * 7


def test_cutout_sets_a_rectangle_of_half_the_sides_to_0():
    images = RNG.uniform(0.5, 1, (500, 12, 8, 1)).astype("float32")
    cut = augment(["cutout"], images)
    assert set(np.unique(cut[cut != images])) == {0}
    areas = []
    for hole in (cut == 0)[..., 0]:
        rows, columns = np.flatnonzero(hole.any(axis=1)), np.flatnonzero(hole.any(axis=0))
        assert hole.sum() == len(rows) * len(columns) == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        areas.append(hole.sum())
    # If the centre is at the edge, half of the rectangle lies outside.
    assert max(areas) == 6 * 4 and min(areas) == 3 * 2
    assert (cut == 0).any(axis=(0, 3)).all()


def test_brightness_adds_one_number_to_each_image():
    images = RNG.uniform(-1, 1, (500, 4, 4, 3)).astype("float32")
    added = augment(["brightness"], images) - images
    np.testing.assert_allclose(added, np.broadcast_to(added[:, :1, :1, :1], added.shape), atol=1e-6)
    assert -0.5 <= added.min() < -0.45 and 0.45 < added.max() <= 0.5 and abs(added.mean()) < 0.05


def test_contrast_and_saturation_change_the_distance_from_the_mean_and_from_gray():
    images = RNG.uniform(-1, 1, (500, 4, 4, 3)).astype("float32")
    for name, axes, limits in (("contrast", (1, 2, 3), (0.5, 1.5)), ("saturation", 3, (0, 2))):
        changed = augment([name], images)
        means = images.mean(axes, keepdims=True)
        np.testing.assert_allclose(changed.mean(axes, keepdims=True), means, atol=1e-6)
        ratios = ((changed - means) / (images - means)).reshape(500, -1)
        np.testing.assert_allclose(np.median(ratios, axis=1, keepdims=True) * np.ones_like(ratios), ratios, rtol=0.02)
        factors = np.median(ratios, axis=1)
        assert limits[0] <= factors.min() < limits[0] + 0.05 and limits[1] - 0.05 < factors.max() <= limits[1] + 1e-3


def test_scaling_resamples_around_the_center():
    ramp = np.linspace(-1, 1, 17, dtype="float32")
    pattern = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None] ** 2, np.sin(5 * ramp)[None]), axis=-1)
    scaled = augment(["scaling"], np.repeat(pattern[None], 400, axis=0))
    logarithms = []
    for image in scaled:
        factor = (ramp[9] - ramp[7]) / (image[9, 8, 0] - image[7, 8, 0])
        logarithms.append(np.log2(factor))
        zooms = [1 / factor, 1 / factor, 1]
        offset = [8 - 8 / factor, 8 - 8 / factor, 0]
        expected = ndimage.affine_transform(pattern, zooms, offset, order=1, mode="nearest")
        np.testing.assert_allclose(image, expected, atol=1e-4)
    assert np.mean(logarithms) == pytest.approx(0, abs=0.04) and np.std(logarithms) == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_first_and_second_gradients_pass_through(make_model, jit_compile):
    """The generator needs the first gradient, regularizers the second. For a sum of cubes, they are 3 x^2 and 6 x."""
    images = RNG.uniform(0.5, 1, (4, 8, 8, 1)).astype("float32")
    model = make_model()
    seed = model.training_noise

    def first_gradient(points):
        seed.state.assign([0, 0])
        return model.image_gradients(lambda points: DiffAugment(["cutout"])(points, seed) ** 3, points)

    def derive():
        points = ops.convert_to_tensor(images)
        return first_gradient(points), model.image_gradients(first_gradient, points)

    if BACKEND == "tensorflow":
        derive = tf.function(derive, jit_compile=jit_compile)
    first, second = map(ops.convert_to_numpy, derive())
    kept = first != 0
    assert 0 < kept.sum() < kept.size
    np.testing.assert_allclose(first, 3 * images**2 * kept, rtol=1e-5)
    np.testing.assert_allclose(second, 6 * images * kept, rtol=1e-5)


class Brighter(DiffAugment):
    """Adds 3 to all images."""

    def __call__(self, images, seed):
        return images + 3


def test_real_and_generated_images_are_augmented_only_in_training(images):
    """The discriminator returns the mean of an image, and the generator returns black images."""
    inputs, latents = keras.Input(images.shape[1:]), keras.Input((5,))
    discriminator = keras.Model(inputs, ops.mean(inputs, axis=(1, 2)))
    black = keras.layers.Dense(36, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-1))
    generator = keras.Model(latents, keras.layers.Reshape(images.shape[1:])(black(latents)))
    model = gan.GAN(generator, discriminator)
    model.compile("sgd", "sgd", augmentation=Brighter(["brightness"]))
    logs = model.train_on_batch(images, return_dict=True)
    assert logs["real_accuracy"] == 1 and logs["fake_accuracy"] == 0
    logs = model.evaluate(images, verbose=0, return_dict=True)
    assert logs["real_accuracy"] == pytest.approx((images.mean((1, 2)) > 0).mean()) and logs["fake_accuracy"] == 1


@pytest.mark.parametrize("is_adaptive", [False, True])
def test_a_loaded_model_continues_with_its_augmentation(make_model, images, tmp_path, is_adaptive):
    names = ["translation", "cutout", "brightness"]
    model = make_model(augmentation=AdaptiveAugment(names, ramp=1000) if is_adaptive else names)
    if is_adaptive:
        model.augmentation.probability.assign(0.4)
    model.train_on_batch(images)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert loaded.augmentation.get_config() == model.augmentation.get_config()
    if is_adaptive:
        assert 0 < float(loaded.augmentation.probability) == float(model.augmentation.probability) != 0.4
    for one in (model, loaded):
        one.train_on_batch(images)
    assert_same_state(model, loaded)


def test_images_that_do_not_suit_an_augmentation_are_refused():
    AdaptiveAugment(["rotation", "saturation"]).check((8, 8, 3))
    with pytest.raises(ValueError, match=r"rotation needs square images, and these have the shape \(8, 6, 3\)"):
        AdaptiveAugment(["rotation"]).check((8, 6, 3))
    with pytest.raises(ValueError, match="saturation needs images with 3 channels"):
        DiffAugment(["saturation"]).check((8, 8, 1))


@pytest.mark.parametrize("names", ["rotation", ["translation", "shear"], [["cutout"]], 3])
def test_unknown_augmentations_are_refused(make_model, names):
    with pytest.raises(ValueError, match="augmentation must be a list of names from translation, cutout, scaling"):
        make_model(augmentation=names)


@pytest.mark.parametrize("shape", [(7,), (8, 2), (3, 4, 5, 2)])
def test_images_of_another_rank_are_refused(shape):
    augmentation = DiffAugment(["cutout"])
    sentence = r"augmentation works on images \(height, width, channels\) only"
    with pytest.raises(ValueError, match=sentence):
        augmentation.check(shape)
    with pytest.raises(ValueError, match=sentence):
        augmentation(np.zeros((2, *shape), "float32"), keras.random.SeedGenerator(0))
    augmentation.check((28, 28, 1))
