"""Measures the speed and the memory of training."""

import contextlib
import io
import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import measuring

import gan
from gan import options

ROUNDS = 12
DESCRIPTION = """Measures the speed and the memory of training.

The reference job (60,000 images, batches of 256, the networks of gan.build_generator and gan.build_discriminator, Adam
with 1e-4) is timed in four ways, which take turns in one process:

  plain loop      a tutorial's tf.function with two gradient tapes, on float images that are shuffled one by one
  our step        the step that model.fit compiles, on one batch in memory
  our fit         model.fit on gan.datasets.load, with the callbacks of scripts/train.py
  input pipeline  gan.datasets.load without a model

The floor is the time of the matrix products of a step alone, at the rate that this machine reaches on them. A Dense
layer with W weights needs one product of 2 x 256 x W FLOP for its outputs, one for the gradient of its weights, and one
for the gradient of its inputs if a layer below it is trained. For images of 28x28:

  generator      1,483,776 weights: outputs; weights; inputs, except for the 25,600 weights of the first layer
  discriminator    532,736 weights: outputs and weights, once for real and once for generated images; inputs, both
                   times except for the 401,408 weights of the first layer, and once for the loss of the generator

This sums up to 7,352,064 weights and 3.76 GFLOP per step.

Times are medians. The time of an epoch is calculated: its steps at their median, and the time between the last step of
an epoch and the first step of the next (callbacks that write files, a new order, a shuffle buffer to fill). Ratios are
medians of the ratios of each round, so that other load on the machine affects both sides. Peak memory is measured in
separate processes.
"""


def build_parser():
    parser = measuring.make_parser("train", DESCRIPTION)
    parser.add_argument(
        "--steps", type=options.positive_int, default=240, metavar="N", help="steps to time in each way (default: 240)"
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


class PlainLoop:
    """The reference job as tutorials write it."""

    def __init__(self, data):
        import keras
        import tensorflow as tf

        images = gan.datasets.read(data)[0].astype("float32") / 127.5 - 1
        generator = gan.build_generator(image_shape=images.shape[1:])
        discriminator = gan.build_discriminator(image_shape=images.shape[1:])
        generator_optimizer = keras.optimizers.Adam(1e-4)
        discriminator_optimizer = keras.optimizers.Adam(1e-4)
        cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)

        @tf.function
        def train_step(images):
            noise = tf.random.normal([tf.shape(images)[0], generator.input_shape[-1]])
            with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
                fakes = generator(noise, training=True)
                real_logits = discriminator(images, training=True)
                fake_logits = discriminator(fakes, training=True)
                g_loss = cross_entropy(tf.ones_like(fake_logits), fake_logits)
                d_loss = cross_entropy(tf.ones_like(real_logits), real_logits)
                d_loss += cross_entropy(tf.zeros_like(fake_logits), fake_logits)
            g_gradients = g_tape.gradient(g_loss, generator.trainable_variables)
            d_gradients = d_tape.gradient(d_loss, discriminator.trainable_variables)
            generator_optimizer.apply_gradients(zip(g_gradients, generator.trainable_variables, strict=True))
            discriminator_optimizer.apply_gradients(zip(d_gradients, discriminator.trainable_variables, strict=True))
            return g_loss, d_loss

        self.train_step = train_step
        self.dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images)).batch(measuring.BATCH_SIZE)

    def run(self, steps):
        """Returns the seconds of each step, and the seconds between two epochs."""
        # Reading a loss waits until its step is finished, on a GPU too.
        batches = self.dataset.repeat().take(steps + 1)
        first, *seconds = measuring.laps(batches, lambda images: float(self.train_step(images)[0]))
        return seconds, first - statistics.median(seconds)


class OurFit:
    """The reference job as `scripts/train.py` runs it."""

    def __init__(self, data, folder):
        import keras

        self.dataset = gan.datasets.load(data, measuring.BATCH_SIZE)
        image_shape = tuple(self.dataset.element_spec.shape[1:])
        self.model = gan.GAN(
            gan.build_generator(image_shape=image_shape), gan.build_discriminator(image_shape=image_shape)
        )
        self.model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
        self.model.make_train_function()
        self.prepared_batches = iter(self.dataset.take(1).cache().repeat())
        self.step_ends = []
        # Those of train.py that write files in every epoch.
        self.callbacks = [
            gan.CSVHistory(folder / "history.csv"),
            gan.ImageGrid(folder / "images"),
            gan.Checkpoint(folder / "model.keras"),
            gan.Progress(),
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: self.step_ends.append(time.perf_counter())
            ),
        ]

    def run(self, steps):
        """Returns the seconds of each step, and the seconds between two epochs."""
        self.step_ends.clear()
        batches = self.dataset.repeat().take(steps + 1)
        with contextlib.redirect_stdout(io.StringIO()):
            self.model.fit(batches, epochs=2, verbose=0, callbacks=self.callbacks)
        seconds = [end - start for start, end in itertools.pairwise(self.step_ends)]
        first = seconds.pop(steps)
        return seconds, first - statistics.median(seconds)

    def run_step(self, steps):
        """Returns the seconds of each step on a batch in memory."""
        return measuring.laps(range(steps), lambda _: float(self.model.train_function(self.prepared_batches)["loss"]))


