"""Measures the speed and the memory of the metrics."""

import itertools
import os
import statistics
import tempfile
import time
from pathlib import Path

import measuring

import gan

EVALUATIONS = 5
DESCRIPTION = """Measures the speed and the memory of the metrics.

The reference job is trained and validated with all metrics of gan.metrics, on the features of the extractor digits,
with 10,000 real and 10,000 generated images. Timed are the first validation, which extracts the features of the real
images too, the second validation, and for comparison an epoch of training: 235 steps at their median. A validation
that compiles comes before them and is listed separately. Times are medians of five fits; ratios are medians of the
ratios of each fit.

Peak memory is measured in separate processes, which validate on 10,000, on 5,000 and on 2,500 images.
"""


def build_parser():
    return measuring.make_parser("evaluate", DESCRIPTION)


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


class OurEvaluation:
    """The reference job, validated with all metrics on the test images."""

    def __init__(self, data):
        import keras

        self.model = gan.GAN(gan.build_generator(), gan.build_discriminator())
        metrics = gan.metrics.all_metrics("digits", self.model.image_shape)
        self.model.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4), metrics=metrics)
        self.train, self.test = (
            gan.datasets.load(data, measuring.BATCH_SIZE, split=split) for split in ("train", "test")
        )

    def run(self, steps):
        """Returns the seconds of each training step, of the first validation and of the second."""
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
        del seconds[steps - 1]  # includes the validation
        return seconds, *(end - begin for begin, end in zip(test_begins, test_ends, strict=True))


def evaluate(source):
    import numpy as np

    source, images = measuring.read(source)
    with tempfile.TemporaryDirectory() as folder:
        files = {
            count: Path(folder) / f"{count}.npz"
            for count in (measuring.TEST_IMAGES, measuring.TEST_IMAGES // 2, measuring.TEST_IMAGES // 4)
        }
        for count, file in files.items():
            x_train, x_test = (np.resize(images, (size, *images.shape[1:])) for size in (measuring.IMAGES, count))
            np.savez(file, x_train=x_train, x_test=x_test)
        megabytes = dict(
            zip(files, measuring.measure_memory([(OurEvaluation, (file,)) for file in files.values()]), strict=True)
        )
        ours = OurEvaluation(files[measuring.TEST_IMAGES])
        _, compiling, _ = ours.run(steps=2)
        rounds = [ours.run(steps=20) for _ in range(EVALUATIONS)]
        epochs = [len(ours.train) * statistics.median(seconds) for seconds, _, _ in rounds]

    firsts, seconds = ([lap[place] for lap in rounds] for place in (1, 2))
    print(
        f"{source}, {measuring.TEST_IMAGES:,} real and {measuring.TEST_IMAGES:,} generated images, "
        f"on {os.cpu_count()} cores\n"
    )
    print(f"training epoch       {statistics.median(epochs):7.2f} s")
    print(f"first validation     {statistics.median(firsts):7.2f} s, {compiling:.2f} s when it compiles")
    print(f"second validation    {statistics.median(seconds):7.2f} s")
    for count, peak in megabytes.items():
        print(f"peak memory          {peak:7.0f} MB with {count:,} images")
    ratios = (
        statistics.median(one / other for one, other in zip(*pair, strict=True))
        for pair in ((firsts, epochs), (seconds, firsts))
    )
    print(f"\nfirst / epoch        {next(ratios):7.3f}   goal: below 1")
    print(f"second / first       {next(ratios):7.3f}   goal: below 0.5")


def main():
    arguments = parse_arguments()
    with measuring.running():
        evaluate(arguments.data)


if __name__ == "__main__":
    main()
