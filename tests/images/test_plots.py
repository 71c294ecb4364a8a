import imageio.v3 as imageio
import numpy as np
import pytest

import gan

RNG = np.random.default_rng(0)
LOSSES = ("g_loss", "d_loss", "real_accuracy", "fake_accuracy")
BLUE, ORANGE = (31, 119, 180), (255, 127, 14)  # matplotlib's first two colors


def history_of(epochs, **columns):
    values = {name: RNG.uniform(0.2, 0.9, epochs) for name in LOSSES}
    return {"epoch": np.arange(1, epochs + 1), **values, **columns}


@pytest.mark.parametrize("epochs", [1, 30])
def test_curves_have_a_line_for_each_column(tmp_path, epochs):
    gan.images.save_curves(tmp_path / "curves.png", history_of(epochs))
    picture = imageio.imread(tmp_path / "curves.png")[..., :3].astype(int)
    assert picture.shape == (600, 800, 3)
    for color in (BLUE, ORANGE):
        for half in (picture[:300], picture[300:]):
            left_of_legend = half[:, 100:600] if half is picture[300:] else half
            assert (np.abs(left_of_legend - color).sum(-1) < 30).sum() > 20
    assert (picture[0] == 255).all()


def test_a_fid_measured_in_some_epochs_has_a_curve_of_its_own(tmp_path):
    fids = [np.nan] * 4 + [100.0] + [np.nan] * 3 + [10.0]
    gan.images.save_curves(tmp_path / "curves.png", history_of(9, val_fid=fids), "my features")
    picture = imageio.imread(tmp_path / "curves.png")[..., :3].astype(int)
    assert picture.shape == (900, 800, 3)
    curve = np.argwhere(np.abs(picture[600:] - BLUE).sum(-1) < 30)
    # From the middle epoch, high up, to the last one, low down.
    left, right = curve[curve[:, 1].argmin()], curve[curve[:, 1].argmax()]
    assert 380 < left[1] < 450 and right[1] > 700 and left[0] < right[0] - 150


def test_curves_show_title_and_losses_of_an_undecided_discriminator(tmp_path, saved_figures):
    gan.images.save_curves(tmp_path / "curves.png", history_of(9), title="my run", undecided_losses=True)
    (figure,) = saved_figures
    assert figure.get_suptitle() == "my run"
    dashed = {line.get_ydata()[0]: line.get_color() for line in figure.axes[0].lines if len(set(line.get_ydata())) == 1}
    generator, discriminator = figure.axes[0].lines[0], figure.axes[0].lines[2]
    assert dashed == {np.log(2): generator.get_color(), 2 * np.log(2): discriminator.get_color()}
    labels = [text.get_text() for text in figure.axes[0].get_legend().texts]
    assert labels == ["generator", "discriminator", "undecided discriminator"]

    gan.images.save_curves(tmp_path / "curves.png", history_of(9))
    assert len(saved_figures[1].axes[0].lines) == 2


@pytest.mark.parametrize(
    "fids",
    [
        np.geomspace(400, 0.12, 300),
        np.linspace(0.7, 0.5, 6),
        np.linspace(97.11, 97.16, 6),
        np.array([12.3]),
        np.array([0.31, 0.42]),
        np.geomspace(1e6, 1e-6, 30),
        100 / np.arange(1, 7) ** 1.5,
        np.full(3, np.nan),
    ],
    ids=lambda fids: f"{fids[0]:g}..{fids[-1]:g}",
)
def test_the_fid_axis_has_readable_ticks(tmp_path, saved_figures, fids):
    gan.images.save_curves(tmp_path / "curves.png", history_of(len(fids), val_fid=fids))
    axis = saved_figures[0].axes[-1].yaxis
    low, high = axis.get_view_interval()
    labels = [label for label in axis.get_ticklabels() if low <= label.get_position()[1] <= high]
    assert 3 <= len(labels) <= 8
    for label in labels:
        assert float(label.get_text().replace("\N{MINUS SIGN}", "-")) == pytest.approx(label.get_position()[1])
        assert len(label.get_text()) <= 6
    boxes = sorted(label.get_window_extent().extents[[1, 3]].tolist() for label in labels)
    assert all(below[1] < above[0] for below, above in zip(boxes, boxes[1:], strict=False))


def test_curves_leave_out_what_the_history_lacks(tmp_path, saved_figures):
    gan.images.save_curves(tmp_path / "curves.png", {"epoch": [1, 2], "g_loss": [1, 2], "d_loss": [2, 1]})
    assert [axes.get_ylabel() for axes in saved_figures[0].axes] == ["loss"]
    with pytest.raises(ValueError, match="nothing to draw in a history of epoch, mae"):
        gan.images.save_curves(tmp_path / "curves.png", {"epoch": [1, 2], "mae": [1, 2]})


def test_a_title_that_is_wider_than_its_picture_is_not_cut_off(tmp_path):
    gan.images.save_panels(tmp_path / "panels.png", [("generated", np.full((128, 8, 1), 255, "uint8"))] * 2)
    title = imageio.imread(tmp_path / "panels.png")[:30, :, :3].min(axis=(0, 2)) < 200
    assert not title[:8].any() and not title[-8:].any()
    letters = np.flatnonzero(title)
    assert np.diff(letters).max() > 16  # from the first title to the second


def test_panels_show_each_picture_below_its_title(tmp_path):
    pixels = RNG.integers(0, 200, (30, 60, 3), "uint8")
    pixels[..., 0] = 200
    gan.images.save_panels(tmp_path / "panels.png", [("white", np.full((30, 30, 1), 255, "uint8")), ("red", pixels)])
    picture = imageio.imread(tmp_path / "panels.png")[..., :3].astype(int)
    red = np.argwhere(picture[..., 0] == 200)
    (top, left), (bottom, right) = red.min(0), red.max(0) + 1
    assert left > picture.shape[1] / 4
    # Each pixel is as large as any other.
    np.testing.assert_array_equal(picture[top:bottom, left:right], np.kron(pixels, np.ones((16, 16, 1), int)))
    assert (picture[:top, :left] < 100).any() and (picture[:top, left:] < 100).any()
