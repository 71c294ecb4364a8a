import keras
import numpy as np
import pytest
from conftest import IMAGE_SHAPE, JIT_COMPILE, assert_same_state, draw_normal
from keras import ops

import gan

RNG = np.random.default_rng(0)
SIZE = int(np.prod(IMAGE_SHAPE))


def linear_discriminator(weights):
    """A discriminator with logits `<weights, image>`: its gradient is `weights` at every image."""
    network = keras.Sequential(
        [keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), keras.layers.Dense(1, use_bias=False)]
    )
    network.set_weights([weights.reshape(-1, 1)])
    return network


def make_generator():
    keras.utils.set_random_seed(1)
    return gan.build_generator(latent_dim=5, widths=(8,), image_shape=IMAGE_SHAPE)


def step(discriminator, images, regularizers, **kwargs):
    """Returns the change of the discriminator's weights in one step of gradient descent with learning rate 1."""
    model = gan.GAN(make_generator(), discriminator, seed=0)
    model.compile(keras.optimizers.SGD(1e-9), keras.optimizers.SGD(1.0), regularizers=regularizers, **kwargs)
    before = discriminator.get_weights()
    model.train_on_batch(images)
    return np.concatenate([(b - a).ravel() for b, a in zip(before, discriminator.get_weights(), strict=True)])


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
@pytest.mark.parametrize(
    ("regularizer", "gradient"),
    [
        (gan.regularizers.R1(weight=3.0), lambda w: 3 * w),
        (gan.regularizers.R2(weight=0.5), lambda w: 0.5 * w),
        # The gradient of (|w| - 1)^2 is 2 (|w| - 1) w / |w|.
        (gan.regularizers.GradientPenalty(weight=10.0), lambda w: 20 * (1 - 1 / np.linalg.norm(w)) * w),
    ],
)
def test_regularizers_equal_the_closed_form_for_a_linear_discriminator(images, regularizer, gradient, jit_compile):
    weights = RNG.normal(size=SIZE).astype("float32")
    plain, penalized = (
        step(linear_discriminator(weights), images, regularizers, jit_compile=jit_compile)
        for regularizers in ([], [regularizer])
    )
    np.testing.assert_allclose(penalized - plain, gradient(weights), rtol=1e-3, atol=1e-4)


def quadratic_discriminator():
    """A discriminator with logits `|a * image|^2 / 2`: its gradient is `a^2 * image`."""

    @keras.saving.register_keras_serializable(package="test")
    class Quadratic(keras.layers.Layer):
        def build(self, shape):
            self.a = self.add_weight(shape=shape[1:], initializer="ones")

        def call(self, x):
            return ops.sum((self.a * x) ** 2, axis=1, keepdims=True) / 2

    return keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), Quadratic()])


def test_r1_uses_real_and_r2_generated_images(images):
    plain = step(quadratic_discriminator(), images, [])
    latents = draw_normal((len(images), 5), keras.random.SeedGenerator(0))
    fakes = ops.convert_to_numpy(make_generator()(latents, training=True))
    # E |a^2 x|^2 / 2 has the gradient 2 a^3 E x^2, and a is 1.
    for regularizer, points in ((gan.regularizers.R1(weight=1.0), images), (gan.regularizers.R2(weight=1.0), fakes)):
        penalized = step(quadratic_discriminator(), images, [regularizer])
        expected = 2 * (points.reshape(len(images), -1) ** 2).mean(axis=0)
        np.testing.assert_allclose(penalized - plain, expected, rtol=1e-3, atol=1e-5)


def test_gradient_penalty_uses_points_between_the_images():
    seed = keras.random.SeedGenerator(0)
    real, fake = (RNG.uniform(-1, 1, (500, *IMAGE_SHAPE)).astype("float32") for _ in range(2))
    points = gan.regularizers.GradientPenalty().points(*map(ops.convert_to_tensor, (real, fake)), seed)
    points = ops.convert_to_numpy(points)
    places = (points - fake) / (real - fake)
    np.testing.assert_allclose(places, np.broadcast_to(places[:, :1, :1], places.shape), atol=2e-2)
    assert places.min() > -1e-3 and places.max() < 1 + 1e-3 and 0.4 < places.mean() < 0.6


