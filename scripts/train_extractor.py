"""Trains a feature extractor for the metrics of gan.metrics on labelled images."""

import argparse
import hashlib
import sys
from pathlib import Path

from gan import cli


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data",
        default="mnist",
        metavar="SOURCE",
        help="mnist, fashion_mnist, mnist5k, an .npz file or a folder of IDX files, with labels (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=cli.positive_int, default=6, help="passes (default: %(default)s)")
    parser.add_argument(
        "--seed", type=cli.natural_int, default=0, help="seed of everything random (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.keras", help="the file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace the file where it exists")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    output = arguments.output
    if output.suffix != ".keras":
        cli.fail(f"--output {output} must end in .keras.", 2)
    cli.check_output(output, arguments.overwrite)
    try:
        cli.import_keras()
        import gan

        with cli.errors_exit(ValueError, status=2):
            sets = {split: gan.datasets.read(arguments.data, split=split) for split in ("train", "test")}
            if any(labels is None for _, labels in sets.values()):
                raise ValueError(f"--data {arguments.data} has no labels: an extractor learns to tell classes apart.")
        scaled = {split: (gan.images.to_float(images), labels) for split, (images, labels) in sets.items()}
        # Its file's name is the name that is shown beside its figures.
        network = gan.metrics.train_extractor(
            *scaled["train"], arguments.epochs, arguments.seed, output.stem, validation_data=scaled["test"], verbose=2
        )
        with cli.errors_exit(OSError, status=1), gan.files.written_whole(output) as partial:
            network.save(partial)
        images, labels = scaled["test"]
        _, logits = network.predict(images, batch_size=256, verbose=0)
        content = output.read_bytes()
        print(
            f"{output}: {(logits.argmax(axis=1) == labels).mean():.2%} of {len(labels):,} test images are classified "
            f"rightly, {len(content):,} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"
        )
    except KeyboardInterrupt:
        print("\nstopped; nothing was written.", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
