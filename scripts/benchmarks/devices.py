"""Measures how the work of a training step is divided among devices, and what they exchange. Needs JAX."""

import argparse
import contextlib
import multiprocessing
import os
import signal
import socket
import statistics
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import collectives
import measuring

import gan
from gan import cli, options
from gan.processes import Processes

PRESETS = ("reference", "fast")
DEVICES = (1, 2, 4)
BATCHES = (256, 4096)
ALONE, COPIES, TOGETHER = "one process", "two copies", "two processes"
MOST_FLOP, MOST_COLLECTIVES, LEAST_GAIN = 1.05, 2.0, 1.6  # the goals
# What the calculation assumes: a device's FLOP per second, and between devices bytes per second and seconds.
FLOP_RATE = 10e12
LINKS = {"8 GPUs in one machine": (8, 300e9, 10e-6), "64 hosts with a GPU each": (64, 25e9, 50e-6)}
DESCRIPTION = """Measures how JAX divides the work of a training step among devices, and what they exchange.

Work: The step, without clusters, is compiled for 1, 2 and 4 virtual devices of the CPU, which is exact on any machine.
FLOP are those of one device. The share is the FLOP of the step on one device, divided by the number of devices.
Collectives are the exchanges between devices; arrays that are reduced together count as one. The minimum is one for
the gradients of each network and one for the moments of each BatchNormalization, with the bytes of the trainable
weights and of a mean and a variance of each channel. The backward pass of BatchNormalization needs one more each,
which is not in the minimum. Logs are the scalars among the arrays: losses and accuracies.

Throughput (Linux with two cores): The step of the preset reference runs in processes of one thread, each on a core of
its own. Two processes that train together are compared with two copies that train independently on half the batch each
(the ceiling), and with one process that trains on the whole batch. They take turns, so that other load on the machine
affects all of them. Every step is waited for. Figures are medians over the rounds.

Calculation: What the preset reference would reach on machines that are not here. A step takes its FLOP at 10 TFLOP/s,
and each collective a latency and its bytes: a ring of n devices moves 2 (n - 1) / n times the bytes. Assumed are
300 GB/s and 10 us in one machine, 25 GB/s and 50 us between machines. Nothing is exchanged while a device computes.
"""


class Work(NamedTuple):
    """What a device does in one step.

    Attributes:
        flop: Float.
        found: List of `collectives.Collective`.
        fewest: Int, the fewest collectives that are possible.
        least: Int, the fewest bytes that are possible.
    """

    flop: float
    found: list
    fewest: int
    least: int

    @property
    def bytes(self):
        return sum(sum(one.arrays) for one in self.found)


def build_parser():
    parser = options.ArgumentParser(
        description=DESCRIPTION,
        usage="python scripts/benchmarks/devices.py [options]",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--rounds", type=options.positive_int, default=10, metavar="N", help="turns of each process (default: 10)"
    )
    return parser


class Step:
    """The training step that `fit` compiles, on one batch in memory, divided among the devices in use."""

    def __init__(self, preset, batch_size):
        import jax
        import keras
        import numpy as np

        keras.utils.set_random_seed(0)  # the same weights in all processes
        self.model = gan.presets.build(gan.presets.resolve(preset, {"clusters": 0}), seed=0)
        images = np.random.default_rng(0).uniform(-1, 1, (batch_size, *self.model.image_shape)).astype("float32")
        distribution = keras.distribution.distribution()
        if distribution is not None:
            share = images[jax.process_index() :: jax.process_count()]
            layout = distribution.get_data_layout(images.shape).backend_layout
            images = jax.make_array_from_process_local_data(layout, share)
        # A copy, because a step consumes the state that it is given.
        state = jax.tree.map(jax.numpy.copy, self.model._get_jax_state(*[True] * 4))
        shardings = None if distribution is None else (None, jax.tree.map(lambda value: value.sharding, state))
        step = jax.jit(self.model.train_step, donate_argnums=0, out_shardings=shardings)
        self.compiled = step.lower(state, images).compile()
        self.images, self.state = images, state

    def run(self, steps):
        """Returns the median seconds of a step."""
        return statistics.median(measuring.laps(range(steps), lambda _: self._train()))

    def _train(self):
        logs, self.state = self.compiled(self.state, self.images)
        return float(logs["loss"])