@pytest.mark.parametrize("shape", [(7,), (8, 2), (3, 4, 5, 2)], ids=["tabular", "audio", "video"])
def test_regularizers_work_for_images_of_any_rank(shape):
    gradients = RNG.normal(size=(9, *shape)).astype("float32")
    norms = np.linalg.norm(gradients.reshape(9, -1), axis=1)
    tensor = ops.convert_to_tensor(gradients)
    assert float(gan.regularizers.R1().penalty(tensor)) == pytest.approx((norms**2).mean() / 2, rel=1e-5)
    penalty = gan.regularizers.GradientPenalty()
    assert float(penalty.penalty(tensor)) == pytest.approx(((norms - 1) ** 2).mean(), rel=1e-5)
    real, fake = ops.ones((9, *shape)), ops.zeros((9, *shape))
    # Between 1 and 0, the points are the random places themselves: one for each image.
    places = ops.convert_to_numpy(penalty.points(real, fake, keras.random.SeedGenerator(0))).reshape(9, -1)
    assert places.shape == (9, np.prod(shape)) and (places == places[:, :1]).all() and len(set(places[:, 0])) == 9


@pytest.mark.parametrize("shape", [(7,), (8, 2), (3, 4, 5, 2)], ids=["tabular", "audio", "video"])
def test_models_of_any_rank_train_with_regularizers(shape):
    generator = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(int(np.prod(shape)), activation="tanh"),
            keras.layers.Reshape(shape),
        ]
    )
    discriminator = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(1)])
    model = gan.GAN(generator, discriminator, seed=0)
    model.compile("adam", "adam", regularizers=[gan.regularizers.R1(), gan.regularizers.GradientPenalty()])
    logs = model.train_on_batch(RNG.uniform(-1, 1, (4, *shape)).astype("float32"), return_dict=True)
    assert np.isfinite(logs["loss"])


def test_a_lazy_penalty_is_applied_every_interval_steps_and_scaled_by_interval(images):
    weights = RNG.normal(size=SIZE).astype("float32")
    changes = []
    for regularizers in ([], [gan.regularizers.R1(weight=0.01, interval=3)]):
        discriminator = linear_discriminator(weights)
        model = gan.GAN(make_generator(), discriminator, seed=0)
        # With learning rates this small, weights and gradients stay almost constant.
        model.compile(keras.optimizers.SGD(1e-9), keras.optimizers.SGD(1e-3), regularizers=regularizers)
        path = [weights]
        for _ in range(7):
            model.train_on_batch(images)
            path.append(discriminator.get_weights()[0].ravel())
        changes.append(np.diff(path, axis=0))
    added = np.linalg.norm(changes[1] - changes[0], axis=1) / np.linalg.norm(weights) / 1e-3
    np.testing.assert_allclose(added, [0.03, 0, 0, 0.03, 0, 0, 0.03], atol=2e-3)


def test_a_loaded_model_continues_with_its_regularizers(make_model, images, tmp_path):
    regularizers = [gan.regularizers.R1(2.0, interval=2), gan.regularizers.GradientPenalty(1.0)]
    model = make_model(regularizers=regularizers)
    for _ in range(3):
        model.train_on_batch(images)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert [one.get_config() for one in loaded.regularizers] == [one.get_config() for one in regularizers]
    for _ in range(3):
        model.train_on_batch(images)
        loaded.train_on_batch(images)
    assert_same_state(model, loaded)


def test_mixed_precision_and_convolutions_train(images):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        discriminator = keras.Sequential(
            [
                keras.Input(IMAGE_SHAPE),
                keras.layers.Conv2D(4, 3, strides=2, activation="leaky_relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(1, dtype="float32"),
            ]
        )
        generator = make_generator()
    finally:
        keras.config.set_dtype_policy("float32")
    model = gan.GAN(generator, discriminator, seed=0)
    model.compile("adam", "adam", regularizers=[gan.regularizers.R1(), gan.regularizers.GradientPenalty()])
    for _ in range(3):
        assert np.isfinite(model.train_on_batch(images, return_dict=True)["loss"])
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_invalid_regularizers_are_refused(make_model):
    with pytest.raises(ValueError, match="regularizers must be a list of gan.regularizers, not .'r1'"):
        make_model(regularizers=["r1"])
    with pytest.raises(ValueError, match="regularizers must be a list of gan.regularizers"):
        make_model(regularizers=gan.regularizers.R1())
    with pytest.raises(ValueError, match="weight must be above 0 or a schedule .gan.schedules. of at least 0, not 0"):
        gan.regularizers.R1(weight=0)
    with pytest.raises(ValueError, match="interval must be a positive integer, not 0.5"):
        gan.regularizers.R2(interval=0.5)
