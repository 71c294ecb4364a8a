"""Arrays of images become grids, pictures and animations. Nothing here knows a model."""

import math

import imageio.v3 as imageio
import numpy as np
from matplotlib import image as matplotlib_image
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogLocator, MaxNLocator

from gan.files import written_whole

PICTURE_PIXELS = 448
FRAME_PIXELS = 256
FRAME_LEVELS = 16
MAX_FRAMES = 300
MAX_ANIMATION_BYTES = 5_000_000


def check(images, shape):
    """Makes sure that images are what a GAN trains on.

    Args:
        images: Array, one batch or a whole set.
        shape: `(height, width, channels)` that each image must have.

    Raises:
        TypeError: The images are not floats.
        ValueError: There are none, or they have another shape, a NaN, an infinity or a value outside of [-1, 1].
    """
    if images.shape[1:] != tuple(shape):
        raise ValueError(
            f"images must have the shape (batch, {', '.join(map(str, shape))}) that the networks were built for, "
            f"not {images.shape}."
        )
    if not len(images):
        raise ValueError("images must hold at least one image, and there is none.")
    if not np.issubdtype(images.dtype, np.floating):
        raise TypeError(f"images must be floats in [-1, 1], not {images.dtype}: scale them by images / 127.5 - 1.")
    low, high = images.min(), images.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("images must be finite, and there is a NaN or an infinity among them.")
    if low < -1 or high > 1:
        if low < 0:
            likely = ""
        elif high > 2:
            likely = " They look like 0..255: scale them by images / 127.5 - 1."
        else:
            likely = " They look like 0..1: scale them by images * 2 - 1."
        raise ValueError(f"images must lie in [-1, 1], not in [{low:.4g}, {high:.4g}].{likely}")


def to_uint8(images):
    """Turns float images in [-1, 1] into bytes, 0 to 255, each rounded to the nearest."""
    return np.clip(np.rint((np.asarray(images, "float32") + 1) * 127.5), 0, 255).astype("uint8")


def to_float(images):
    """Turns bytes into float32 images in [-1, 1]."""
    return np.asarray(images, "float32") / np.float32(127.5) - 1


def grid(images, columns):
    """Lays images side by side, row by row, without gaps.

    Args:
        images: uint8 array `(count, height, width, channels)`.
        columns: Int, images in a row. A last row that is not full is filled up with black.

    Returns:
        uint8 array `(rows * height, columns * width, channels)`.

    Example:

    >>> gan.images.grid(np.zeros((16, 28, 28, 1), "uint8"), columns=4).shape
    (112, 112, 1)
    """
    count, height, width, channels = images.shape
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width, channels), "uint8")
    cells[:count] = images
    cells = cells.reshape(rows, columns, height, width, channels)
    return cells.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def enlarge(picture, pixels=PICTURE_PIXELS):
    """Repeats each pixel of a small picture as often as makes about `pixels` times `pixels` of them, 448 by default."""
    scale = max(1, int(pixels / math.sqrt(math.prod(picture.shape[:2]))))
    return picture.repeat(scale, axis=0).repeat(scale, axis=1)


def save_png(path, picture):
    """Writes a picture as PNG.

    Args:
        path: The file to write, whole or not at all.
        picture: uint8 array `(height, width, 1 or 3)`.
    """
    # A gray colormap would be off by one here and there; three equal channels are exact.
    picture = np.broadcast_to(picture, (*picture.shape[:2], 3))
    with written_whole(path) as partial:
        matplotlib_image.imsave(partial, picture)


def read_png(path):
    """Reads a picture as a uint8 array `(height, width, 3)`."""
    return imageio.imread(path, mode="RGB")


