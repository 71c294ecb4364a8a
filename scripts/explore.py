"""Opens a web page to explore what a trained GAN generates, or to watch a run that still trains."""

import importlib.util
import os
import signal
import socket
import threading
from pathlib import Path

from gan import cli, options
from gan.explorer.folder import RunFolder


def build_parser():
    parser = options.ArgumentParser(description=__doc__, usage="python scripts/explore.py RUN [options]")
    parser.add_argument(
        "run",
        type=Path,
        metavar="RUN",
        help="a run's folder, whose best.keras is used, or else its model.keras; or a .keras file",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on. 0.0.0.0 lets all that can reach this machine use the page, without a password "
        "(default: 127.0.0.1, this machine only)",
    )
    parser.add_argument(
        "--port", type=options.positive_int, help="port to listen on (default: the first free one from 7860)"
    )
    parser.add_argument(
        "--share",
        action="store_true",
        help="ask Gradio's server for a public address of the page, which works for a week. It needs the internet",
    )
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def check(arguments):
    """Refuses arguments that cannot work, before Keras is imported."""
    if arguments.port and arguments.port > 65535:
        cli.fail(f"--port must be at most 65535, not {arguments.port}.", 2)
    with cli.errors_exit(ValueError, status=2):
        RunFolder(arguments.run)
    try:
        with socket.create_server((arguments.host, arguments.port or 0)):
            pass
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        where = f"--host {arguments.host}" + (f" --port {arguments.port}" if arguments.port else "")
        cli.fail(f"{where} cannot be listened on ({reason}).", 2)
    if not importlib.util.find_spec("gradio"):
        cli.fail("the page needs the extra 'explore'. Run: pip install -e '.[explore]'", 2)


def explore(arguments):
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    from gan.explorer.page import opened

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, which removes temporary files
    with (
        cli.errors_exit(ValueError, status=2),
        opened(arguments.run, arguments.host, arguments.port, arguments.share) as (address, public),
    ):
        print(f"The page is at {address}" + (f" and {public}" if public else "") + ". Press Ctrl-C to end.", flush=True)
        threading.Event().wait()


def main():
    arguments = parse_arguments()
    check(arguments)
    with cli.interruptible():
        cli.import_keras()
        with cli.failures_exit("A smaller model"):
            explore(arguments)


if __name__ == "__main__":
    main()
