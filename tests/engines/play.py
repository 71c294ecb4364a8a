"""Plays games on the engine of KERAS_BACKEND, with the same draws on every engine, and writes what came of them.

Usage: python play.py OUTPUT.npz (and OUTPUT.keras)
"""

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

import gan
from gan import draws

IMAGE_SHAPE = (6, 6, 1)
SAVED = Path(__file__).parents[1] / "data/saved_by_0_1_0.keras"
LOSSES = ("binary_crossentropy", "hinge", "least_squares", "relativistic", "wasserstein")
REGULARIZERS = {
    "none": [],
    "r1": [gan.regularizers.R1(1, interval=2)],
    "r2": [gan.regularizers.R2(1)],
    "penalty": [gan.regularizers.GradientPenalty(1)],
}


def replace_draws():
    """Each shape has its own numbers, whenever and however often they are drawn."""

    def draw(method, dtype):
        def drawn(shape, *limits, seed=None):
            shape = [int(size) for size in shape]
            return ops.convert_to_tensor(method(np.random.default_rng(0), shape, *limits).astype(dtype))

        return drawn

    draws.normal = draw(lambda rng, shape, *_: rng.normal(size=shape), "float32")
    draws.uniform = draw(lambda rng, shape, low, high, *_: rng.uniform(low, high, shape), "float32")
    draws.integers = draw(lambda rng, shape, low, high, *_: rng.integers(low, high, shape), "int32")


def make_model(seed, averaging=None, normalize=lambda layer: layer):
    """A GAN with BatchNormalization, whose weights are drawn by NumPy."""
    generator = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(36, activation="tanh"),
            layers.Reshape(IMAGE_SHAPE),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            normalize(layers.Conv2D(4, 3, activation="leaky_relu")),
            layers.Flatten(),
            normalize(layers.Dense(8, activation="leaky_relu")),
            layers.Dense(1),
        ]
    )
    rng = np.random.default_rng(seed)
    for network in (generator, discriminator):
        for variable in network.weights:
            if variable.name == "vector":
                variable.assign(rng.normal(size=variable.shape))
            if variable.name == "kernel":
                variable.assign(rng.normal(size=variable.shape) * variable.shape[0] ** -0.5)
            if variable.name == "bias":
                # Backends differ in the slope of leaky ReLU at 0, where a cut-out image would be without a bias.
                variable.assign(0.1 * rng.normal(size=variable.shape))
    return gan.GAN(generator, discriminator, seed=0, averaging=averaging)


def play(loss, regularizers, steps, optimizer, augmentation=None, normalize=lambda layer: layer, updates=10):
    """Losses and weights after some updates of a GAN."""
    images = np.random.default_rng(1).uniform(-1, 1, (20, *IMAGE_SHAPE)).astype("float32")
    model = make_model(2, 0.9, normalize)
    optimizers = [optimizer(), optimizer()]
    model.compile(
        *optimizers,
        loss=loss,
        regularizers=REGULARIZERS[regularizers],
        discriminator_steps=steps,
        augmentation=augmentation,
    )
    logs = [model.train_on_batch(images, return_dict=True) for _ in range(updates)]
    losses = [[entry["g_loss"], entry["d_loss"]] for entry in logs]
    return {"losses": np.asarray(losses), "weights": np.concatenate([weight.ravel() for weight in model.get_weights()])}


def adaptive():
    """Augmentation of images that were chosen at random, and whose share moves."""
    augmentation = gan.augmentation.AdaptiveAugment(["flip", "rotation", "scaling"], target=0.2, ramp=200)
    augmentation.probability.assign(0.6)
    return augmentation


def measure():
    """All metrics of the same images."""
    digits, labels = gan.datasets.read("mnist5k")
    digits = gan.images.to_float(digits)
    metrics = gan.metrics.all_metrics("digits", (28, 28, 1), num_classes=10)
    for metric in metrics:
        metric.build((28, 28, 1))
    for start in range(0, 1000, 200):
        rows, others = slice(start, start + 200), slice(start + 2000, start + 2200)
        real = {**metrics[0].extract(digits[rows]), "labels": labels[rows]}
        noise = np.random.default_rng(start).normal(size=digits[others].shape).astype("float32")
        noisy = np.clip(digits[others] + 0.3 * noise, -1, 1)
        fake = {**metrics[0].extract(noisy), "labels": labels[others]}
        for metric in metrics:
            metric.update_real(real)
            metric.update_fake(fake)
    return gan.metrics.figures_of(metrics)


def sample():
    """Which of many vectors a small sample keeps."""
    keeper = gan.metrics.base.FeatureSample(20, 1)
    for start in range(0, 1000, 100):
        keeper.update_state(np.arange(start, start + 100, dtype="float32")[:, None])
    return keeper.result()[0]


def load():
    """What a model saved on TensorFlow generates, and whether it trains on."""
    model = gan.load_model(SAVED)
    latents = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
    generated = model.generate(latents=latents, labels=[0, 1, 2])
    images = np.random.default_rng(0).uniform(-1, 1, (20, *IMAGE_SHAPE)).astype("float32")
    iterations = int(model.generator_optimizer.iterations)
    model.fit(images, np.arange(20) % 3, batch_size=20, verbose=0)
    steps = int(model.generator_optimizer.iterations) - iterations
    return {"generated": generated, "iterations": iterations, "steps": steps}


def save(path):
    """Saves a model after an update. Returns latents and the images that it generates from them."""
    images = np.random.default_rng(1).uniform(-1, 1, (20, *IMAGE_SHAPE)).astype("float32")
    model = make_model(2, averaging=0.9)
    model.compile(keras.optimizers.AdamW(1e-3), keras.optimizers.SGD(1e-3, momentum=0.5))
    model.train_on_batch(images)
    model.save(path)
    latents = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
    return {"latents": latents, "images": model.generate(latents=latents)}


def main():
    loaded = load()
    results = {f"loaded {name}": value for name, value in loaded.items()}
    results.update({f"metric {name}": value for name, value in measure().items()})
    results["sample"] = sample()
    saved = save(Path(sys.argv[1]).with_suffix(".keras"))
    results.update({f"{name} of file": value for name, value in saved.items()})
    replace_draws()

    def sgd():
        return keras.optimizers.SGD(0.05, momentum=0.5)

    games = {f"{loss}, {steps}": (loss, "none", steps, sgd) for loss in LOSSES for steps in (None, 2)}
    games.update({f"{name}, {steps}": ("hinge", name, steps, sgd) for name in REGULARIZERS for steps in (None, 2)})
    games["adam"] = ("binary_crossentropy", "r1", None, lambda: keras.optimizers.Adam(1e-3, beta_1=0.5))
    games["augmentation"] = ("hinge", "r1", None, sgd, ["brightness", "translation", "cutout", "scaling", "contrast"])
    games["adaptive augmentation"] = ("relativistic", "r1", 2, sgd, adaptive())
    games["spectral norm"] = ("hinge", "r1", None, sgd, None, gan.layers.SpectralNormalization)
    for name, arguments in games.items():
        for kind, value in play(*arguments).items():
            results[f"{kind} of {name}"] = value
    np.savez(sys.argv[1], **results)


if __name__ == "__main__":
    main()
