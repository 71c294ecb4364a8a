"""Measures the quality of presets over the minutes of their training."""

import csv
import itertools
import json
import statistics
from pathlib import Path

import measuring

import gan
from gan import cli, options

RUN = ("preset", "seed", "data", "settings")
FIGURES = ("fid", "precision", "recall", "coverage", "agreement")
COLUMNS = (*RUN, "epoch", "minutes", *FIGURES)
DESCRIPTION = """Measures the quality of presets over the minutes of their training, on MNIST.

Each preset is trained and measured after 1, 2, 4, 8 and so on epochs and at its end, on the test images and with the
extractor digits. The minutes are those of training alone, with compilation and the search for clusters. Each finished
run is added to results.csv in the folder --output, a grid of its images is saved there, and learning_curves.png is
drawn anew: fid against minutes, the mean over the seeds. Runs that the file holds already are not repeated, unless the
preset or the data have changed. To measure on one core of a CPU, pin the command to it: taskset --cpu-list 0.
"""


def build_parser():
    parser = measuring.make_parser("learning_curves", DESCRIPTION)
    names = list(gan.presets.PRESETS)
    parser.add_argument(
        "--presets", nargs="+", choices=names, default=names, help="the presets to train (default: all)"
    )
    parser.add_argument("--seeds", nargs="+", type=options.natural_int, default=[0, 1, 2], help="(default: 0 1 2)")
    parser.add_argument(
        "--output", type=Path, default=Path("runs/results"), help="folder of the results (default: %(default)s)"
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def describe(source, name, seed):
    """Returns the columns that a run is known by."""
    settings = json.dumps(gan.presets.resolve(name), sort_keys=True)
    return {"preset": name, "seed": str(seed), "data": source, "settings": settings}


def measure(source, name, seed, output):
    """Trains a preset and saves a grid of its images. Returns a dict for each epoch that is measured."""
    settings = gan.presets.resolve(name)
    last = settings["epochs"]
    measured = sorted({2**power for power in range(last.bit_length()) if 2**power < last} | {last})
    watch = measuring.Stopwatch()
    metrics = gan.metrics.all_metrics("digits", (28, 28, 1), 10 if settings["conditional"] else None)
    fitted = measuring.fit_preset(
        source, settings, seed, last, watch, metrics, [gan.Progress()], validation_freq=measured
    )
    save_grid(output / f"{name}_{seed}.png", fitted.model)
    history = fitted.history
    return [
        {
            **describe(source, name, seed),
            "epoch": epoch,
            "minutes": sum(watch.seconds[:epoch]) / 60,
            **{key: history[f"val_{key}"][index] for key in FIGURES if f"val_{key}" in history},
        }
        for index, epoch in enumerate(measured)
    ]


def save_grid(file, model):
    """Saves four rows of ten images; with classes, a column shows one class."""
    columns = model.num_classes or 10
    labels = None if model.num_classes is None else [index % columns for index in range(4 * columns)]
    images = gan.images.to_uint8(model.generate(None if labels else 4 * columns, seed=0, labels=labels))
    gan.images.save_picture(file, gan.images.enlarge(gan.images.grid(images, columns, padding=2)))


def read_rows(file):
    if not file.exists():
        return []
    with open(file, newline="") as lines:
        return list(csv.DictReader(lines))


def write_rows(file, rows):
    with gan.files.written_whole(file) as partial, open(partial, "w", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def select(rows, source):
    """Returns the rows that measure these data and the presets as they are now."""
    return [
        row
        for row in rows
        if row["preset"] in gan.presets.PRESETS and describe(source, row["preset"], row["seed"]).items() <= row.items()
    ]


def draw(file, rows):
    """Draws the fid over the minutes, both logarithmic: a line for each preset, through the means over its seeds."""
    from matplotlib.figure import Figure

    from gan.images.plots import label_logarithmically, save_figure

    figure = Figure(figsize=(8, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    for name in dict.fromkeys(row["preset"] for row in rows):
        points = {}
        for row in rows:
            if row["preset"] == name:
                points.setdefault(int(row["epoch"]), []).append((float(row["minutes"]), float(row["fid"])))
        means = [[statistics.mean(values) for values in zip(*points[epoch], strict=True)] for epoch in sorted(points)]
        axes.plot(*zip(*means, strict=True), marker="o", label=name)
    axes.set(xscale="log", yscale="log", xlabel="minutes of training", ylabel="fid")
    for axis in (axes.xaxis, axes.yaxis):
        label_logarithmically(axis)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper")
    save_figure(file, figure)


def print_table(rows):
    """Prints the mean and the standard deviation of each figure at the end of each preset."""
    last = {(row["preset"], row["seed"]): row for row in rows}
    columns = ("minutes", *FIGURES)
    print(f"\n{'preset':18}seeds  " + "".join(f"{name:>17}" for name in columns))
    for name in dict.fromkeys(row["preset"] for row in rows):
        of_preset = [row for (preset, _), row in last.items() if preset == name]
        cells = ""
        for column in columns:
            values = [float(row[column]) for row in of_preset if row.get(column)]
            spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
            cells += f"{f'{statistics.mean(values):.3f}{spread}' if values else '':>17}"
        print(f"{name:18}{len(of_preset):5}  {cells}")


def main():
    arguments = parse_arguments()
    file = arguments.output / "results.csv"
    with measuring.running():
        with cli.errors_exit(ValueError, status=2):
            source = gan.datasets.resolve(options.resolve_data(arguments.data))
        for name, seed in itertools.product(arguments.presets, arguments.seeds):
            rows, run = read_rows(file), describe(source, name, seed)
            if not any(run.items() <= row.items() for row in rows):
                print(f"{name}, seed {seed}", flush=True)
                write_rows(file, rows + measure(source, name, seed, arguments.output))
            draw(arguments.output / "learning_curves.png", select(read_rows(file), source))
        print_table(select(read_rows(file), source))


if __name__ == "__main__":
    main()
