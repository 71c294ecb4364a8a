"""Measures what this library costs, next to what the same work costs without it."""

import argparse
import contextlib
import io
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import gan
from gan import cli
from tuning import processes
from tuning.layout import read_records

IMAGES = 60_000
TEST_IMAGES = 10_000
BATCH_SIZE = 256
ROUNDS = 12
EVALUATIONS = 5
REFERENCE_FID = 2.08

TRAIN = """Times the training of the reference job (60,000 images, batches of 256, the networks of gan.build_generator
and gan.build_discriminator, Adam 1e-4) in four ways, which take turns in one process:

  plain loop      a tutorial's tf.function with two gradient tapes, over float images shuffled one by one
  our step        what model.fit compiles, on one batch that is already in memory
  our fit         model.fit over gan.datasets.load with the callbacks of scripts/train.py
  input pipeline  gan.datasets.load with no model behind it

The floor is the time of a step's matrix products alone, at the rate that the machine reaches on these very products.
A Dense layer of W weights is a product of 2 x 256 x W FLOP forward, one more for the gradient of its weights, and one
for that of its inputs where something below it learns. For images of 28x28 that makes

  generator      1,483,776 weights: forward; weights; inputs but for the first layer's 25,600
  discriminator    532,736 weights: twice, for real and fake, forward; weights; inputs but for the first layer's
                   401,408; and once more inputs, on the way from the generator's loss to the generator

7,352,064 in all, and so 3.76 GFLOP a step.

Times are medians. An epoch is computed: its steps at their median, and what lies between the last step of an epoch and
the first of the next (files that callbacks write, a new order, a shuffle buffer to fill). Ratios are medians of the
rounds' own ratios, so that a load that comes and goes falls on both sides. Peak memory is that of a process of its
own.
"""
EVALUATE = """Times all metrics of gan.metrics, by the features of digits, in a fit of the reference job that is
validated on 10,000 real images against 10,000 generated ones: the first validation, which finds the features of the
real images too, the second, and for comparison an epoch of training, 235 steps at the median of those around them. The
validation that compiles is not among them, and told apart. Times are medians of five fits, ratios those of each fit.

Peak memory is that of processes of their own, which validate on 10,000, on 5,000 and on 2,500 images.
"""
TUNE = """Times a random sweep of scripts/tune.py with a worker on each core against keras-tuner's own search, which
runs the same trials one after the other: the reference job for a few epochs, at learning rates that differ. Counted is
all of it, from the start of the command to the end of the leaderboard, and the search from the start of Python. What
could be gained is measured first: one such trial alone with all cores, and as many at once as there are cores with one
each. Where the time of a trial goes is told of the one alone; Python's start and its imports, which our trials share,
of an interpreter of its own.

Memory is the sum over all processes of what they hold (PSS, where a page that several share counts once), at its peak
while the first four trials and while the last four were run. Linux only.
"""
PRESET = """Trains a preset until its fid, on the test images of the data and by the features of digits, is that which
the reference job has after its 300 epochs, and compares the time with that of 300 epochs of the reference job. Before
each run the reference job trains for three epochs, so that a load that comes and goes falls on both; the median of the
second and third is its epoch. What measures the fid, after every epoch, is in neither time; compiling is in the
preset's.
"""
# Trials of one size, whose memory can be compared.
TUNE_SPACE = {
    "latent_dim": 100,
    "batch_size": BATCH_SIZE,
    "generator_widths": [256, 512, 1024],
    "discriminator_widths": [512, 256],
    "dropout": 0.3,
    "beta_1": 0.9,
}
FEW_TRIALS = 4


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name, help, description):
        command = commands.add_parser(
            name, help=help, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        command.add_argument(
            "--data",
            default="auto",
            metavar="SOURCE",
            help="as in train.py, but no folder of images; a smaller set is repeated up to 60,000 (default: auto)",
        )
        return command

    add("train", "the speed and the memory of training", TRAIN).add_argument(
        "--steps", type=cli.positive_int, default=240, metavar="N", help="steps to time in each way (default: 240)"
    )
    add("evaluate", "the speed and the memory of the metrics", EVALUATE)
    tune = add("tune", "the speed and the memory of a sweep", TUNE)
    tune.add_argument(
        "--trials", type=cli.positive_int, default=20, metavar="N", help="trials of the sweep (default: 20)"
    )
    tune.add_argument("--epochs", type=cli.positive_int, default=2, metavar="N", help="of each trial (default: 2)")
    preset = add("preset", "the time that a preset takes to the fid of the reference job", PRESET)
    names = [name for name in gan.presets.PRESETS if name != "reference"]
    preset.add_argument("--preset", choices=names, default="fast", help="(default: fast)")
    preset.add_argument(
        "--fid",
        type=cli.positive_float,
        default=REFERENCE_FID,
        help="what the reference job has after 300 epochs (default: %(default)s, of the run that the README shows)",
    )
    preset.add_argument("--seeds", type=cli.positive_int, default=3, metavar="N", help="runs (default: 3)")
    return parser.parse_args()


def read(source):
    """The source's name and its training images, all in memory."""
    with cli.errors_exit(ValueError, status=2):
        source = gan.datasets.resolve(source)
        images, _ = gan.datasets.read(source)
        if isinstance(images, list):
            raise ValueError(f"--data {source} is a folder of images: name a source that fits into memory.")
    return source, images


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
        self.dataset = tf.data.Dataset.from_tensor_slices(images).shuffle(len(images)).batch(BATCH_SIZE)

    def run(self, steps):
        """Seconds of each step, and of what an epoch takes on top of its steps."""
        # Reading a loss waits for the step, on a GPU too.
        batches = self.dataset.repeat().take(steps + 1)
        first, *seconds = laps(batches, lambda images: float(self.train_step(images)[0]))
        return seconds, first - statistics.median(seconds)


class OurFit:
    """The reference job as scripts/train.py runs it."""

    def __init__(self, data, folder):
        import keras

        self.dataset = gan.datasets.load(data, BATCH_SIZE)
        image_shape = tuple(self.dataset.element_spec.shape[1:])
        self.model = gan.GAN(
            gan.build_generator(image_shape=image_shape), gan.build_discriminator(image_shape=image_shape)
        )
        self.model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
        self.model.make_train_function()
        self.prepared_batches = iter(self.dataset.take(1).cache().repeat())
        self.step_ends = []
        # All of train.py's but the GIF, which is made once, after the last epoch.
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
        """Seconds of each step, and of what an epoch takes on top of its steps."""
        self.step_ends.clear()
        batches = self.dataset.repeat().take(steps + 1)
        with contextlib.redirect_stdout(io.StringIO()):
            self.model.fit(batches, epochs=2, verbose=0, callbacks=self.callbacks)
        seconds = [end - start for start, end in itertools.pairwise(self.step_ends)]
        first = seconds.pop(steps)
        return seconds, first - statistics.median(seconds)

    def run_step(self, steps):
        """Seconds of each step on a batch in memory."""
        return laps(range(steps), lambda _: float(self.model.train_function(self.prepared_batches)["loss"]))


class OurEvaluation:
    """The reference job, validated with all metrics on the test images of the data."""

    def __init__(self, data):
        import keras

        self.model = gan.GAN(gan.build_generator(), gan.build_discriminator())
        metrics = gan.metrics.all_metrics("digits", self.model.image_shape)
        self.model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4), metrics=metrics)
        self.train, self.test = (gan.datasets.load(data, BATCH_SIZE, split=split) for split in ("train", "test"))

    def run(self, steps):
        """Seconds of each training step, and of the first two validations of a fit."""
        import keras

        step_ends, test_begins, test_ends = [], [], []
        timer = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: step_ends.append(time.perf_counter()),
            on_test_begin=lambda logs: test_begins.append(time.perf_counter()),
            on_test_end=lambda logs: test_ends.append(time.perf_counter()),
        )
        batches = self.train.take(steps)
        self.model.fit(batches, epochs=2, validation_data=self.test, callbacks=[timer], verbose=0)
        seconds = [end - start for start, end in itertools.pairwise(step_ends)]
        del seconds[steps - 1]  # the validation is in it
        return seconds, *(end - begin for begin, end in zip(test_begins, test_ends, strict=True))


