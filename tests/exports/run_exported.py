"""Runs exported files with their own runtime, without Keras, as another program would.

    python run_exported.py FOLDER_OF_BENCHMARKS FORMAT FOLDER

runs each `NAME` or `NAME.suffix` in the folder on the arrays of `NAME.npz`, once on the first rows alone and once on
all rows, and writes the images to `NAME-1.npy` and `NAME-all.npy`.
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
        first = {name: array[:1] for name, array in inputs.items()}
        images = {"1": program(first), "all": program(inputs)}
        for name, batch in images.items():
            np.save(folder / f"{arrays.stem}-{name}.npy", batch)


if __name__ == "__main__":
    sys.modules["keras"] = None  # cannot be imported. TensorFlow imports it only if it can.
    sys.path.insert(0, sys.argv[1])
    main()
