import keras
import numpy as np
import pytest
from conftest import assert_same_state
from keras import ops

import gan
from gan.augmentation import AdaptiveAugment

RNG = np.random.default_rng(0)


def augment_share(names, images, probability, seed=0):
    augmentation = AdaptiveAugment(names)
    augmentation.probability.assign(probability)
    augmented = augmentation(ops.convert_to_tensor(images), seed=keras.random.SeedGenerator(seed))
    return ops.convert_to_numpy(augmented)


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
    assert [log["augment_probability"] for log in logs] == pytest.approx([0.0, 0.1, 0.2, 0.3], abs=1e-6)


@pytest.mark.parametrize("names", [["flip", "rotation"], ["brightness", "contrast", "scaling"]])
def test_a_generator_does_not_learn_the_augmentation(names):
    """Real images are bright on the left. Later in the training, half of them are changed at random."""
    real = np.full((640, 8, 8, 1), -0.8, "float32")
    real[:, :, :4] = 0.8
    keras.utils.set_random_seed(0)
    networks = gan.build_conv_generator(8, 8, image_shape=(8, 8, 1)), gan.build_conv_discriminator((8, 8, 1), 8)
    model = gan.GAN(*networks, seed=0)
    model.compile(
        *(keras.optimizers.Adam(2e-3, beta_1=0.0) for _ in range(2)),
        regularizers=[gan.regularizers.R1(1)],
        augmentation=AdaptiveAugment(names, ramp=10**9),  # so slow that the share stays as it is
    )
    for probability in (0, 0.5):
        model.augmentation.probability.assign(probability)
        model.fit(real, epochs=20, batch_size=64, verbose=0)
    generated = model.generate(200, seed=0)
    sides = generated[:, :, :3].mean((1, 2, 3)), generated[:, :, 5:].mean((1, 2, 3))
    assert (sides[0] > sides[1] + 1).mean() > 0.95
    # Brightness moves a side by up to 0.5 and contrast by up to 0.4: in a fifth of the images by more than 0.3.
    for side, real_side in zip(sides, (0.8, -0.8), strict=True):
        assert (np.abs(side - real_side) > 0.3).mean() < 0.1


def test_compile_replaces_an_augmentation(make_model, images, tmp_path):
    model = make_model(augmentation=AdaptiveAugment(["flip"]))
    weights = len(model.weights)
    model.train_on_batch(images)
    model.save_weights(tmp_path / "adaptive.weights.h5")
    for refused in ({"augmentation": ["typo"]}, {"loss": "typo"}, {"augmentation": ["flip"], "loss": "typo"}):
        with pytest.raises(ValueError, match="must be a|needs"):
            model.compile("adam", "adam", **refused)
        assert len(model.weights) == weights and "overfitting" in model.train_on_batch(images, return_dict=True)
    for augmentation in (AdaptiveAugment(["cutout"], ramp=50), ["cutout"], AdaptiveAugment(["cutout"]), None):
        model.compile("adam", "adam", augmentation=augmentation)
        model.save(tmp_path / "model.keras")
        loaded = gan.load_model(tmp_path / "model.keras")
        assert_same_state(model, loaded)
        is_adaptive = isinstance(augmentation, AdaptiveAugment)
        assert len(model.weights) == weights - (0 if is_adaptive else 2)
        assert is_adaptive == ("overfitting" in model.train_on_batch(images, return_dict=True))
    with pytest.raises(
        ValueError, match="its augmentation would be lost. Build the GAN with an AdaptiveAugment in comp"
    ):
        model.load_weights(tmp_path / "adaptive.weights.h5")


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
    with pytest.raises(
        ValueError,
        match=r"augmentation flip, rotation needs gan.augmentation.AdaptiveAugment \(--augmentation-target\)",
    ):
        make_model(augmentation=["flip", "cutout", "rotation"])
