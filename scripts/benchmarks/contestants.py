"""The ways to train that `train.py` compares. Each engine has a process of its own, which holds its ways."""

import contextlib
import importlib
import importlib.util
import io
import itertools
import multiprocessing
import signal
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import measuring
import numpy as np

import gan
from gan import cli

LOOP, FIT, STEP, FLOOR = "hand-written loop", "our fit", "our step", "floor"
HAND_WRITTEN = {"reference": ("tensorflow", "jax", "torch"), "fast": ("tensorflow", "torch")}


class Engine(NamedTuple):
    """A backend of Keras, and whether XLA compiles what would run without it."""

    backend: str
    jit_compile: bool = False

    @property
    def is_installed(self):
        return importlib.util.find_spec(self.backend) is not None


class Job(NamedTuple):
    """What is trained, and where its files are."""

    preset: str
    data: Path
    folder: Path

    @property
    def settings(self):
        # The hand-written loops know no clusters.
        return gan.presets.resolve(self.preset, {"clusters": 0})


def ways(engine, preset):
    """Lists the ways to train a preset on an engine."""
    has_loop = engine.backend in HAND_WRITTEN[preset]
    return [*([LOOP] if has_loop else []), FIT, STEP, *([FLOOR] if preset == "reference" else [])]


def peer(engine):
    """Returns the module of hand-written code for an engine, and the options of what it compiles."""
    return importlib.import_module(f"peers.{engine.backend}"), {"jit_compile": True} if engine.jit_compile else {}


class HandWritten:
    """The loop of a user who writes it by hand."""

    def __init__(self, engine, job):
        module, options = peer(engine)
        self.loop = module.Loop(job.settings, gan.images.to_float(gan.datasets.read(job.data)[0]), **options)

    def run(self, steps):
        """Returns the seconds of each step, and the seconds between two epochs."""
        first, *seconds = measuring.laps(itertools.islice(self.loop.batches(), steps + 1), self.loop.train)
        return seconds, first - statistics.median(seconds)


class OurFit:
    """The job as `scripts/train.py` runs it."""

    def __init__(self, engine, job):
        import keras

        self.dataset = gan.datasets.load(job.data, job.settings["batch_size"])
        self.model = gan.presets.build(job.settings, tuple(self.dataset.element_spec.shape[1:]), seed=0)
        if engine.jit_compile:
            self.model.jit_compile = True
        self.step_ends = []
        # Those of train.py that write files in every epoch.
        self.callbacks = [
            gan.CSVHistory(job.folder / "history.csv"),
            gan.ImageGrid(job.folder / "images"),
            gan.Checkpoint(job.folder / "model.keras"),
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


class OurStep:
    """What `fit` compiles and calls for each batch, on one batch in memory."""

    def __init__(self, engine, ours):
        self.model = ours.model
        self.model.make_train_function()
        self.step = getattr(self, f"_step_on_{engine.backend}")
        batch = ours.dataset.take(1)
        if engine.backend == "tensorflow":
            self.batches = iter(batch.cache().repeat())
        else:
            self.batches = itertools.repeat(np.array(next(iter(batch))))
        if engine.backend == "jax":
            import jax

            # A copy, because a step consumes the state that it is given.
            state = self.model._get_jax_state(*[True] * 4)
            self.state = jax.tree.map(jax.numpy.copy, state)

    def _step_on_tensorflow(self):
        return self.model.train_function(self.batches)

    def _step_on_jax(self):
        logs, self.state = self.model.train_function(self.state, self.batches)
        return logs

    def _step_on_torch(self):
        import torch

        return self.model.train_function((torch.from_numpy(next(self.batches)),))

    def run(self, steps):
        """Returns the seconds of each step. Nothing lies between two epochs."""
        return measuring.laps(range(steps), lambda _: float(self.step()["loss"])), 0.0


class Floor:
    """The matrix products of a step alone."""

    def __init__(self, engine, ours):
        module, options = peer(engine)
        rng = np.random.default_rng(0)
        products = []
        for outcome, (inputs, units) in matrix_products(ours.model.generator, ours.model.discriminator):
            # Each product has its own matrices, so that no result is reused.
            x, w, y = (
                rng.normal(size=shape).astype("float32")
                for shape in ((measuring.BATCH_SIZE, inputs), (inputs, units), (measuring.BATCH_SIZE, units))
            )
            operands = {"outputs": (x, w), "weights": (x, y), "inputs": (y, w)}[outcome]
            products.append((*operands, outcome == "weights", outcome == "inputs"))
        self.multiply = module.compile_products(products, **options)

    def run(self, steps):
        """Returns the seconds of each repetition. Nothing lies between two epochs."""
        return measuring.laps(range(steps), lambda _: self.multiply()), 0.0


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


# What the process of an engine holds: the ways that it has prepared.
_prepared = {}


def start_process(engine):
    """Starts a process in which Keras uses an engine. It lives as long as the pool that is returned."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _initialize, (engine.backend,))


def _initialize(backend):
    measuring.use_backend(backend)
    # Ctrl-C is for the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def prepare(engine, job):
    """Builds all ways to train a job on the engine of this process."""
    cli.import_keras()
    ours = OurFit(engine, job)
    make = {
        LOOP: lambda: HandWritten(engine, job),
        FIT: lambda: ours,
        STEP: lambda: OurStep(engine, ours),
        FLOOR: lambda: Floor(engine, ours),
    }
    _prepared.update({way: make[way]() for way in ways(engine, job.preset)})


def take_turn(way, steps):
    """Trains for some steps in one way. Returns the seconds of each step, and the seconds between two epochs."""
    return _prepared[way].run(steps)
