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


def augment_share(names, images, probability, seed=0):
    augmentation = AdaptiveAugment(names)
    augmentation.probability.assign(probability)
    augmented = augmentation(ops.convert_to_tensor(images), seed=keras.random.SeedGenerator(seed))
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


def test_flips_and_rotations_are_equally_frequent():
    images = RNG.uniform(-1, 1, (4000, 6, 6, 1)).astype("float32")
    probability = 0.8  # of which half are mirrored, and a quarter rotated by each angle
    flipped = augment_share(["flip"], images, probability)
    is_flipped = (flipped == images[:, :, ::-1]).all((1, 2, 3))
    assert (is_flipped | (flipped == images).all((1, 2, 3))).all()
    assert is_flipped.mean() == pytest.approx(probability / 2, abs=0.03)
    rotated = augment_share(["rotation"], images, probability)
    shares = [(rotated == np.rot90(images, turns, (1, 2))).all((1, 2, 3)).mean() for turns in range(4)]
    assert shares == pytest.approx([1 - 0.75 * probability] + [probability / 4] * 3, abs=0.03)


def test_each_name_is_applied_to_a_share_of_the_images():
    images = RNG.uniform(0.5, 1, (4000, 4, 4, 1)).astype("float32")
    np.testing.assert_array_equal(augment_share(["brightness", "cutout"], images, 0.0), images)
    changed = augment_share(["brightness", "cutout"], images, 0.3)
    is_cut = (changed == 0).any((1, 2, 3))
    is_brightened = ((changed != images) & (changed != 0)).any((1, 2, 3))
    assert is_cut.mean() == pytest.approx(0.3, abs=0.03) and is_brightened.mean() == pytest.approx(0.3, abs=0.03)
    assert (is_cut & is_brightened).mean() == pytest.approx(0.3**2, abs=0.03)


def test_the_probability_follows_overfitting():
    augmentation = AdaptiveAugment(["cutout"], target=0.5, ramp=100)
    course = []
    for sign in [1.0] * 12 + [-1.0] * 12:
        augmentation.adapt(sign, 10)
        course.append((float(augmentation.overfitting), float(augmentation.probability)))
    # A moving average over four steps, and a step of 10 of 100 images up or down, between 0 and 0.8.
    average = probability = 0.0
    for (overfitting, share), sign in zip(course, [1.0] * 12 + [-1.0] * 12, strict=True):
        average = 0.75 * average + 0.25 * sign
        probability = min(max(probability + (0.1 if average > 0.5 else -0.1), 0), 0.8)
        assert (overfitting, share) == pytest.approx((average, probability), abs=1e-6)
    assert max(share for _, share in course) == pytest.approx(0.8) and course[-1][1] == 0


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ("binary_crossentropy", [1, 1, -1, 1]),
        ("hinge", [1, 1, -1, 1]),
        ("least_squares", [1, -1, -1, 1]),
        ("relativistic", [1, -1, -1, -1]),
        ("wasserstein", [1, -1, -1, -1]),
    ],
)
def test_overfitting_is_the_mean_sign_of_the_margin(loss, expected):
    real, fake = np.float32([[2], [0.3], [-2], [1]]), np.float32([[-2], [0.4], [2], [3]])
    signs = np.sign(ops.convert_to_numpy(gan.losses.get(loss).margin(real, fake)))
    assert signs.ravel().tolist() == expected


def test_fit_logs_overfitting_and_the_share_of_augmented_images(images):
    """The discriminator returns the mean of an image: positive for most images, and the generator's are black."""
    inputs, latents = keras.Input(images.shape[1:]), keras.Input((5,))
    discriminator = keras.Model(inputs, ops.mean(inputs, axis=(1, 2)))
    black = keras.layers.Dense(36, kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(-1))
    generator = keras.Model(latents, keras.layers.Reshape(images.shape[1:])(black(latents)))
    model = gan.GAN(generator, discriminator)
    model.compile("sgd", "sgd", augmentation=AdaptiveAugment(["rotation"], target=0.1, ramp=10 * len(images)))
    bright = np.abs(images)
    bright[: len(images) // 4] *= -1
    logs = [model.train_on_batch(bright, return_dict=True) for _ in range(4)]
    overfitting = np.mean(np.sign(bright.mean((1, 2, 3))))
    assert [log["overfitting"] for log in logs] == pytest.approx([overfitting] * 4)
    # What was in use in the step, which moves after it, as soon as the average exceeds the target.
    assert [log["augmented"] for log in logs] == pytest.approx([0.0, 0.1, 0.2, 0.3], abs=1e-6)


def test_a_generator_does_not_learn_the_augmentation():
    """Real images are bright on the left. Later in the training, half of them are mirrored or turned at random."""
    real = np.full((640, 8, 8, 1), -0.8, "float32")
    real[:, :, :4] = 0.8
    keras.utils.set_random_seed(0)
    networks = gan.build_conv_generator(8, 8, image_shape=(8, 8, 1)), gan.build_conv_discriminator((8, 8, 1), 8)
    model = gan.GAN(*networks, seed=0)
    model.compile(
        *(keras.optimizers.Adam(2e-3, beta_1=0.0) for _ in range(2)),
        regularizers=[gan.regularizers.R1(1)],
        augmentation=AdaptiveAugment(["flip", "rotation"], ramp=10**9),  # so slow that the share stays as it is
    )
    for probability in (0, 0.5):
        model.augmentation.probability.assign(probability)
        model.fit(real, epochs=20, batch_size=64, verbose=0)
    generated = model.generate(200, seed=0)
    is_bright_left = generated[:, :, :3].mean((1, 2, 3)) > generated[:, :, 5:].mean((1, 2, 3)) + 1
    assert is_bright_left.mean() > 0.95


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


def test_compile_replaces_an_augmentation(make_model, images, tmp_path):
    model = make_model(augmentation=AdaptiveAugment(["flip"]))
    weights = len(model.weights)
    model.train_on_batch(images)
    for augmentation in (AdaptiveAugment(["cutout"], ramp=50), None):
        model.compile("adam", "adam", augmentation=augmentation)
        model.save(tmp_path / "model.keras")
        loaded = gan.load_model(tmp_path / "model.keras")
        assert_same_state(model, loaded)
        assert len(model.weights) == weights - (0 if augmentation else 2)
    assert "augmented" not in model.train_on_batch(images, return_dict=True)


@pytest.mark.parametrize(
    ("names", "limits", "sentence"),
    [
        (["shear"], {}, "augmentation must be a list of names from translation, cutout, scaling"),
        (["flip"], {"target": 1}, "target must be a number between 0 and 1, not 1"),
        (["flip"], {"ramp": 0}, "ramp must be a positive integer, not 0"),
    ],
)
def test_bad_arguments_of_adaptive_augmentation_are_refused(names, limits, sentence):
    with pytest.raises(ValueError, match=sentence):
        AdaptiveAugment(names, **limits)


def test_what_a_generator_would_learn_is_refused(make_model):
    with pytest.raises(ValueError, match="would learn flip, rotation from images that all have it: give a target"):
        make_model(augmentation=["flip", "cutout", "rotation"])


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
