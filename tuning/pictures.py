"""What a sweep has found, drawn."""

import math

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gan.files import written_whole
from gan.images import label_logarithmically

COLUMNS = 4


def save_best_so_far(path, rows, preset):
    """Draws the lowest fid so far over the time of the sweep, and each trial as a point.

    Args:
        path: The PNG file to write, whole or not at all.
        rows: Dicts with `ended_minute` and `val_fid`, a trial each.
        preset: The dict of the preset, the first trial, or None where it has failed.
    """
    rows = sorted(rows, key=lambda row: row["ended_minute"])
    minutes = [row["ended_minute"] for row in rows]
    fids = [row["val_fid"] for row in rows]
    figure = Figure(figsize=(8, 4), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot(minutes, np.minimum.accumulate(fids), drawstyle="steps-post", label="best so far")
    axes.plot(minutes, fids, "o", alpha=0.5, label="a trial")
    if preset:
        axes.axhline(preset["val_fid"], color="gray", linestyle="--", label=preset["job"])
    axes.set_xlabel("minutes")
    _set_fid_axis(axes)
    axes.grid(alpha=0.3)
    axes.legend()
    _save(path, figure)


def save_hyperparameters(path, trials, logarithmic):
    """Draws fid against each hyperparameter, a panel each.

    Args:
        path: The PNG file to write, whole or not at all.
        trials: Dicts from hyperparameters to numbers, and `fid`; not every trial has every hyperparameter.
        logarithmic: Names of what is searched on a logarithmic scale.
    """
    names = sorted({name for trial in trials for name in trial if name != "fid"})
    rows = math.ceil(len(names) / COLUMNS) or 1
    figure = Figure(figsize=(10, 2.5 * rows), dpi=100, layout="constrained")
    panels = figure.subplots(rows, COLUMNS, sharey=True, squeeze=False)
    for index, axes in enumerate(panels.flat):
        if index >= len(names):
            axes.set_axis_off()
            continue
        name = names[index]
        having = [trial for trial in trials if name in trial]
        axes.plot([trial[name] for trial in having], [trial["fid"] for trial in having], "o", alpha=0.6)
        if name in logarithmic:
            axes.set_xscale("log")
        elif all(isinstance(trial[name], int) for trial in having):
            axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.set_xlabel(name)
        axes.grid(alpha=0.3)
    for axes in panels[:, 0]:
        _set_fid_axis(axes)
    _save(path, figure)


def save_parallel_coordinates(path, trials, logarithmic):
    """Draws each trial as a line through the hyperparameters that all of them have, and to its fid.

    Args:
        path: The PNG file to write, whole or not at all.
        trials: As in `save_hyperparameters`.
        logarithmic: As in `save_hyperparameters`.
    """
    names = [*sorted(name for name in trials[0] if name != "fid" and all(name in trial for trial in trials)), "fid"]
    values = np.array([[trial[name] for name in names] for trial in trials], float)
    is_logarithmic = np.isin(names, [*logarithmic, "fid"])
    positions = np.where(is_logarithmic, np.log(np.where(is_logarithmic, values, 1)), values)
    lowest, span = positions.min(axis=0), np.ptp(positions, axis=0)
    # What all have in common is in the middle.
    positions = np.where(span > 0, (positions - lowest) / np.where(span > 0, span, 1), 0.5)
    colours = ScalarMappable(LogNorm(values[:, -1].min(), values[:, -1].max()), "viridis_r")
    figure = Figure(figsize=(10, 4.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    # The best come last, on top of the others.
    for index in np.argsort(-values[:, -1]):
        axes.plot(positions[index], color=colours.to_rgba(values[index, -1]), alpha=0.8, clip_on=False)
    for column in range(len(names)):
        axes.axvline(column, color="black", linewidth=0.8)
        for place, value in ((1, values[:, column].max()), (0, values[:, column].min())):
            shift = 4 if place else -4
            axes.annotate(
                f"{value:.0f}" if value >= 1000 else f"{value:.3g}",
                (column, place),
                (0, shift),
                textcoords="offset points",
                ha="center",
                va="bottom" if place else "top",
                fontsize=8,
            )
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    axes.tick_params(axis="x", pad=16)
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.set_frame_on(False)
    label_logarithmically(figure.colorbar(colours, ax=axes, label="fid").ax.yaxis)
    _save(path, figure)


def _set_fid_axis(axes):
    axes.set_yscale("log")
    label_logarithmically(axes.yaxis)
    axes.set_ylabel("fid")


def _save(path, figure):
    with written_whole(path) as partial:
        figure.savefig(partial)
