"""Small runs to explore, of classes or clusters of 8x8 images: two epochs, both kept. Fixtures."""

import json

import keras
import numpy as np
import pytest

import gan

NAMES = ["circle", "square", "star"]


def make_run(folder, num_classes=3, clusters=None):
    """Trains a small GAN, whose images differ, as train.py would."""
    kinds = num_classes or clusters
    keras.utils.set_random_seed(0)
    generator = gan.build_generator(6, (32,), (8, 8, 1), kinds)
    generator.set_weights([2 * weight for weight in generator.get_weights()])
    discriminator = gan.build_discriminator((8, 8, 1), (8,), num_classes=kinds)
    model = gan.GAN(generator, discriminator, 0, num_classes, averaging=0.5, clusters=clusters)
    model.compile(keras.optimizers.Adam(0.02), keras.optimizers.Adam(0.02))
    rng = np.random.default_rng(0)
    data = [rng.uniform(-1, 1, (96, 8, 8, 1)).astype("float32")]
    if num_classes:
        data.append(np.arange(96) % num_classes)
    history = folder / "history.csv"
    callbacks = [
        gan.CSVHistory(history),
        gan.ImageGrid(folder / "images"),
        gan.Curves(folder / "curves.png", history),
        gan.Checkpoint(folder / "model.keras", keep_every=1),
    ]
    model.fit(*data, batch_size=32, epochs=2, verbose=0, callbacks=callbacks)
    config = {"arguments": {"preset": "reference", "epochs": 2}, "data": {"class_names": NAMES}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture(scope="session")
def classes_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "shapes")


@pytest.fixture(scope="session")
def clusters_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "clusters", None, 4)
