import gc
import os

import keras
import numpy as np
import pytest
from conftest import small_extractor
from helpers import FailAt, MeasureEverySecondEpoch, step_result
from matplotlib.figure import Figure

import gan


@pytest.fixture
def drawn(monkeypatch):
    """What `save_curves` was asked to draw, a dict per call."""
    calls = []
    save_curves = gan.images.save_curves

    def record(path, history, **kwargs):
        calls.append({"epochs": history["epoch"], **kwargs})
        save_curves(path, history, **kwargs)

    monkeypatch.setattr(gan.images, "save_curves", record)
    return calls


def callbacks_in(folder, **kwargs):
    return [gan.CSVHistory(folder / "history.csv"), gan.Curves(folder / "curves.png", folder / "history.csv", **kwargs)]


def test_curves_are_drawn_after_each_validation_and_at_the_end(make_model, make_dataset, tmp_path, drawn):
    model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor("my_features"))])
    model.fit(
        make_dataset(),
        validation_data=make_dataset(),
        validation_freq=2,
        epochs=5,
        verbose=0,
        callbacks=callbacks_in(tmp_path / "digits"),
    )
    assert [call["epochs"] for call in drawn] == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4, 5]]
    for call in drawn:
        assert call["extractor"] == "my_features" and call["title"] == "digits" and call["undecided_losses"]
    assert gan.images.read_picture(tmp_path / "digits/curves.png").shape == (900, 800, 3)


def test_an_interrupted_run_has_the_curves_of_its_last_validation(make_model, make_dataset, tmp_path, drawn):
    callbacks = [MeasureEverySecondEpoch({1: 5.0}), *callbacks_in(tmp_path), FailAt(2, 1)]
    with pytest.raises(InterruptedError):
        make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    assert [call["epochs"] for call in drawn] == [[1, 2]]
    assert (tmp_path / "curves.png").exists()


@pytest.mark.parametrize(
    ("loss", "is_marked"),
    [("binary_crossentropy", True), (gan.losses.BinaryCrossentropy(0.1), False), ("hinge", False)],
)
def test_curves_mark_an_undecided_discriminator_for_plain_cross_entropy(
    make_model, make_dataset, tmp_path, drawn, loss, is_marked
):
    make_model(loss=loss).fit(make_dataset(), verbose=0, callbacks=callbacks_in(tmp_path, title="my run"))
    assert [(call["undecided_losses"], call["title"]) for call in drawn] == [(is_marked, "my run")]


def test_curves_work_in_any_model_that_logs_losses(tmp_path):
    class Tutorial(keras.Model):
        def __init__(self):
            super().__init__()
            self.built = True

        def train_step(self, *state_and_data):
            return step_result({"g_loss": keras.ops.ones(()), "d_loss": keras.ops.ones(())}, *state_and_data)

    model = Tutorial()
    model.compile()
    model.fit(np.zeros((4, 1)), verbose=0, callbacks=callbacks_in(tmp_path))
    assert (tmp_path / "curves.png").exists()


def test_curves_without_a_history_are_refused(make_model, make_dataset, tmp_path):
    with pytest.raises(ValueError, match=r"place gan.CSVHistory\('.*history.csv'\) before it"):
        make_model().fit(make_dataset(), verbose=0, callbacks=callbacks_in(tmp_path)[::-1])


def test_a_full_disk_leaves_the_last_curves(make_model, make_dataset, tmp_path, monkeypatch):
    model = make_model()
    model.fit(make_dataset(), verbose=0, callbacks=callbacks_in(tmp_path))
    before = (tmp_path / "curves.png").read_bytes()

    def full_disk(self, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full_disk)
    with pytest.raises(OSError, match="No space"):
        model.fit(make_dataset(), initial_epoch=1, epochs=2, verbose=0, callbacks=callbacks_in(tmp_path))
    assert (tmp_path / "curves.png").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["curves.png", "history.csv"]


def test_redrawing_frees_each_figure_at_once(tmp_path):
    history = {"epoch": [1.0, 2.0], "g_loss": [1.0, 2.0], "d_loss": [2.0, 1.0]}
    gc.collect()
    for _ in range(12):
        gan.images.save_curves(tmp_path / "curves.png", history)
        assert not [one for one in gc.get_objects() if isinstance(one, Figure)]
    assert gc.isenabled()
