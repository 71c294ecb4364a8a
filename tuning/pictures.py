"""Pictures of the results of a sweep."""

import math

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gan.images import label_logarithmically, save_figure

COLUMNS = 4
PANEL_INCHES = 2.75
MAX_LABELS = 4  # so many fit into a panel, as long as 0.00025 each


def save_best_so_far(path, rows, preset):
    """Draws the lowest fid so far over the time of the sweep, and each trial as a point.

    Args:
        path: The PNG file to write. A write that fails leaves no partial file.
        rows: List of dicts with `ended_minute` and `val_fid`, one per trial.
        preset: The dict of the trial that ran the preset, or None if it failed.
    """
    rows = sorted(rows, key=lambda row: row["ended_minute"])
    minutes = [row["ended_minute"] for row in rows]
    fids = [row["val_fid"] for row in rows]
    figure = Figure(figsize=(8, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot(minutes, np.minimum.accumulate(fids), drawstyle="steps-post", label="best so far")
    axes.plot(minutes, fids, "o", alpha=0.5, label="trial")
    if preset:
        axes.axhline(preset["val_fid"], color="gray", linestyle="--", label=preset["preset"])
    axes.set_xlabel("minutes")
    _set_fid_axis(axes)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(path, figure)


def save_hyperparameters(path, trials, logarithmic):
    """Draws the fid of each trial against each hyperparameter, in one panel per hyperparameter.

    Args:
        path: The PNG file to write. A write that fails leaves no partial file.
        trials: List of dicts from names of hyperparameters, and `fid`, to numbers. A trial may lack some of the
            hyperparameters.
        logarithmic: Names of the hyperparameters that are drawn on a logarithmic scale.
    """
    names = sorted({name for trial in trials for name in trial if name != "fid"})
    rows = math.ceil(len(names) / COLUMNS) or 1
    figure = Figure(figsize=(COLUMNS * PANEL_INCHES, 2.5 * rows), dpi=100, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    for axes, name in zip(panels.flat, names, strict=False):
        _draw_panel(axes, name, [trial for trial in trials if name in trial], name in logarithmic)
    for axes in panels.flat[len(names) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        _set_fid_axis(axes)
    save_figure(path, figure)


def _draw_panel(axes, name, trials, is_logarithmic):
    axes.plot([trial[name] for trial in trials], [trial["fid"] for trial in trials], "o", alpha=0.6)
    if is_logarithmic:
        axes.set_xscale("log")
        label_logarithmically(axes.xaxis, MAX_LABELS)
    else:
        is_whole = all(isinstance(trial[name], int) for trial in trials)
        axes.xaxis.set_major_locator(MaxNLocator(MAX_LABELS, integer=is_whole))
        axes.xaxis.set_major_formatter("{x:g}")
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(name)
    axes.grid(alpha=0.3)


def save_parallel_coordinates(path, trials, logarithmic):
    """Draws each trial as a line through the hyperparameters that all trials have, to its fid.

    Args:
        path: The PNG file to write. A write that fails leaves no partial file.
        trials: As in `save_hyperparameters`.
        logarithmic: As in `save_hyperparameters`.
    """
    names = [*sorted(name for name in trials[0] if name != "fid" and all(name in trial for trial in trials)), "fid"]
    values = np.array([[trial[name] for name in names] for trial in trials], float)
    positions = _to_unit_interval(values, np.isin(names, [*logarithmic, "fid"]))
    colors = ScalarMappable(LogNorm(values[:, -1].min(), values[:, -1].max()), "viridis_r")
    figure = Figure(figsize=(max(10, 0.9 * len(names)), 4.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    # The best trials are drawn last, on top of the others.
    for index in np.argsort(-values[:, -1]):
        axes.plot(positions[index], color=colors.to_rgba(values[index, -1]), alpha=0.8, clip_on=False)
    for column in range(len(names)):
        _draw_range(axes, column, values[:, column].min(), values[:, column].max())
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    axes.tick_params(axis="x", pad=16)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_frame_on(False)
    label_logarithmically(figure.colorbar(colors, ax=axes, label="fid").ax.yaxis)
    save_figure(path, figure)


def _to_unit_interval(values, is_logarithmic):
    """Scales each column to 0..1. A column of one value becomes 0.5."""
    positions = np.where(is_logarithmic, np.log(np.where(is_logarithmic, values, 1)), values)
    lowest, span = positions.min(axis=0), np.ptp(positions, axis=0)
    return np.where(span > 0, (positions - lowest) / np.where(span > 0, span, 1), 0.5)


def _draw_range(axes, column, low, high):
    """Draws the vertical axis of a hyperparameter with its lowest and highest value."""
    axes.axvline(column, color="black", linewidth=0.8)
    for value, place, shift, alignment in ((low, 0, -4, "top"), (high, 1, 4, "bottom")):
        axes.annotate(
            _format_value(value, high - low),
            (column, place),
            (0, shift),
            textcoords="offset points",
            ha="center",
            va=alignment,
            fontsize=8,
        )


def _format_value(value, span):
    """Writes a number with three digits, or with as many as bring the error below a hundredth of the span."""
    if value == round(value):
        return f"{value:.0f}"
    tolerance = max(span / 100, 1e-5 * abs(value))
    rounded = (float(f"{value:.{digits}g}") for digits in range(3, 8))
    return np.format_float_positional(next(one for one in rounded if abs(one - value) <= tolerance), trim="-")


def _set_fid_axis(axes):
    axes.set_yscale("log")
    label_logarithmically(axes.yaxis)
    axes.set_ylabel("fid")