def laps(items, work):
    """Seconds for each of the items, from the one before it to the end of its work."""
    seconds = []
    start = time.perf_counter()
    for item in items:
        work(item)
        seconds.append(time.perf_counter() - start)
        start += seconds[-1]
    return seconds


def matrix_products(generator, discriminator):
    """The matrix products of a step: what comes out, and the Dense layer's number of inputs and of units."""
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
    """A function that carries the products out, each on matrices of its own, lest one result serve for two."""
    import tensorflow as tf

    def operands(outcome, inputs, units):
        x, w, y = (tf.random.normal(shape) for shape in ((BATCH_SIZE, inputs), (inputs, units), (BATCH_SIZE, units)))
        return {"outputs": (x, w), "weights": (x, y), "inputs": (y, w)}[outcome]

    @tf.function
    def multiply(pairs):
        return [
            tf.matmul(one, other, transpose_a=outcome == "weights", transpose_b=outcome == "inputs")
            for (outcome, _), (one, other) in zip(products, pairs, strict=True)
        ]

    pairs = [operands(outcome, *shape) for outcome, shape in products]
    return lambda _: multiply(pairs)[-1].numpy()


def peak_megabytes(job, arguments):
    """The peak memory of this process after two short epochs."""
    import resource

    cli.import_keras()
    job(*arguments).run(steps=20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def measure_memory(jobs):
    """The peak memory, in MB, of each job: a class and its arguments."""
    # What is started by exec inherits the peak of the process that starts it; what a fork server forks does not.
    with ProcessPoolExecutor(2, multiprocessing.get_context("forkserver"), max_tasks_per_child=1) as pool:
        return list(pool.map(peak_megabytes, *zip(*jobs, strict=True)))


def train(source, steps):
    import numpy as np

    source, images = read(source)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data = folder / "images.npz"
        np.savez(data, x_train=np.resize(images, (IMAGES, *images.shape[1:])))
        plain_megabytes, fit_megabytes = measure_memory([(PlainLoop, (data,)), (OurFit, (data, folder))])
        megabytes = {"plain loop": plain_megabytes, "our fit": fit_megabytes}
        plain, ours = PlainLoop(data), OurFit(data, folder)
        products = matrix_products(ours.model.generator, ours.model.discriminator)
        multiply = compile_products(products)
        rounds = []
        for steps_now in [2] + [max(2, steps // ROUNDS)] * ROUNDS:
            seconds = {"our step": ours.run_step(steps_now), "floor": laps(range(steps_now), multiply)}
            seconds["plain loop"], plain_extra = plain.run(steps_now)
            seconds["our fit"], fit_extra = ours.run(steps_now)
            rounds.append((seconds, {"plain loop": plain_extra, "our fit": fit_extra}))
        del rounds[0]  # It compiled.
        pipeline = statistics.median(sum(laps(ours.dataset, lambda batch: None)) for _ in range(3))
        batches = len(ours.dataset)

    def ratio(one, other):
        return statistics.median(
            statistics.median(seconds[one]) / statistics.median(seconds[other]) for seconds, _ in rounds
        )

    step = {name: statistics.median(sum((seconds[name] for seconds, _ in rounds), [])) for name in rounds[0][0]}
    extra = {name: statistics.median(extras[name] for _, extras in rounds) for name in rounds[0][1]}
    epoch = {name: batches * step[name] + extra[name] for name in extra}
    print(f"{source} as {IMAGES:,} images, {batches} steps an epoch, on {os.cpu_count()} cores")
    print(f"\n{'':<16}ms a step   s between epochs   s an epoch   peak MB")
    for name in ("plain loop", "our fit"):
        print(f"{name:<16}{step[name] * 1e3:9.2f}{extra[name]:19.3f}{epoch[name]:13.2f}{megabytes[name]:10.0f}")
    print(f"{'our step':<16}{step['our step'] * 1e3:9.2f}")
    print(f"{'input pipeline':<16}{pipeline / batches * 1e3:9.2f}{pipeline:32.2f}")
    flop = sum(2 * BATCH_SIZE * inputs * units for _, (inputs, units) in products)
    rate = f"{flop / 1e9:.2f} GFLOP at {flop / step['floor'] / 1e9:.0f} GFLOP/s"
    print(f"{'floor':<16}{step['floor'] * 1e3:9.2f}   {rate}")
    print(f"\nour fit / plain loop  {ratio('our fit', 'plain loop'):6.3f}   goal: at most 0.85")
    print(f"our fit / our step    {ratio('our fit', 'our step'):6.3f}   goal: at most 1.03")
    print(f"input / epoch         {pipeline / epoch['our fit']:6.3f}   goal: below 0.03")
    print(f"our step / floor      {ratio('our step', 'floor'):6.3f}")
    print(f"plain loop / floor    {ratio('plain loop', 'floor'):6.3f}")


def evaluate(source):
    import numpy as np

    source, images = read(source)
    with tempfile.TemporaryDirectory() as folder:
        files = {count: Path(folder) / f"{count}.npz" for count in (TEST_IMAGES, TEST_IMAGES // 2, TEST_IMAGES // 4)}
        for count, file in files.items():
            x_train, x_test = (np.resize(images, (size, *images.shape[1:])) for size in (IMAGES, count))
            np.savez(file, x_train=x_train, x_test=x_test)
        megabytes = dict(zip(files, measure_memory([(OurEvaluation, (file,)) for file in files.values()]), strict=True))
        ours = OurEvaluation(files[TEST_IMAGES])
        _, compiling, _ = ours.run(steps=2)
        rounds = [ours.run(steps=20) for _ in range(EVALUATIONS)]
        epochs = [len(ours.train) * statistics.median(seconds) for seconds, _, _ in rounds]

    firsts, seconds = ([lap[place] for lap in rounds] for place in (1, 2))
    print(f"{source}, {TEST_IMAGES:,} real against {TEST_IMAGES:,} generated images, on {os.cpu_count()} cores\n")
    print(f"training epoch       {statistics.median(epochs):7.2f} s")
    print(f"first validation     {statistics.median(firsts):7.2f} s, {compiling:.2f} s where it compiles")
    print(f"second validation    {statistics.median(seconds):7.2f} s")
    for count, peak in megabytes.items():
        print(f"peak memory          {peak:7.0f} MB with {count:,} images")
    ratios = (
        statistics.median(one / other for one, other in zip(*pair, strict=True))
        for pair in ((firsts, epochs), (seconds, firsts))
    )
    print(f"\nfirst / epoch        {next(ratios):7.3f}   goal: below 1")
    print(f"second / first       {next(ratios):7.3f}   goal: below 0.5")


def trial_arguments(data, epochs):
    """What a search, or the `fit` of a hypermodel, is given."""
    train, test = (gan.datasets.load(data, BATCH_SIZE, split=split) for split in ("train", "test"))
    return [train], {
        "validation_data": test,
        "validation_freq": [epochs],
        "epochs": epochs,
        "verbose": 0,
    }


def run_trial(data, epochs):
    """Runs the reference job for a few epochs; seconds of its parts."""
    import keras
    import keras_tuner

    from tuning import GANHyperModel

    begin = time.perf_counter()
    step_ends, test_begins, test_ends = [], [], []
    timer = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: step_ends.append(time.perf_counter()),
        on_test_begin=lambda logs: test_begins.append(time.perf_counter()),
        on_test_end=lambda logs: test_ends.append(time.perf_counter()),
    )
    hypermodel, hp = GANHyperModel(space=TUNE_SPACE), keras_tuner.HyperParameters()
    arguments, named = trial_arguments(data, epochs)
    hypermodel.fit(hp, hypermodel.build(hp), *arguments, callbacks=[timer], **named)
    return {
        "load, build, trace, compile": step_ends[0] - begin,
        "training": step_ends[-1] - step_ends[0],
        "validation": test_ends[-1] - test_begins[-1],
        "all": time.perf_counter() - begin,
    }


def use_threads(count):
    os.environ.update(TF_NUM_INTRAOP_THREADS=str(count), TF_NUM_INTEROP_THREADS=str(count))


def run_trials(data, epochs, count):
    """Runs so many trials at once, each with its share of the cores; seconds of the parts of the slowest."""
    threads = processes.count_cores() // count
    with ProcessPoolExecutor(count, processes.get_context(), initializer=use_threads, initargs=(threads,)) as pool:
        return max(pool.map(run_trial, [data] * count, [epochs] * count), key=lambda parts: parts["all"])


def search_serially(data, epochs, values_of_trials, folder):
    """keras-tuner's own search, of trials that are known."""
    cli.import_keras()
    import keras_tuner

    from tuning import GANHyperModel

    class KnownTrials(keras_tuner.Oracle):
        def populate_space(self, trial_id):
            return {"status": "RUNNING", "values": values_of_trials[len(self.trials)]}

    oracle = KnownTrials(keras_tuner.Objective("val_fid", "min"), max_trials=len(values_of_trials))
    tuner = keras_tuner.Tuner(oracle, GANHyperModel(space=TUNE_SPACE), directory=folder, project_name="trials")
    arguments, named = trial_arguments(data, epochs)
    tuner.search(*arguments, **named)


class MemoryWatch(threading.Thread):
    """Megabytes that a process and all below it hold, and how many trials had been begun then."""

    def __init__(self, pid, folder):
        super().__init__(daemon=True)
        self.pid = pid
        self.folder = folder
        self.samples = []

    def run(self):
        while pids := descendants(self.pid):
            begun = len(list(self.folder.glob("trials/trial_*/trial.json")))
            self.samples.append((begun, sum(map(megabytes_of, pids))))
            time.sleep(0.5)

    def peak(self, first, last):
        return max(megabytes for begun, megabytes in self.samples if first <= begun <= last)


def descendants(pid):
    """The process and all below it that are alive."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    found = {pid} & set(parents)
    while new := {child for child, parent in parents.items() if parent in found} - found:
        found |= new
    return found


def megabytes_of(pid):
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # It has just ended.
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def tune(source, trials, epochs):
    import numpy as np

    source, images = read(source)
    cores = processes.count_cores()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data, space = folder / "images.npz", folder / "space.json"
        x_train, x_test = (np.resize(images, (size, *images.shape[1:])) for size in (IMAGES, TEST_IMAGES))
        np.savez(data, x_train=x_train, x_test=x_test)
        space.write_text(json.dumps(TUNE_SPACE))
        alone, together = (run_trials(data, epochs, count) for count in (1, cores))
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import tuning.preload"], check=True, capture_output=True)
        imports = time.perf_counter() - start

        start = time.perf_counter()
        command = [sys.executable, Path(__file__).with_name("tune.py"), "--data", data, "--space", space]
        command += ["--trials", str(trials), "--epochs", str(epochs), "--output", folder / "ours"]
        ours = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        our_memory = MemoryWatch(ours.pid, folder / "ours")
        our_memory.start()
        if ours.wait():
            raise RuntimeError("tune.py has failed.")
        our_seconds = time.perf_counter() - start

        records = read_records(folder / "ours")["trials"].values()
        values = [trial["hyperparameters"]["values"] for trial in records]
        start = time.perf_counter()
        arguments = (data, epochs, values, folder / "serial")
        serial = multiprocessing.get_context("spawn").Process(target=search_serially, args=arguments)
        serial.start()
        serial_memory = MemoryWatch(serial.pid, folder / "serial")
        serial_memory.start()
        serial.join()
        serial_seconds = time.perf_counter() - start

    print(f"{source} as {IMAGES:,} images, {trials} trials of {epochs} epochs, {cores} workers on {cores} cores")
    print(f"\none trial alone, {cores} threads   {alone['all']:8.1f} s")
    for part in ("load, build, trace, compile", "training", "validation"):
        print(f"  {part:<29}{alone[part]:6.1f} s")
    print(f"{cores} trials at once, a thread each{together['all']:7.1f} s")
    print(f"start of Python and imports    {imports:8.1f} s")
    print(f"\n{'':<24}{'s':>8}{'trials an hour':>16}{'MB, first 4':>14}{'MB, last 4':>12}")
    for name, seconds, memory in (
        ("tune.py", our_seconds, our_memory),
        ("keras-tuner's search", serial_seconds, serial_memory),
    ):
        peaks = memory.peak(1, FEW_TRIALS), memory.peak(trials - FEW_TRIALS + 1, trials)
        print(f"{name:<24}{seconds:8.1f}{3600 * trials / seconds:16.1f}{peaks[0]:14.0f}{peaks[1]:12.0f}")
    growth = our_memory.peak(trials - FEW_TRIALS + 1, trials) / our_memory.peak(1, FEW_TRIALS)
    print(f"\nceiling               {cores * alone['all'] / together['all']:7.3f}   of trials at once over one alone")
    print(f"tune.py / keras-tuner {serial_seconds / our_seconds:7.3f}   trials an hour, goal: at least 1.4")
    print(f"last / first memory   {growth:7.3f}   of tune.py, goal: at most 1.1")


def fit_preset(data, name, seed, epochs=None, fid=None):
    """Trains a preset for so many epochs, or until its fid is at most that; seconds of its epochs, and the last fid."""
    import keras

    class Stopwatch(keras.callbacks.Callback):
        """Counts an epoch from what follows the measurement of the one before it to its own last step."""

        def on_train_begin(self, logs=None):
            self.seconds, self.lap = [], time.perf_counter()

        def on_test_begin(self, logs=None):
            self.seconds.append(time.perf_counter() - self.lap)

        def on_epoch_end(self, epoch, logs=None):
            if fid is None:
                self.on_test_begin()
            else:
                self.fid = logs["val_fid"]
                self.model.stop_training = self.fid <= fid
            self.lap = time.perf_counter()

    settings = gan.presets.resolve(name)
    train, test = (
        gan.datasets.load(data, settings["batch_size"], seed=seed, split=split, labels=settings["conditional"])
        for split in ("train", "test")
    )
    num_classes = gan.datasets.count_classes(data) if settings["conditional"] else None
    keras.utils.set_random_seed(seed)
    metrics = None if fid is None else [gan.metrics.FrechetDistance()]
    model = gan.presets.build(settings, num_classes=num_classes, seed=seed, metrics=metrics)
    watch = Stopwatch()
    validation = None if fid is None else test
    model.fit(train, epochs=epochs or settings["epochs"], validation_data=validation, callbacks=[watch], verbose=0)
    return watch.seconds, None if fid is None else watch.fid


def preset(source, name, fid, seeds):
    source, _ = read(source)
    print(f"{source}, until a fid of {fid:g}, on {os.cpu_count()} cores")
    print(f"\nseed   reference, s an epoch   {name}, s an epoch   epochs      fid        s   300 reference epochs / s")
    ratios = []
    for seed in range(seeds):
        _, *laps_of_reference = fit_preset(source, "reference", seed, epochs=3)[0]
        reference = statistics.median(laps_of_reference)
        seconds, reached = fit_preset(source, name, seed, fid=fid)
        ratios.append(300 * reference / sum(seconds))
        figures = f"{len(seconds):9}{reached:9.3f}{sum(seconds):9.1f}{ratios[-1]:12.1f}"
        note = "" if reached <= fid else "   not reached"
        print(f"{seed:4}{reference:24.2f}{statistics.median(seconds):{len(name) + 17}.2f}{figures}{note}", flush=True)
    print(f"\nmedian   {statistics.median(ratios):.1f}   goal: at least 20")


def main():
    arguments = parse_arguments()
    try:
        cli.import_keras()
        if arguments.command == "train":
            train(arguments.data, arguments.steps)
        elif arguments.command == "evaluate":
            evaluate(arguments.data)
        elif arguments.command == "preset":
            preset(arguments.data, arguments.preset, arguments.fid, arguments.seeds)
        else:
            tune(arguments.data, arguments.trials, arguments.epochs)
    except KeyboardInterrupt:
        print("\nstopped.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
