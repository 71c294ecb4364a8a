"""Measures what the networks cost: a step of training, and the grouped convolution of the residual networks."""

import argparse
import functools
import itertools
import statistics
import time

import measuring

import gan
from gan import cli, options

SHAPE = (32, 32, 3)
BATCH_SIZE = 64
ROUNDS = 5
STEPS = 8  # one batch in four is regularized
WIDTHS = (64, 32, 16, 16)
# Inputs of the grouped convolutions in the discriminator with expansion 2.
INPUTS = ((32, 32, 32), (16, 16, 32), (8, 8, 64), (4, 4, 128))
GROUP_SIZE = 16
DESCRIPTION = """Measures what the networks cost, on random images of 32x32x3 in batches of 64.

step           a step of fit with the losses and the regularizer of the preset fast, without its clusters, for the
               convolutional networks of fast and for the residual networks of gan.networks, with expansion 1 and 2
convolution    a grouped 3x3 convolution with its gradients: by gan.layers.GroupedConv2D, by
               keras.layers.Conv2D(groups=...), and without groups by keras.layers.Conv2D

All take turns, on TensorFlow, and what compiles comes before. Figures are medians over five rounds, ratios medians of
the ratios of each round.
"""


def build_parser():
    return options.ArgumentParser(
        description=DESCRIPTION,
        usage="python scripts/benchmarks/networks.py",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def build_models():
    """Returns a GAN for each pair of networks, by its name."""
    import keras

    settings = gan.presets.resolve("fast", {"clusters": 0})
    models = {"fast": gan.presets.build(settings, SHAPE)}
    for expansion in (1, 2):
        networks = (
            gan.build_residual_generator(widths=WIDTHS, expansion=expansion, image_shape=SHAPE),
            gan.build_residual_discriminator(SHAPE, WIDTHS, expansion=expansion),
        )
        model = gan.GAN(*networks, averaging=settings["averaging"])
        optimizers = [keras.optimizers.Adam(settings["generator_lr"], 0.0, 0.99) for _ in networks]
        penalties = [gan.regularizers.R1(settings["r1"], settings["regularize_every"])]
        model.compile(*optimizers, loss=settings["loss"], regularizers=penalties)
        models[f"residual, expansion {expansion}"] = model
    return models


def train(model, images):
    model.fit(images, batch_size=BATCH_SIZE, epochs=1, verbose=0)


def build_convolutions(shape):
    """Returns functions that compute a convolution and its gradients, by their names."""
    from keras import layers

    groups = shape[-1] // GROUP_SIZE
    return {
        "GroupedConv2D": differentiate(gan.layers.GroupedConv2D(GROUP_SIZE), shape),
        "Conv2D(groups)": differentiate(layers.Conv2D(shape[-1], 3, padding="same", groups=groups), shape),
        "Conv2D": differentiate(layers.Conv2D(shape[-1], 3, padding="same"), shape),
    }


def differentiate(layer, shape):
    """Returns a function that applies a layer and computes the gradients of its inputs and weights."""
    import tensorflow as tf

    images = tf.random.normal((BATCH_SIZE, *shape))
    layer.build(images.shape)

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(tf.square(layer(images)))
        return tape.gradient(total, [images, *(variable.value for variable in layer.trainable_variables)])

    return lambda: [gradient.numpy() for gradient in gradients()]


def take_turns(jobs, repetitions=1):
    """Runs all jobs in turn; returns the milliseconds of each repetition, without a first round, which compiles."""
    milliseconds = {name: [] for name in jobs}
    for round_, (name, job) in itertools.product(range(ROUNDS + 1), jobs.items()):
        started = time.perf_counter()
        job()
        if round_:
            milliseconds[name].append(1000 * (time.perf_counter() - started) / repetitions)
    return milliseconds


def print_table(title, milliseconds):
    """Prints medians, and how they compare with the first job."""
    first, *_ = milliseconds.values()
    print(title)
    for name, values in milliseconds.items():
        ratio = statistics.median(value / other for value, other in zip(values, first, strict=True))
        print(f"  {name:24}{statistics.median(values):8.1f} ms {ratio:8.2f} times the first")


def main():
    build_parser().parse_args()
    with measuring.running():
        import keras
        import numpy as np

        if keras.backend.backend() != "tensorflow":
            cli.fail("this benchmark needs KERAS_BACKEND=tensorflow.", 2)
        images = np.random.default_rng(0).uniform(-1, 1, (STEPS * BATCH_SIZE, *SHAPE)).astype("float32")
        fits = {name: functools.partial(train, model, images) for name, model in build_models().items()}
        print_table("step", take_turns(fits, STEPS))
        for shape in INPUTS:
            print_table(f"convolution of {'x'.join(map(str, shape))}", take_turns(build_convolutions(shape)))


if __name__ == "__main__":
    main()
