import os
import shutil
import signal
import tempfile

import matplotlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Decoded pictures go to a folder of the tests, except for Matplotlib's fonts, whose list takes seconds to make.
os.environ["MPLCONFIGDIR"] = matplotlib.get_cachedir()
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()

import keras
import numpy as np
import pytest
import tensorflow as tf
from browser import browser, visit  # noqa: F401, fixtures
from commands import finished, noise_file, refuse, run_here, validated  # noqa: F401, fixtures
from keras import layers, ops
from matplotlib.figure import Figure
from small_runs import classes_run, clusters_run  # noqa: F401, fixtures

import gan

# A shell ignores Ctrl-C for its background jobs. The commands that tests start and interrupt would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

IMAGE_SHAPE = (6, 6, 1)
BACKEND = keras.backend.backend()
# TensorFlow runs a step with and without XLA. JAX always compiles, and on PyTorch a GAN never does.
JIT_COMPILE = {"tensorflow": [False, True], "jax": [True], "torch": [False]}[BACKEND]


def pytest_unconfigure():
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


def only_on_tensorflow(reason):
    """Skips a test on the other backends, with a sentence that says why."""
    return pytest.mark.skipif(BACKEND != "tensorflow", reason=reason)


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def images():
    """100 float images in [-1, 1]."""
    return np.random.default_rng(0).uniform(-1, 1, (100, *IMAGE_SHAPE)).astype("float32")


@pytest.fixture
def make_dataset(images):
    """Creates datasets with the same batches in the same order in every epoch."""
    return lambda: tf.data.Dataset.from_tensor_slices(images).batch(16)


@pytest.fixture
def make_model():
    """Creates small compiled GANs with Dropout and BatchNormalization, as in the reference networks."""

    def make(seed=0, num_classes=None, averaging=None, **kwargs):
        model = gan.GAN(
            gan.build_generator(5, (8, 12), IMAGE_SHAPE, num_classes),
            gan.build_discriminator(IMAGE_SHAPE, (12, 8), num_classes=num_classes),
            seed=seed,
            num_classes=num_classes,
            averaging=averaging,
        )
        model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), **kwargs)
        return model

    return make


def state_of(model):
    """Returns all state that the next training step depends on."""
    variables = [*model.variables, *model.generator_optimizer.variables, *model.discriminator_optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assert_same_state(model, other):
    pairs = list(zip(state_of(model), state_of(other), strict=True))
    assert len(pairs) > 40
    for one, another in pairs:
        np.testing.assert_array_equal(one, another)


def small_extractor(name="small", **kwargs):
    """Returns a fixed random network from images to four features and two logits."""
    inputs = keras.Input(IMAGE_SHAPE)
    initializer = keras.initializers.GlorotNormal(seed=0)
    features = keras.layers.Dense(4, kernel_initializer=initializer)(keras.layers.Flatten()(inputs))
    logits = keras.layers.Dense(2, kernel_initializer=initializer)(features)
    return keras.Model(inputs, [features, logits], name=name, **kwargs)


def identity_extractor(size, name="identity"):
    """Returns an extractor whose features are the pixels of images (1, 1, size)."""
    return keras.Sequential([keras.Input((1, 1, size)), keras.layers.Flatten()], name=name)


def measure(metric, real, fake, batch_size=64):
    """Returns the result of a metric for features (count, size), passed in batches."""
    for rows, update in ((real, metric.update_real), (fake, metric.update_fake)):
        for start in range(0, len(rows), batch_size):
            update({metric.output: rows[start : start + batch_size].astype("float32")})
    return metric.result()


@pytest.fixture
def build_metric():
    """Builds metrics whose features are vectors of a given size."""

    def build(make, size, **kwargs):
        metric = make(extractor=identity_extractor(size), **kwargs)
        metric.build((1, 1, size))
        return metric

    return build


@pytest.fixture
def saved_figures(monkeypatch):
    """The Matplotlib figures that are saved, in a list."""
    figures = []
    savefig = Figure.savefig

    def record(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", record)
    return figures


@pytest.fixture(scope="session")
def digits_file(tmp_path_factory):
    """An .npz file with 200 training and 60 test digits."""
    images, _ = gan.datasets.read("mnist5k")
    path = tmp_path_factory.mktemp("data") / "digits.npz"
    np.savez(path, x_train=images[::25], x_test=images[7::84])
    return path


@pytest.fixture
def small_settings(digits_file):
    """Settings of a sweep over very small networks."""
    return {
        "data": str(digits_file),
        "image_shape": None,
        "background": "white",
        "skip_damaged": False,
        "flip": False,
        "preset": "reference",
        "extractor": "digits",
        "tuner": "random",
        "epochs": 2,
        "trials": 3,
        "iterations": None,
        "validate_every": 5,
        "seed": 0,
        "space": {
            "latent_dim": 4,
            "batch_size": 100,
            "generator_widths": [8, 8],
            "discriminator_widths": [8],
            "beta_1": 0.5,
        },
    }


def draw_normal(shape, generator, jit_compile=False):
    """What a training step draws. On TensorFlow, XLA draws other numbers."""

    def draw():
        return keras.random.normal(shape, seed=generator)

    if BACKEND == "tensorflow":
        draw = tf.function(draw, jit_compile=jit_compile)
    return ops.convert_to_numpy(draw())


def evaluation_latents(seed, count, jit_compile=False):
    """The latents of every evaluation of a model with this seed: blocks of 64, each with a seed of its own."""
    blocks = []
    for block in range(-(-count // 64)):
        generator = keras.random.SeedGenerator(0)
        generator.state.assign([seed + 1, block])
        blocks.append(draw_normal((64, 5), generator, jit_compile))
    return np.concatenate(blocks)[:count]


def outputs_of(network, *inputs):
    """What a network returns for inputs outside training, as a NumPy array."""
    return ops.convert_to_numpy(network(*inputs, training=False))


def pair(generator_dtype=None, discriminator_dtype=None):
    """Small networks without Dropout and BatchNormalization, whose outputs keep the given dtypes."""
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(36, activation="tanh", dtype=generator_dtype),
            layers.Reshape(IMAGE_SHAPE, dtype=generator_dtype),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Flatten(),
            layers.Dense(8, activation="relu"),
            layers.Dense(1, dtype=discriminator_dtype),
        ]
    )
    return generator, discriminator


@pytest.fixture
def set_dtype_policy():
    """Sets the dtype of all layers until the end of the test."""
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@pytest.fixture
def mixed_float16(set_dtype_policy):
    set_dtype_policy("mixed_float16")


def all_metrics(extractor=None):
    return gan.metrics.all_metrics(extractor or small_extractor(), IMAGE_SHAPE)
