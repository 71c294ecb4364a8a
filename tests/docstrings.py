"""Runs the examples in all docstrings of `gan` and `tuning`, at reduced size, in the current folder.

An example may use the names of `names_for` without defining them. Examples that fail are listed on stdout.
"""

import ast
import doctest
import importlib
import json
import re
import traceback
from pathlib import Path

import keras
import keras_tuner
import numpy as np
from reduced import blocks, execute, shrink_training

import gan
import tuning

REPOSITORY = Path(__file__).parents[1]


def examples():
    """The examples of each docstring, as triples of a file, the docstring's first line and its text."""
    for path in sorted([*REPOSITORY.glob("gan/**/*.py"), *REPOSITORY.glob("tuning/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                text = ast.get_docstring(node)
                if text and (">>> " in text or "```python" in text):
                    yield path, node.body[0].lineno, text


class OutputChecker(doctest.OutputChecker):
    """Compares what an example prints with what is shown, where something is shown."""

    def check_output(self, want, got, optionflags):
        return not want or super().check_output(want, got, optionflags)


def make_model(num_classes=None):
    networks = gan.build_generator(num_classes=num_classes), gan.build_discriminator(num_classes=num_classes)
    model = gan.GAN(*networks, num_classes=num_classes)
    model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance()])
    return model


def make_images():
    return np.random.default_rng(0).uniform(-1, 1, (50, 28, 28, 1)).astype("float32")


def names_for(code):
    """What an example may use without a definition of its own."""
    makers = {
        "gan": lambda: gan,
        "keras": lambda: keras,
        "keras_tuner": lambda: keras_tuner,
        "np": lambda: np,
        "ops": lambda: keras.ops,
        "tuning": lambda: tuning,
        "model": lambda: make_model(num_classes=10 if "labels=" in code else None),
        "dataset": lambda: gan.datasets.load("mnist5k", split="train"),
        "test": lambda: gan.datasets.load("mnist5k", split="test"),
        "images": make_images,
        "real_images": make_images,
        "fake_images": make_images,
    }
    return {name: make() for name, make in makers.items() if re.search(rf"(?<![\w.]){name}\b", code)}


def write_files():
    """The folder of a run and an extractor, for examples that load them."""
    callbacks = [gan.Checkpoint("runs/mnist/model.keras"), gan.ImageGrid("runs/mnist/images")]
    make_model().fit(gan.datasets.load("mnist5k"), callbacks=callbacks, verbose=0)
    Path("runs/mnist/config.json").write_text(json.dumps({"arguments": {"preset": "fast"}}))
    keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()], name="fashion").save("fashion.keras")


def run(text, filename, line):
    """Runs the examples of one docstring, all in one namespace, and returns how many have failed."""
    programs = list(blocks(text, "python"))
    sessions = doctest.DocTestParser().get_examples(text)
    namespace = names_for("\n".join([*(code for _, code in programs), *(session.source for session in sessions)]))
    for start, code in programs:
        execute(code, namespace, filename, line + start - 1)
    test = doctest.DocTest(sessions, namespace, filename, filename, line - 1, text)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    return doctest.DocTestRunner(OutputChecker(), optionflags=options).run(test, clear_globs=False).failed


def main():
    shrink_training()
    write_files()
    failures = 0
    for path, line, text in examples():
        module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
        importlib.import_module(module.removesuffix(".__init__"))
        try:
            failures += run(text, str(path.relative_to(REPOSITORY)), line)
        except Exception:
            print(traceback.format_exc(limit=-3))
            failures += 1
    raise SystemExit(failures > 0)


if __name__ == "__main__":
    main()
