"""Exports the generator of a trained GAN to a file that other programs run without Keras."""

from pathlib import Path

from gan import cli, options, runs
from gan.exports import formats, runtime


def build_parser():
    parser = options.ArgumentParser(
        description=__doc__, usage="python scripts/export.py RUN --format FORMAT --output PATH [options]"
    )
    parser.add_argument(
        "model",
        type=Path,
        metavar="RUN",
        help="a run's folder, whose best.keras is used, or else its model.keras; or a .keras file",
    )
    parser.add_argument(
        "--format",
        required=True,
        choices=formats.FORMATS,
        help="saved_model: a folder for TensorFlow; onnx: a .onnx file for ONNX Runtime, needs the extra 'onnx'; "
        "litert: a .tflite file for LiteRT (TensorFlow Lite); torch: a .pt2 file for PyTorch, needs the extra 'torch'; "
        "html: a page on which the generator runs in a browser, needs the extra 'onnx' and npm once",
    )
    parser.add_argument("--output", type=Path, required=True, metavar="PATH", help="the file or folder to write")
    parser.add_argument(
        "--truncation",
        type=options.positive_float,
        default=1.0,
        metavar="FACTOR",
        help="shortens the latents, so that images become more typical and more alike (default: 1, no truncation)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file or SavedModel")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def check(arguments):
    """Refuses arguments that cannot work, before Keras is imported."""
    with cli.errors_exit(ValueError, ImportError, status=2):
        arguments.model = runs.find_model(arguments.model)
        config = runs.read_config(runs.find_folder(arguments.model))
        arguments.class_names = config["data"].get("class_names") if config else None
        formats.check(arguments.format, arguments.output)
    if arguments.truncation > 1:
        cli.fail(f"--truncation must be at most 1, not {arguments.truncation:g}.", 2)
    cli.check_output(arguments.output, arguments.overwrite, is_folder=not formats.FORMATS[arguments.format].suffix)
    if arguments.format == "html":
        with cli.errors_exit(ImportError, OSError, status=1):
            runtime.read()


def export(arguments):
    import gan
    from gan import cards

    source, output, format, truncation = arguments.model, arguments.output, arguments.format, arguments.truncation
    with cli.errors_exit(ValueError, status=2):
        model = gan.load_model(source)
        with cli.errors_exit(RuntimeError, status=1):
            model.export(output, format, truncation, arguments.class_names if model.num_classes else None)
    kind = f"from {'latents and labels' if model.num_classes else 'latents'} to images"
    if format == "html":
        kind = f"a page of {output.stat().st_size / 1e6:.1f} MB to open in a browser"
    print(f"{output}: {kind}, exported from {source}")
    if card := cards.write_export_card(output, format, model, source, truncation):
        print(f"{card}: its model card; fill in the license")


def main():
    arguments = parse_arguments()
    check(arguments)
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit("A smaller network"):
            export(arguments)


if __name__ == "__main__":
    main()
