"""Small sources of images, as files."""

import io
import struct

import numpy as np
from PIL import Image

BYTES = np.random.default_rng(0).integers(0, 256, (50, 4, 5), "uint8")


def to_bytes(images):
    """Turns floats in [-1, 1] back into bytes."""
    return np.rint((images + 1) * 127.5).astype("uint8")


def a_pass(dataset):
    return np.concatenate(list(dataset.as_numpy_iterator()))


def encode_png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def encode_idx(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_npz(path, **arrays):
    np.savez(path, **arrays)
    return path


def write_idx(folder, prefix="", **arrays):
    """Writes `x_train`, `y_train`, `x_test` and `y_test` under the names of MNIST's files."""
    folder.mkdir(exist_ok=True)
    names = {"x_train": "train-images", "y_train": "train-labels", "x_test": "t10k-images", "y_test": "t10k-labels"}
    for name, array in arrays.items():
        (folder / f"{prefix}{names[name]}-idx{array.ndim}-ubyte").write_bytes(encode_idx(array.astype("uint8")))
    return folder


def write_photos(folder):
    """Writes pictures of three formats and sizes, one of them gray, into a folder and a subfolder."""
    colors = np.random.default_rng(1).integers(0, 256, (6, 6, 3), "uint8")
    smooth = Image.fromarray(colors).resize((90, 60), Image.Resampling.BICUBIC)
    (folder / "below").mkdir(parents=True)
    smooth.save(folder / "a.png")
    smooth.resize((40, 70)).save(folder / "b.JPG", quality=95)
    smooth.convert("L").resize((30, 30)).save(folder / "below/c.gif")
    (folder / "notes.txt").write_text("not an image")
    return folder
