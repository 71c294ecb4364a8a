import itertools

import numpy as np
import pytest

import gan
from tuning import pictures

LOGARITHMIC = ["generator_lr", "discriminator_lr", "r1"]


def draw_trials(count, seed=0, lr=(1e-4, 1e-2), averaging=(0.998, 0.9998)):
    """Trials as a sweep of either kind of network has them, each with some of the widths."""
    rng = np.random.default_rng(seed)
    trials = []
    for _ in range(count):
        trial = {
            "latent_dim": int(rng.choice([32, 64, 100, 200])),
            "batch_size": int(rng.choice([64, 128, 256, 512])),
            "dropout": float(rng.choice(np.arange(7) / 10)),
            "averaging": float(rng.uniform(*averaging)),
            "beta_1": float(rng.choice([0.0, 0.5, 0.7, 0.9])),
            "r1": float(np.exp(rng.uniform(np.log(0.1), np.log(10)))),
            "fid": float(np.exp(rng.uniform(np.log(0.5), np.log(200)))),
        }
        for network in ("generator", "discriminator"):
            trial[f"{network}_lr"] = float(np.exp(rng.uniform(*np.log(lr))))
            trial[f"{network}_layers"] = int(rng.integers(1, 3))
            for layer in range(1, trial[f"{network}_layers"] + 1):
                trial[f"{network}_width_{layer}"] = int(rng.choice([128, 256, 512, 1024]))
        trials.append(trial)
    return trials


def visible_labels(axis):
    """The tick labels that an axis of a saved figure shows, from their places to their texts."""
    low, high = sorted(axis.get_view_interval())
    across = 0 if axis.axis_name == "x" else 1
    labels = [label for label in axis.get_ticklabels() if low <= label.get_position()[across] <= high]
    return {label.get_position()[across]: label for label in labels if label.get_visible() and label.get_text()}


def assert_no_overlap(labels):
    for one, other in itertools.combinations(labels, 2):
        assert not one.get_window_extent().overlaps(other.get_window_extent()), (one.get_text(), other.get_text())


@pytest.mark.parametrize(
    "trials",
    [
        draw_trials(20),
        draw_trials(20, seed=1, lr=(3e-5, 3e-3), averaging=(0.99, 0.9998)),
        draw_trials(20, seed=2, lr=(1.1e-3, 1.9e-3), averaging=(0.9995, 0.9998)),
        draw_trials(2, seed=3),
        draw_trials(1, seed=4),
    ],
)
def test_tick_labels_of_hyperparameters_do_not_overlap(tmp_path, saved_figures, trials):
    pictures.save_hyperparameters(tmp_path / "hyperparameters.png", trials, LOGARITHMIC)
    panels = {axes.get_xlabel(): axes for axes in saved_figures[0].axes if axes.axison}
    assert set(panels) == {name for trial in trials for name in trial} - {"fid"}
    shown = {name: visible_labels(axes.xaxis) for name, axes in panels.items()}
    assert_no_overlap([*itertools.chain.from_iterable(labels.values() for labels in shown.values())])
    assert_no_overlap([*visible_labels(saved_figures[0].axes[0].yaxis).values()])
    for labels in shown.values():
        assert 2 <= len(labels) <= 5
        assert all(float(label.get_text()) == pytest.approx(place) for place, label in labels.items())


def test_parallel_coordinates_label_each_axis_precisely(tmp_path, saved_figures):
    common = {"averaging": 0.9998, "beta_1": 0.5, "fid": 1.0, "generator_lr": 1e-4, "latent_dim": 100}
    trials = [
        {**common, "width": 1024, "dropout": 0.3},
        {**common, "averaging": 0.998, "fid": 123.456, "generator_lr": 2.9e-3, "width": 128},
    ]
    pictures.save_parallel_coordinates(tmp_path / "parallel.png", trials, LOGARITHMIC)
    axes = saved_figures[0].axes[0]
    names = [label.get_text() for label in axes.get_xticklabels()]
    drawn = {name: [] for name in names}
    for text in axes.texts:
        drawn[names[text.xy[0]]].append(text.get_text())
    assert drawn == {
        "averaging": ["0.998", "0.9998"],
        "beta_1": ["0.5", "0.5"],
        "generator_lr": ["0.0001", "0.0029"],
        "latent_dim": ["100", "100"],
        "width": ["128", "1024"],
        "fid": ["1", "123"],
    }


@pytest.mark.parametrize("count", [1, 20])
def test_labels_of_parallel_coordinates_do_not_overlap(tmp_path, saved_figures, count):
    pictures.save_parallel_coordinates(tmp_path / "parallel.png", draw_trials(count), LOGARITHMIC)
    assert_no_overlap(saved_figures[0].axes[0].texts)


def test_best_so_far_falls_over_time(tmp_path, saved_figures):
    rows = [{"ended_minute": minute, "val_fid": fid} for minute, fid in ((3, 4.0), (1, 8.0), (2, 9.0))]
    pictures.save_best_so_far(tmp_path / "best.png", rows, {"val_fid": 8.0, "preset": "fast"})
    best, trials, preset = saved_figures[0].axes[0].lines
    assert list(best.get_xdata()) == [1, 2, 3] and list(best.get_ydata()) == [8, 8, 4]
    assert list(trials.get_ydata()) == [8, 9, 4]
    assert list(preset.get_ydata()) == [8, 8] and preset.get_label() == "fast"
    assert gan.images.read_picture(tmp_path / "best.png").shape == (400, 800, 3)
