"""Trains small GANs on different numbers of devices, and writes what came of them.

Usage: python play.py FOLDER
"""

import sys
from pathlib import Path

from virtual import MANY, devices  # isort: skip, it makes the devices

import keras
import numpy as np
import tensorflow as tf

import gan

IMAGE_SHAPE = (8, 8, 1)
CLASSES = 3
BATCH_SIZE = 12
RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (60, *IMAGE_SHAPE)).astype("float32")
LABELS = RNG.integers(0, CLASSES, 60).astype("int32")
MLP = {"latent_dim": 5, "generator_widths": [8, 12], "discriminator_widths": [12, 8]}
CONV = {"clusters": 0, "latent_dim": 5, "generator_width": 4, "discriminator_width": 4}


class Weighted(gan.GAN):
    """Uniform latents, and a loss that looks at the images."""

    def draw_latents(self, count, seed):
        return keras.random.uniform((count, self.latent_dim), -1, 1, seed=seed)

    def compute_losses(self, real, fake):
        losses = super().compute_losses(real, fake)
        return {**losses, "g_loss": losses["g_loss"] + keras.ops.mean(keras.ops.square(fake.images))}


def extractor():
    """A fixed random network with logits."""
    inputs = keras.Input(IMAGE_SHAPE)
    initializer = keras.initializers.GlorotNormal(seed=0)
    features = keras.layers.Dense(4, kernel_initializer=initializer)(keras.layers.Flatten()(inputs))
    logits = keras.layers.Dense(CLASSES, kernel_initializer=initializer)(features)
    return keras.Model(inputs, [features, logits], name="small")


def build(preset, changes, kind=gan.GAN, metrics=None, **limits):
    """A preset whose optimizers do not turn rounding into whole steps, as Adam's small epsilon does."""
    settings = gan.presets.resolve(preset, changes)
    built = gan.presets.build(settings, IMAGE_SHAPE, CLASSES, seed=0, steps=10)
    clusters = settings["clusters"] or None
    model = kind(built.generator, built.discriminator, 0, built.num_classes, built.averaging, clusters)
    model.compile(
        *(keras.optimizers.Adam(5e-3, epsilon=1e-2, **limits) for _ in range(2)),
        loss=built.loss,
        metrics=metrics,
        regularizers=built.regularizers,
        discriminator_steps=built.discriminator_steps,
        augmentation=built.augmentation,
    )
    return model


def batches(arrays):
    return tf.data.Dataset.from_tensor_slices(arrays).batch(BATCH_SIZE, drop_remainder=True)


class Batches(keras.utils.PyDataset):
    """Batches of 9, which no number of devices divides, and a last batch of one image."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return IMAGES[9 * index : 9 * (index + 1)][: 28 - 9 * index]


def reference():
    """BatchNormalization, Dropout and clipped gradients."""
    model = build("reference", MLP, global_clipnorm=0.5)
    return model, model.fit(batches(IMAGES), epochs=2, validation_data=Batches(), verbose=0)


def fast():
    """Spectral normalization, a lazy penalty and an average; and every metric, over batches that are not divided."""
    metrics = gan.metrics.all_metrics(extractor(), IMAGE_SHAPE)
    model = build("fast", {**CONV, "spectral_norm": True, "regularize_every": 2}, metrics=metrics, clipnorm=0.1)
    validation = tf.data.Dataset.from_tensor_slices(IMAGES[:28]).batch(9)
    return model, model.fit(batches(IMAGES), epochs=2, validation_data=validation, verbose=0)


def conditional():
    """Labels, augmentation that follows overfitting, and a penalty at points that are drawn."""
    augmentation = {"augmentation": ["translation", "flip", "scaling", "brightness"], "augmentation_target": 0.1}
    changes = {"gradient_penalty": 1.0, "regularize_every": 1, **augmentation}
    model = build("fast-conditional", {**CONV, **changes}, metrics=[gan.metrics.ClassAgreement(extractor())])
    validation = arrays(model, 28)
    return model, model.fit(IMAGES, LABELS, batch_size=BATCH_SIZE, epochs=2, validation_data=validation, verbose=0)


def alternating():
    """A subclass with alternating updates, on a split of arrays."""
    changes = {"discriminator_steps": 2, "r2": 1.0, "averaging": 0.9}
    model = build("reference", {**MLP, **changes}, Weighted)
    return model, model.fit(IMAGES, batch_size=BATCH_SIZE, epochs=2, validation_split=0.2, verbose=0)


def clustered():
    """Clusters, which `fit` finds, in the place of labels."""
    model = build("fast", {**CONV, "clusters": 3}, metrics=gan.metrics.all_metrics(extractor(), IMAGE_SHAPE))
    return model, model.fit(batches(IMAGES), epochs=2, verbose=0)


CASES = [reference, fast, conditional, alternating, clustered]


def play(case):
    """Everything that users see of a model."""
    keras.utils.set_random_seed(0)
    model, history = case()
    figures = model.evaluate(*arrays(model, 28), batch_size=9, return_dict=True, verbose=0)
    on_batch = model.test_on_batch(*arrays(model, 9), return_dict=True)
    return {
        "weights": flat(model),
        "logs": np.array([history.history[name] for name in sorted(history.history)]),
        "evaluation": np.array([*figures.values(), *on_batch.values()]),
        "images": np.concatenate([generate(model, 1), generate(model, 7)]),
    }


def arrays(model, count):
    return (IMAGES[:count], LABELS[:count]) if model.num_classes else (IMAGES[:count],)


def generate(model, count):
    return model.generate(labels=LABELS[:count], seed=1) if model.num_classes else model.generate(count, seed=1)


def flat(model):
    return np.concatenate([weight.ravel() for weight in model.get_weights()])


def interrupt(folder):
    """Weights after two epochs without an interruption, and after one that changed the number of devices."""
    photos = folder / "photos.npz"
    np.savez(photos, x_train=RNG.integers(0, 256, (50, *IMAGE_SHAPE), "uint8"))

    def train(model, first, last):
        dataset = gan.datasets.load(photos, BATCH_SIZE, drop_remainder=True)
        model.fit(dataset, initial_epoch=first, epochs=last, verbose=0)
        return flat(model)

    def start():
        keras.utils.set_random_seed(0)
        return build("reference", {**MLP, "averaging": 0.9})

    results = {}
    for count in (1, 2):
        with devices(count):
            results[f"whole run on {count}"] = train(start(), 0, 2)
    with devices(2):
        model = start()
        results["saved on 2"] = train(model, 0, 1)
        model.save(folder / "model.keras")
    for count in {1, 2, MANY}:
        with devices(count):
            results[f"continued on {count}"] = train(gan.load_model(folder / "model.keras"), 1, 2)
    return results


def main():
    folder = Path(sys.argv[1])
    results = interrupt(folder)
    for case in CASES:
        for count in (1, MANY):
            with devices(count):
                results.update({f"{case.__name__}, {count}: {kind}": value for kind, value in play(case).items()})
    np.savez(folder / "results.npz", **results)


if __name__ == "__main__":
    main()