def to_frame(picture):
    """Makes a frame of an animation of a picture: of at most about 256x256 pixels, and gray where it has no colour.

    Args:
        picture: uint8 array `(height, width, 1 or 3)`.

    Returns:
        uint8 array `(height, width)` or `(height, width, 3)`.
    """
    step = math.ceil(math.sqrt(math.prod(picture.shape[:2])) / FRAME_PIXELS)
    # A side that is shorter than a step becomes one pixel.
    (height, rows), (width, columns) = ((max(size // step, 1), min(size, step)) for size in picture.shape[:2])
    blocks = picture[: height * rows, : width * columns].reshape(height, rows, width, columns, -1)
    frame = np.rint(blocks.mean((1, 3))).astype("uint8")
    is_gray = (frame == frame[..., :1]).all()
    return frame[..., 0] if is_gray else frame


def save_gif(path, frames, seconds_per_frame):
    """Writes frames as a GIF that loops for ever, in 16 levels a channel and never above 5 MB.

    Where the frames would take more, every second one is left out (and shown twice as long) until they fit.

    Args:
        path: The file to write, whole or not at all.
        frames: List of uint8 arrays `(height, width)` or `(height, width, 3)`, all of one shape.
        seconds_per_frame: Float.
    """
    levels = np.linspace(0, 255, FRAME_LEVELS).round().astype("uint8")
    frames = np.stack([levels[frame // (256 // FRAME_LEVELS)] for frame in frames])
    milliseconds = round(1000 * seconds_per_frame)
    while True:
        encoded = imageio.imwrite("<bytes>", frames, extension=".gif", duration=milliseconds, loop=0)
        if len(encoded) <= MAX_ANIMATION_BYTES or len(frames) == 1:
            break
        frames, milliseconds = frames[::2], 2 * milliseconds
    with written_whole(path) as partial:
        partial.write_bytes(encoded)


def save_panels(path, panels):
    """Draws pictures side by side, each under its title and as wide as its number of columns.

    Args:
        path: The PNG file to write, whole or not at all.
        panels: List of pairs of a title and a picture, uint8 arrays `(height, width, 1 or 3)` of one height.
    """
    height = panels[0][1].shape[0]
    widths = [picture.shape[1] for _, picture in panels]
    inches = PICTURE_PIXELS / 100
    size = (inches * (sum(widths) / height + 0.1 * (len(panels) - 1)), inches + 0.3)
    figure = Figure(figsize=size, dpi=100, layout="constrained")
    for axes, (title, picture) in zip(figure.subplots(1, len(panels), width_ratios=widths), panels, strict=True):
        axes.imshow(np.broadcast_to(picture, (*picture.shape[:2], 3)), interpolation="nearest")
        axes.set_title(title, fontsize=11)
        axes.set_axis_off()
    with written_whole(path) as partial:
        figure.savefig(partial)


def label_logarithmically(axis):
    """Labels a logarithmic axis with plain numbers: 1, 2, 5, 10, and with more of them where it spans little."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(LogFormatter(minor_thresholds=(0.8, 0.4)))


def save_curves(path, history, extractor=None):
    """Draws losses and accuracies over the epochs and, where it was measured, the fid.

    Args:
        path: The PNG file to write, whole or not at all.
        history: Dict from a column's name to its values, one an epoch, as in `History.history`; `epoch` numbers them.
        extractor: Name of the extractor that `val_fid` comes from. Default None.
    """
    panels = {
        "loss": {"g_loss": "generator", "d_loss": "discriminator"},
        "discriminator's accuracy": {"real_accuracy": "real images", "fake_accuracy": "generated images"},
    }
    if "val_fid" in history:
        panels["fid"] = {"val_fid": f"features of {extractor}"}
    figure = Figure(figsize=(8, 3 * len(panels)), dpi=100, layout="constrained")
    for axes, (title, columns) in zip(figure.subplots(len(panels), sharex=True), panels.items(), strict=True):
        for name, label in columns.items():
            values = np.asarray(history[name], float)
            measured = np.isfinite(values)
            # Few values have no line to show them.
            marker = "o" if measured.sum() <= 20 else None
            axes.plot(np.asarray(history["epoch"])[measured], values[measured], label=label, marker=marker)
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        axes.legend()
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if title == "discriminator's accuracy":
            axes.set_ylim(0, 1)
    if "val_fid" in history:
        axes.set_yscale("log")
        label_logarithmically(axes.yaxis)
    axes.set_xlabel("epoch")
    with written_whole(path) as partial:
        figure.savefig(partial)
