"""Pictures with text: titled panels, and curves over the epochs."""

import contextlib
import gc
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from gan.files import written_whole
from gan.images.arrays import PICTURE_PIXELS

TITLE_PIXELS = 30
LETTER_PIXELS = 9
PANEL_GAP = 24
PANELS = {
    "loss": {"g_loss": "generator", "d_loss": "discriminator"},
    "discriminator's accuracy": {"real_accuracy": "real images", "fake_accuracy": "generated images"},
    "augmentation": {"overfitting": "overfitting", "augment_probability": "probability of each change"},
    "fid": {"val_fid": "fid"},
}
UNDECIDED_LOSSES = {"g_loss": math.log(2), "d_loss": 2 * math.log(2)}


def save_figure(path, figure):
    """Writes a Matplotlib figure as PNG.

    Args:
        path: The file to write. A write that fails leaves no partial file.
        figure: A `matplotlib.figure.Figure`.
    """
    with written_whole(path) as partial:
        figure.savefig(partial)


def save_panels(path, panels):
    """Draws pictures side by side, each below its title.

    Args:
        path: The PNG file to write. A write that fails leaves no partial file.
        panels: List of pairs of a title and a picture, uint8 arrays `(height, width, 1 or 3)` of one height.
    """
    scale = max(1, round(PICTURE_PIXELS / panels[0][1].shape[0]))
    pictures = [np.broadcast_to(picture, (*picture.shape[:2], 3)) for _, picture in panels]
    pictures = [picture.repeat(scale, axis=0).repeat(scale, axis=1) for picture in pictures]
    height = pictures[0].shape[0] + TITLE_PIXELS + PANEL_GAP // 2
    # A title may be wider than its picture.
    widths = [
        max(picture.shape[1], LETTER_PIXELS * len(title)) for picture, (title, _) in zip(pictures, panels, strict=True)
    ]
    width = sum(widths) + PANEL_GAP * len(panels)
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    left = PANEL_GAP // 2
    for (title, _), picture, panel_width in zip(panels, pictures, widths, strict=True):
        figure.figimage(picture, left + (panel_width - picture.shape[1]) // 2, PANEL_GAP // 2)
        center = (left + panel_width / 2) / width
        figure.text(center, 1 - TITLE_PIXELS / 2 / height, title, ha="center", va="center", fontsize=11)
        left += panel_width + PANEL_GAP
    save_figure(path, figure)


class _LogTicks(LogLocator):
    """Places as many ticks at round numbers as there is room for, evenly in numbers or in powers of ten.

    Args:
        most: Int. A label takes up to `1 / most` of the axis.
    """

    def __init__(self, most):
        super().__init__()
        self.most = most

    def __call__(self):
        return self.tick_values(*self.axis.get_view_interval())

    def nonsingular(self, vmin, vmax):
        return (vmin / 2, 2 * vmax) if 0 < vmin == vmax else super().nonsingular(vmin, vmax)

    def tick_values(self, vmin, vmax):
        low, high = sorted((vmin, vmax))
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        choices = [
            np.outer(10.0 ** np.array(decades[::step]), digits).ravel()
            for digits, step in (((1, 2, 5), 1), ((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 4))
        ]
        for count in range(self.most, 1, -1):
            choices.append(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
        choices = [ticks[(low <= ticks) & (ticks <= high)] for ticks in choices]
        closest = math.log(high / low) / self.most
        fitting = (ticks for ticks in choices if not (np.diff(np.log(ticks)) < closest).any())
        return max(fitting, key=len)


def label_logarithmically(axis, most=8):
    """Labels a logarithmic axis with plain numbers, such as 0.5, 1, 2, 5 and 10.

    Labels do not overlap, whether the axis spans a tenth or six powers of ten.

    Args:
        axis: The `xaxis` or `yaxis` of Matplotlib axes that have a logarithmic scale.
        most: Int, the number of labels that fit beside one another. Defaults to 8.
    """
    axis.set_major_locator(_LogTicks(most))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


@contextlib.contextmanager
def _freeing_figures():
    """Frees the figures that are drawn inside at once.

    Parts of a figure refer to one another and to megabytes of pixels. If the garbage collector takes them for
    long-lived objects, a training run that redraws its curves grows by dozens of megabytes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        gc.collect(0)  # fast: only the objects that were created since


@_freeing_figures()
def save_curves(path, history, extractor=None, title=None, undecided_losses=False):
    """Draws the losses, the discriminator's accuracies and the fid over the epochs.

    Columns that the history lacks are left out.

    Args:
        path: The PNG file to write. A write that fails leaves no partial file.
        history: Dict from column names to lists of floats, one per epoch, as `gan.CSVHistory.read` returns. `epoch`
            numbers the epochs; `g_loss`, `d_loss`, `real_accuracy`, `fake_accuracy`, `overfitting`,
            `augment_probability` and `val_fid` are drawn. NaN marks what an epoch did not measure.
        extractor: String, name of the feature extractor that `val_fid` comes from, for the legend. Defaults to None.
        title: String, shown above the curves. Defaults to None.
        undecided_losses: Bool, whether to mark by dashed lines the losses of an undecided discriminator, whose logits
            are all 0: 2 log 2, and log 2 for the generator. They hold for binary cross-entropy. Defaults to False.

    Raises:
        ValueError: The history has none of these columns.

    Example:

    ```python
    history = gan.CSVHistory.read("runs/mnist/history.csv")
    gan.images.save_curves("curves.png", history, title="mnist", undecided_losses=True)
    ```
    """
    panels = {label: [name for name in columns if name in history] for label, columns in PANELS.items()}
    panels = {label: names for label, names in panels.items() if names}
    if not panels:
        raise ValueError(f"there is nothing to draw in a history of {', '.join(history) or 'no columns'}.")
    figure = Figure(figsize=(8, 3 * len(panels)), dpi=100, layout="constrained")
    all_axes = figure.subplots(len(panels), sharex=True, squeeze=False)[:, 0]
    for axes, (label, names) in zip(all_axes, panels.items(), strict=True):
        for name in names:
            legend = f"extractor: {extractor}" if name == "val_fid" and extractor else PANELS[label][name]
            line = _draw_curve(axes, history["epoch"], history[name], legend)
            if undecided_losses and name in UNDECIDED_LOSSES:
                axes.axhline(UNDECIDED_LOSSES[name], color=line.get_color(), linestyle="--", linewidth=1)
        if undecided_losses and label == "loss":
            axes.plot([], [], color="gray", linestyle="--", linewidth=1, label="undecided discriminator")
        if label == "fid":
            axes.set_yscale("log")
            label_logarithmically(axes.yaxis)
        if label == "discriminator's accuracy":
            axes.set_ylim(0, 1)
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
        axes.legend()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch")
    figure.suptitle(title)
    save_figure(path, figure)


def _draw_curve(axes, epochs, values, label):
    values = np.asarray(values, float)
    measured = np.isfinite(values)
    # A line through few values is hard to see, and through one there is none.
    marker = "o" if measured.sum() <= 20 else None
    return axes.plot(np.asarray(epochs)[measured], values[measured], label=label, marker=marker)[0]
