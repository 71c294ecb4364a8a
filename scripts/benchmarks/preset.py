"""Measures how long a preset takes to reach the fid of the reference job."""

import os
import statistics

import measuring

import gan
from gan import options

REFERENCE_FID = 2.08
DESCRIPTION = """Measures how long a preset takes to reach the fid of the reference job.

The preset is trained until its fid, on the test images and with the extractor digits, is the fid that the reference job
has after 300 epochs. The time is compared with 300 epochs of the reference job. Before each run the reference job is
trained for three epochs, so that other load on the machine affects both sides; the median of the second and the third
is the time of its epoch. Neither time includes the measurement of the fid, after every epoch; the time of the preset
includes compiling.
"""


def build_parser():
    parser = measuring.make_parser("preset", DESCRIPTION)
    names = [name for name in gan.presets.PRESETS if name != "reference"]
    parser.add_argument("--preset", choices=names, default="fast", help="the preset to train (default: fast)")
    parser.add_argument(
        "--fid",
        type=options.positive_float,
        default=REFERENCE_FID,
        help="fid to reach (default: %(default)s, that of the reference job after 300 epochs on mnist)",
    )
    parser.add_argument(
        "--seeds", type=options.positive_int, default=3, metavar="N", help="number of runs (default: 3)"
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def fit(source, name, seed, epochs=None, fid=None):
    """Trains a preset for a number of epochs, or until it reaches a fid.

    Returns the seconds of each epoch and the last fid.
    """
    import keras

    def stop_at_fid(epoch, logs):
        if fid is not None:
            stop.model.stop_training = logs["val_fid"] <= fid

    stop = keras.callbacks.LambdaCallback(on_epoch_end=stop_at_fid)
    watch = measuring.Stopwatch()
    settings = gan.presets.resolve(name)
    metrics = None if fid is None else [gan.metrics.FrechetDistance()]
    epochs = epochs or settings["epochs"]
    history = measuring.fit_preset(source, settings, seed, epochs, watch, metrics, [stop]).history
    return watch.seconds, None if fid is None else history["val_fid"][-1]


def preset(source, name, fid, seeds):
    source, _ = measuring.read(source)
    print(f"{source}, until a fid of {fid:g}, on {os.cpu_count()} cores")
    print(f"\nseed   reference, s/epoch   {name}, s/epoch   epochs      fid        s   300 reference epochs / s")
    ratios = []
    for seed in range(seeds):
        _, *laps_of_reference = fit(source, "reference", seed, epochs=3)[0]
        reference = statistics.median(laps_of_reference)
        seconds, reached = fit(source, name, seed, fid=fid)
        ratios.append(300 * reference / sum(seconds))
        figures = f"{len(seconds):9}{reached:9.3f}{sum(seconds):9.1f}{ratios[-1]:12.1f}"
        note = "" if reached <= fid else "   not reached"
        print(f"{seed:4}{reference:21.2f}{statistics.median(seconds):{len(name) + 14}.2f}{figures}{note}", flush=True)
    print(f"\nmedian   {statistics.median(ratios):.1f}   goal: at least 20")


def main():
    arguments = parse_arguments()
    with measuring.running():
        preset(arguments.data, arguments.preset, arguments.fid, arguments.seeds)


if __name__ == "__main__":
    main()
