"""Measures what truncation does to the quality of a trained model."""

from pathlib import Path

import measuring

import gan
from gan import cli

FACTORS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)
BATCH_SIZE = 500
DESCRIPTION = """Measures what truncation does to the quality of a trained model.

For each factor from 1 to 0.3, as many images as there are test images are generated from latents that are multiplied
by the factor, and compared with the test images. A table is printed, and the curve of precision and recall is drawn.
"""


def build_parser():
    parser = measuring.make_parser("truncation", DESCRIPTION)
    parser.add_argument("model", type=Path, metavar="RUN", help="a run's folder, or a .keras file")
    parser.add_argument("--extractor", default="digits", help="as in train.py (default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, default=Path("truncation.png"), help="the picture (default: %(default)s)"
    )
    return parser


def measure(model, test, metrics, factor):
    """Returns the figures of images that are generated with this truncation, and with the labels of the test images."""
    from gan import evaluation

    for metric in metrics:
        metric.reset_fake()
    for seed, (images, labels) in enumerate(evaluation.batches(test)):
        labels = labels if model.num_classes else None
        count = len(images) if labels is None else None
        outputs = metrics[0].extract(model.generate(count, seed=seed, labels=labels, truncation=factor))
        for metric in metrics:
            metric.update_fake({**outputs, "labels": labels})
    return gan.metrics.figures_of(metrics)


def draw(file, figures):
    """Draws precision against recall: a point for each factor, which is written beside it."""
    from matplotlib.figure import Figure

    from gan.images.plots import save_figure

    figure = Figure(figsize=(7, 5), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot([one["recall"] for one in figures], [one["precision"] for one in figures], marker="o")
    for factor, one in zip(FACTORS, figures, strict=True):
        axes.annotate(f"{factor:g}", (one["recall"], one["precision"]), (6, 6), textcoords="offset points")
    axes.set(xlabel="recall", ylabel="precision", title="truncation from 1 to 0.3")
    axes.margins(0.08)
    axes.grid(alpha=0.3)
    save_figure(file, figure)


def main():
    arguments = build_parser().parse_args()
    if arguments.output.suffix.lower() != ".png" or not arguments.output.parent.is_dir():
        cli.fail(f"--output {arguments.output} must be a .png file in an existing folder.", 2)
    with measuring.running():
        from gan import evaluation

        model, source = measuring.open_run(arguments.model, arguments.data)
        with cli.errors_exit(ValueError, status=2):
            test = gan.datasets.load(source, BATCH_SIZE, split="test", labels=model.num_classes is not None)
            extractor = gan.metrics.load_extractor(arguments.extractor)
            metrics = gan.metrics.all_metrics(extractor, model.image_shape)
        for metric in metrics:
            metric.build(model.image_shape)
        for images, labels in evaluation.batches(test):
            outputs = {**metrics[0].extract(images), "labels": labels}
            for metric in metrics:
                metric.update_real(outputs)
        names = ("fid", "precision", "recall", "coverage")
        print("truncation" + "".join(f"{name:>12}" for name in names), flush=True)
        figures = []
        for factor in FACTORS:
            figures.append(measure(model, test, metrics, factor))
            print(f"{factor:10g}" + "".join(f"{figures[-1][name]:12.4g}" for name in names), flush=True)
        draw(arguments.output, figures)
        print(f"\n{arguments.output}: precision against recall")


if __name__ == "__main__":
    main()
