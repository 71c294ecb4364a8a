"""Trains a feature extractor for the metrics on labeled images: a classifier that is saved as one file."""

import hashlib
from pathlib import Path

from gan import cli, options
from gan.text import format_count


def build_parser():
    parser = options.ArgumentParser(
        description=__doc__, usage="python scripts/train_extractor.py --data SOURCE --output FILE.keras [options]"
    )
    parser.add_argument(
        "--data",
        default="mnist",
        metavar="SOURCE",
        help="labeled images: mnist, fashion_mnist, mnist5k, an .npz file with labels, or a folder of IDX files with "
        "labels (default: mnist)",
    )
    parser.add_argument(
        "--epochs", type=options.positive_int, default=6, help="passes over the training images (default: 6)"
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


def read(data):
    """Returns training and test set as pairs of float images and labels."""
    import gan

    sets = {split: gan.datasets.read(data, split=split) for split in ("train", "test")}
    if any(labels is None for _, labels in sets.values()):
        raise ValueError(f"--data {data} has no labels. An extractor is a classifier and needs them.")
    return [(gan.images.to_float(images), labels) for images, labels in sets.values()]


def train(arguments):
    import gan

    output = arguments.output
    with cli.errors_exit(ValueError, status=2):
        training_set, test_set = read(arguments.data)
        # The metrics show an extractor by its name, which therefore is that of its file.
        network = gan.metrics.train_extractor(
            *training_set, arguments.epochs, arguments.seed, output.stem, validation_data=test_set, verbose=2
        )
    with gan.files.written_whole(output) as partial:
        network.save(partial)
    images, labels = test_set
    _, logits = network.predict(images, batch_size=256, verbose=0)
    accuracy = (logits.argmax(axis=1) == labels).mean()
    content = output.read_bytes()
    print(
        f"{output}: classifies {accuracy:.2%} of {format_count(len(labels), 'test image')} correctly; "
        f"{len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"
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