def matrix_products(generator, discriminator):
    """Lists the matrix products of a step: their outcome, and the numbers of inputs and units of the Dense layer."""
    import keras

    g, d = (
        [tuple(layer.kernel.shape) for layer in network.layers if isinstance(layer, keras.layers.Dense)]
        for network in (generator, discriminator)
    )
    return [
        *(("outputs", shape) for shape in g + d + d),
        *(("weights", shape) for shape in g + d + d),
        *(("inputs", shape) for shape in g[1:] + d[1:] + d[1:] + d),
    ]


def compile_products(products):
    """Compiles a function that computes the products. Each has its own matrices, so that no result is reused."""
    import tensorflow as tf

    def operands(outcome, inputs, units):
        x, w, y = (
            tf.random.normal(shape)
            for shape in ((measuring.BATCH_SIZE, inputs), (inputs, units), (measuring.BATCH_SIZE, units))
        )
        return {"outputs": (x, w), "weights": (x, y), "inputs": (y, w)}[outcome]

    @tf.function
    def multiply(pairs):
        return [
            tf.matmul(one, other, transpose_a=outcome == "weights", transpose_b=outcome == "inputs")
            for (outcome, _), (one, other) in zip(products, pairs, strict=True)
        ]

    pairs = [operands(outcome, *shape) for outcome, shape in products]
    return lambda _: multiply(pairs)[-1].numpy()


def train(source, steps):
    import numpy as np

    source, images = measuring.read(source)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data = folder / "images.npz"
        np.savez(data, x_train=np.resize(images, (measuring.IMAGES, *images.shape[1:])))
        plain_megabytes, fit_megabytes = measuring.measure_memory([(PlainLoop, (data,)), (OurFit, (data, folder))])
        megabytes = {"plain loop": plain_megabytes, "our fit": fit_megabytes}
        plain, ours = PlainLoop(data), OurFit(data, folder)
        products = matrix_products(ours.model.generator, ours.model.discriminator)
        multiply = compile_products(products)
        rounds = []
        for steps_now in [2] + [max(2, steps // ROUNDS)] * ROUNDS:
            seconds = {"our step": ours.run_step(steps_now), "floor": measuring.laps(range(steps_now), multiply)}
            seconds["plain loop"], plain_extra = plain.run(steps_now)
            seconds["our fit"], fit_extra = ours.run(steps_now)
            rounds.append((seconds, {"plain loop": plain_extra, "our fit": fit_extra}))
        del rounds[0]  # it compiled
        pipeline = statistics.median(sum(measuring.laps(ours.dataset, lambda batch: None)) for _ in range(3))
        batches = len(ours.dataset)

    def ratio(one, other):
        return statistics.median(
            statistics.median(seconds[one]) / statistics.median(seconds[other]) for seconds, _ in rounds
        )

    step = {name: statistics.median(sum((seconds[name] for seconds, _ in rounds), [])) for name in rounds[0][0]}
    extra = {name: statistics.median(extras[name] for _, extras in rounds) for name in rounds[0][1]}
    epoch = {name: batches * step[name] + extra[name] for name in extra}
    print(f"{source} as {measuring.IMAGES:,} images, {batches} steps per epoch, on {os.cpu_count()} cores")
    print(f"\n{'':<16}{'ms/step':>9}{'s between epochs':>19}{'s/epoch':>13}{'peak MB':>10}")
    for name in ("plain loop", "our fit"):
        print(f"{name:<16}{step[name] * 1e3:9.2f}{extra[name]:19.3f}{epoch[name]:13.2f}{megabytes[name]:10.0f}")
    print(f"{'our step':<16}{step['our step'] * 1e3:9.2f}")
    print(f"{'input pipeline':<16}{pipeline / batches * 1e3:9.2f}{pipeline:32.2f}")
    flop = sum(2 * measuring.BATCH_SIZE * inputs * units for _, (inputs, units) in products)
    rate = f"{flop / 1e9:.2f} GFLOP at {flop / step['floor'] / 1e9:.0f} GFLOP/s"
    print(f"{'floor':<16}{step['floor'] * 1e3:9.2f}   {rate}")
    print(f"\nour fit / plain loop  {ratio('our fit', 'plain loop'):6.3f}   goal: at most 0.85")
    print(f"our fit / our step    {ratio('our fit', 'our step'):6.3f}   goal: at most 1.03")
    print(f"input / epoch         {pipeline / epoch['our fit']:6.3f}   goal: below 0.03")
    print(f"our step / floor      {ratio('our step', 'floor'):6.3f}")
    print(f"plain loop / floor    {ratio('plain loop', 'floor'):6.3f}")


def main():
    arguments = parse_arguments()
    with measuring.running():
        train(arguments.data, arguments.steps)


if __name__ == "__main__":
    main()
