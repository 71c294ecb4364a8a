"""Runs exported files with their own runtime, without Keras, as another program would.

    python run_exported.py FOLDER_OF_BENCHMARKS FORMAT FOLDER

runs each `NAME` or `NAME.suffix` in the folder on the first rows of the arrays of `NAME.npz`, and writes the images of
one row to `NAME-1.npy`, those of three rows to `NAME-3.npy`, and those of a hundred to `NAME-100.npy`.
"""

import sys
from pathlib import Path

import numpy as np


def main():
    from runtimes import LOADERS

    load, folder = LOADERS[sys.argv[2]], Path(sys.argv[3])
    for arrays in folder.glob("*.npz"):
        (path,) = (path for path in folder.glob(f"{arrays.stem}*") if path != arrays)
        program, inputs = load(path), dict(np.load(arrays))
        for count in (1, 3, 100):
            images = program({name: array[:count] for name, array in inputs.items()})
            np.save(folder / f"{arrays.stem}-{count}.npy", images)


if __name__ == "__main__":
    sys.modules["keras"] = None  # cannot be imported. TensorFlow imports it only if it can.
    sys.path.insert(0, sys.argv[1])
    main()
