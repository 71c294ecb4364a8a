"""Tries what several devices cannot do, and prints the sentence of each refusal as JSON.

Usage: python refuse.py
"""

import functools
import json

from virtual import BACKEND, devices  # isort: skip, it makes the devices

import keras
import numpy as np
import tensorflow as tf

import gan

IMAGE_SHAPE = (6, 6, 1)
IMAGES = np.random.default_rng(0).uniform(-1, 1, (60, *IMAGE_SHAPE)).astype("float32")
CentralStorage = tf.distribute.experimental.CentralStorageStrategy
DATASET = tf.data.Dataset.from_tensor_slices(IMAGES)


class Uneven(keras.utils.PyDataset):
    """Batches of 8, and a last batch of 5."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return IMAGES[8 * index : 8 * (index + 1)][: 21 - 8 * index]


def distance():
    extractor = keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)])
    return gan.metrics.FrechetDistance(extractor)


def make(optimizer="sgd", noise=0.0, **arguments):
    discriminator = gan.build_discriminator(IMAGE_SHAPE, (8,))
    if noise:
        discriminator = keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.GaussianNoise(noise), discriminator])
    model = gan.GAN(gan.build_generator(5, (8,), IMAGE_SHAPE), discriminator, seed=0)
    model.compile(optimizer, "sgd", **arguments)
    return model


def load(batch_size, **arguments):
    np.savez("images.npz", x_train=np.zeros((61, *IMAGE_SHAPE), "uint8"))
    return gan.datasets.load("images.npz", batch_size, **arguments)


def on_two(action):
    with devices(2):
        return action()


def under(strategy):
    with strategy.scope():
        make()


def under_model_parallel():
    mesh = keras.distribution.DeviceMesh((1, 2), ["batch", "model"], keras.distribution.list_devices()[:2])
    with keras.distribution.ModelParallel(
        layout_map=keras.distribution.LayoutMap(mesh), batch_dim_name="batch"
    ).scope():
        return make()


def train_elsewhere():
    model = make()
    with devices(2):
        model.fit(IMAGES, batch_size=12, verbose=0)


def under_keras_distribution():
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0"]))
    try:
        make()
    finally:
        keras.distribution.set_distribution(None)


CASES = {
    "batch size": lambda: on_two(lambda: make().fit(IMAGES, batch_size=15, verbose=0)),
    "last batch of arrays": lambda: on_two(lambda: make().fit(IMAGES[:59], batch_size=12, verbose=0)),
    "last batch of a split": lambda: on_two(
        lambda: make().fit(IMAGES, batch_size=12, validation_split=0.25, verbose=0)
    ),
    "last batch of load": lambda: on_two(lambda: make().fit(load(12), verbose=0)),
    "last batch of a PyDataset": lambda: on_two(lambda: make().fit(Uneven(), verbose=0)),
    "unknown batch size": lambda: on_two(lambda: make().fit(DATASET.batch(12), verbose=0)),
    "odd batch": lambda: on_two(lambda: make().train_on_batch(IMAGES[:7])),
    "dropped by load": lambda: on_two(lambda: make().fit(load(12, drop_remainder=True), verbose=0)),
    "dropped by batch": lambda: on_two(lambda: make().fit(DATASET.batch(14, drop_remainder=True), verbose=0)),
}
CASES_OF = {
    "jax": {
        "model parallel": under_model_parallel,
        "built before": train_elsewhere,
    },
    "tensorflow": {
        "another strategy": lambda: under(CentralStorage(["CPU:0", "CPU:1"], "CPU:0")),
        "noise": lambda: on_two(lambda: make(noise=0.1)),
        "accumulation": lambda: on_two(lambda: make(keras.optimizers.SGD(gradient_accumulation_steps=2))),
        "steps per execution": lambda: on_two(lambda: make(steps_per_execution=2)),
        "compiled outside": lambda: on_two(make).compile("sgd", "sgd"),
        "optimizer of outside": lambda: on_two(functools.partial(make, keras.optimizers.Adam())),
        "extractor of outside": lambda: on_two(functools.partial(make, metrics=[distance()])),
        "keras.distribution": under_keras_distribution,
    },
}


def find_refusal(action):
    """The sentence of a refusal, None if there is none."""
    try:
        action()
    except ValueError as error:
        return str(error)


def main():
    print(json.dumps({name: find_refusal(action) for name, action in {**CASES, **CASES_OF[BACKEND]}.items()}))


if __name__ == "__main__":
    main()