def examine(preset, count):
    """Compiles a step for some devices. Returns a `Work`."""
    import keras

    from gan import engines

    engines.use_devices(count)
    step = Step(preset, gan.presets.resolve(preset)["batch_size"])
    networks = step.model.generator, step.model.discriminator
    normalizations = [
        layer for network in networks for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    numbers = [variable.value.size for network in networks for variable in network.trainable_variables]
    moments = [2 * layer.moving_mean.shape[0] for layer in normalizations]
    return Work(
        step.compiled.cost_analysis()["flops"],
        collectives.find(step.compiled.as_text()),
        len(networks) + len(normalizations),
        4 * sum(numbers + moments),
    )


def start(core=None):
    """Starts a process for JAX, with one thread on a core of its own if there is a core."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), _initialize, (core,))


def _initialize(core):
    measuring.use_backend("jax")
    # Ctrl-C is for the process that waits for this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Gloo prints that it has connected
    if core is not None:
        os.environ["PJRT_NPROC"] = "1"
        os.sched_setaffinity(0, {core})
    cli.import_keras()


# What a process holds: the step that it trains with, and the processes that it trains with.
_held = {}


def connect(processes):
    """Lets this process train together with others."""
    from gan import engines

    processes.join()
    engines.use_devices(1)
    _held["processes"] = processes


def disconnect():
    _held["processes"].leave()


def prepare(batch_size):
    _held["step"] = Step("reference", batch_size)
    _held["step"].run(2)


def take_turn(steps):
    return _held["step"].run(steps)


def at_once(pools, function, *arguments):
    """Calls a function in several processes at the same time. Each argument is a list with an item for each process."""
    futures = [pool.submit(function, *its_own) for pool, *its_own in zip(pools, *arguments, strict=True)]
    return [future.result() for future in futures]


def images_per_second(pools, batch_size):
    """Lets processes that share a batch of so many images train at the same time."""
    steps = max(3, 5120 // batch_size)
    seconds = at_once(pools, take_turn, [steps] * len(pools))
    return sum(batch_size / len(pools) / one for one in seconds)


def measure_throughput(rounds):
    """Returns a dict from the size of the batch to rounds, dicts from the way to train to images per second."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        addresses = f"127.0.0.1:{free.getsockname()[1]}", "127.0.0.1:0"
    with contextlib.ExitStack() as stack:
        ways = {
            way: [stack.enter_context(start(core)) for core in its_cores]
            for way, its_cores in {ALONE: cores[:1], COPIES: cores, TOGETHER: cores}.items()
        }
        at_once(ways[TOGETHER], connect, [Processes(addresses, index) for index in range(2)])
        measured = {}
        for batch_size in BATCHES:
            for way, pools in ways.items():
                at_once(pools, prepare, [batch_size // 2 if way == COPIES else batch_size] * len(pools))
            measured[batch_size] = [
                {way: images_per_second(pools, batch_size) for way, pools in ways.items()} for _ in range(rounds)
            ]
        at_once(ways[TOGETHER], disconnect)
        return measured


def seconds_together(work, count, bandwidth, latency):
    """Returns the seconds of a step in which each of some devices does its work, and those of the exchange alone."""
    exchange = len(work.found) * latency + 2 * (count - 1) / count * work.bytes / bandwidth
    return work.flop / FLOP_RATE + exchange, exchange


def print_work(preset, works):
    whole = works[1].flop
    batch_size = gan.presets.resolve(preset)["batch_size"]
    print(f"\n{preset}, batches of {batch_size}: one step on one device takes {whole / 1e9:.3f} GFLOP")
    print("devices   FLOP / share   collectives / minimum        MB / minimum       logs")
    for count, work in works.items():
        number, least = len(work.found), work.least / 1e6
        logs = sum(one.scalars for one in work.found)
        ratios = f"{number / work.fewest:.2f}", f"{work.bytes / work.least:.2f}"
        print(
            f"{count:>7}{work.flop * count / whole:>15.3f}{number:>14} / {work.fewest} = {ratios[0]}"
            f"{work.bytes / 1e6:>13.3f} / {least:.3f} = {ratios[1]}{logs:>7}"
        )
    print(f"goals: at most {MOST_FLOP} times the share, and at most {MOST_COLLECTIVES:.0f} times the minimum")


def print_throughput(measured):
    print(f"\nreference on two cores, one thread a process; load {os.getloadavg()[0]:.1f}")
    print("  batch   " + "".join(f"{way + ', images/s':>26}" for way in (ALONE, COPIES, TOGETHER)), end="")
    print("   together / copies   together / one")
    for batch_size, rounds in measured.items():
        rates = [statistics.median(one[way] for one in rounds) for way in (ALONE, COPIES, TOGETHER)]
        ratios = [statistics.median(one[TOGETHER] / one[way] for one in rounds) for way in (COPIES, ALONE)]
        print(f"{batch_size:>7}   " + "".join(f"{rate:>26,.0f}" for rate in rates), end="")
        print(f"{ratios[0]:>20.2f}{ratios[1]:>17.2f}")
    print(f"goal: {TOGETHER} at least {LEAST_GAIN} times {ALONE}, with the largest batch")


def print_calculation(whole, divided):
    """Prints what other machines would reach.

    Args:
        whole: `Work` of one device.
        divided: `Work` of one of several devices.
    """
    batch_size = gan.presets.resolve("reference")["batch_size"]
    alone = whole.flop / FLOP_RATE
    print(f"\ncalculated: a step of {batch_size} images takes {1e3 * alone:.3f} ms on one GPU")
    print("                          exchange   same batch, divided   same batch on each   batch on each for 90%")
    for name, (count, *link) in LINKS.items():
        each, exchange = seconds_together(whole._replace(found=divided.found), count, *link)
        shared = alone / count + exchange
        enough = 9 * exchange / alone * batch_size
        print(
            f"{name:<24}{1e3 * exchange:>7.2f} ms{alone / shared:>16.1f} times{count * alone / each:>15.1f} times"
            f"{enough:>24,.0f}"
        )


def main():
    arguments = build_parser().parse_args()
    with measuring.running():
        works = {}
        for preset in PRESETS:
            for count in DEVICES:
                with start() as pool:
                    works[preset, count] = pool.submit(examine, preset, count).result()
            print_work(preset, {count: works[preset, count] for count in DEVICES})
        print_throughput(measure_throughput(arguments.rounds))
        print_calculation(works["reference", 1], works["reference", DEVICES[-1]])


if __name__ == "__main__":
    main()
