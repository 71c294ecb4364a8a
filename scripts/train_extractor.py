"""Trains a feature extractor for the metrics on your own images, with labels or without, and saves it as one file."""

from pathlib import Path

from gan import cli, extraction, options


def build_parser():
    parser = options.ArgumentParser(
        description=__doc__, usage="python scripts/train_extractor.py --data SOURCE --output FILE.keras [options]"
    )
    parser.add_argument(
        "--data",
        default="mnist",
        metavar="SOURCE",
        help="images: mnist, fashion_mnist, mnist5k, an .npz file or a folder (default: mnist)",
    )
    options.add_pictures(parser)
    parser.add_argument(
        "--no-labels", action="store_true", help="train without labels, by the prediction of rotations (RotNet)"
    )
    parser.add_argument(
        "--epochs",
        type=options.positive_int,
        help="passes over the training images (default: as many as take one or two minutes, at least 6 with labels)",
    )
    parser.add_argument("--seed", type=options.natural_int, default=0, help="seed of all random numbers (default: 0)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.keras", help="the file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def check(arguments):
    """Refuses arguments that cannot work, before Keras is imported."""
    if arguments.output.suffix != ".keras":
        cli.fail(f"--output {arguments.output} must end in .keras.", 2)
    cli.check_output(arguments.output, arguments.overwrite)
    arguments.data = options.resolve_data(arguments.data)


def train(arguments):
    import gan

    output = arguments.output
    with cli.errors_exit(ValueError, status=2):
        images = gan.datasets.open_source(
            arguments.data, arguments.image_shape, arguments.background or "white", arguments.skip_damaged
        )
        images.split("test")
    # The metrics show an extractor by its name, which therefore is that of its file.
    with cli.errors_exit(ValueError, status=1):
        extraction.write_extractor(
            images, output, output.stem, arguments.seed, arguments.epochs, not arguments.no_labels
        )


def main():
    arguments = parse_arguments()
    check(arguments)
    with cli.interruptible(lambda: "stopped; nothing was written."):
        cli.import_keras()
        with cli.failures_exit():
            train(arguments)


if __name__ == "__main__":
    main()
