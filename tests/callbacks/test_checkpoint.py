import os
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, assert_same_state
from helpers import FailAt, MeasureEverySecondEpoch

import gan


def test_checkpoint_resumes_exactly(make_model, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "data.npz", x_train=rng.integers(0, 256, (50, *IMAGE_SHAPE), "uint8"))

    def dataset():
        return gan.datasets.load(tmp_path / "data.npz", batch_size=16)

    whole = make_model()
    checkpoint = gan.Checkpoint(tmp_path / "whole.keras")
    whole.fit(dataset(), epochs=5, verbose=0, callbacks=[checkpoint, gan.CSVHistory(tmp_path / "whole.csv")])

    keras.utils.set_random_seed(0)
    with pytest.raises(InterruptedError):
        callbacks = [gan.CSVHistory(tmp_path / "cut.csv"), gan.Checkpoint(tmp_path / "cut.keras"), FailAt(3, 1)]
        make_model().fit(dataset(), epochs=5, verbose=0, callbacks=callbacks)
    model, epoch = gan.Checkpoint.load(tmp_path / "cut.keras")
    assert epoch == 3
    callbacks = [gan.CSVHistory(tmp_path / "cut.csv"), gan.Checkpoint(tmp_path / "cut.keras")]
    model.fit(dataset(), initial_epoch=epoch, epochs=5, verbose=0, callbacks=callbacks)
    assert_same_state(whole, model)
    assert (tmp_path / "cut.csv").read_text() == (tmp_path / "whole.csv").read_text()
    loaded, epoch = gan.Checkpoint.load(tmp_path / "cut.keras")
    assert epoch == 5
    assert_same_state(whole, loaded)


def test_checkpoint_keeps_the_best_model_by_a_metric_that_some_epochs_lack(make_model, make_dataset, tmp_path):
    values = {1: 5.0, 3: 2.0, 5: 3.0, 7: 1.0, 9: 1.5}
    filepath, best = tmp_path / "model.keras", tmp_path / "best.keras"

    def fit(model, initial_epoch, epochs):
        callbacks = [MeasureEverySecondEpoch(values), gan.Checkpoint(filepath, monitor="val_fid")]
        model.fit(make_dataset(), initial_epoch=initial_epoch, epochs=epochs, verbose=0, callbacks=callbacks)

    fit(make_model(), 0, 6)
    assert gan.Checkpoint.load(best)[1] == 4
    fit(gan.Checkpoint.load(filepath)[0], 6, 7)  # the best value of the first run is remembered
    assert gan.Checkpoint.load(best)[1] == 4
    fit(gan.Checkpoint.load(filepath)[0], 7, 10)
    assert gan.Checkpoint.load(best)[1] == 8
    assert gan.Checkpoint.load(filepath)[1] == 10


def test_checkpoint_keeps_whole_models_at_an_interval_and_removes_none(make_model, make_dataset, tmp_path):
    checkpoint = gan.Checkpoint(tmp_path / "model.keras", keep_every=2)
    whole = make_model()
    whole.fit(make_dataset(), epochs=5, verbose=0, callbacks=[checkpoint])
    kept = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert kept == ["epoch_0002.keras", "epoch_0004.keras"]

    model, epoch = gan.Checkpoint.load(tmp_path / "checkpoints/epoch_0002.keras")
    assert epoch == 2
    model.fit(make_dataset(), initial_epoch=2, epochs=5, verbose=0)
    assert_same_state(whole, model)
    with pytest.raises(ValueError, match="keep_every must be at least 1, not 0"):
        gan.Checkpoint(tmp_path / "model.keras", keep_every=0)


def test_checkpoint_keeps_the_highest_value_with_mode_max(make_model, make_dataset, tmp_path):
    callbacks = [
        MeasureEverySecondEpoch({1: 5.0, 3: 2.0}),
        gan.Checkpoint(tmp_path / "model.keras", "val_fid", mode="max", best_filepath=tmp_path / "top.keras"),
    ]
    make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    assert gan.Checkpoint.load(tmp_path / "top.keras")[1] == 2


def test_checkpoint_is_an_ordinary_keras_file(make_model, make_dataset, tmp_path):
    model = make_model()
    model.fit(make_dataset(), verbose=0, callbacks=[gan.Checkpoint(tmp_path / "model.keras")])
    assert_same_state(model, keras.models.load_model(tmp_path / "model.keras"))
    assert os.listdir(tmp_path) == ["model.keras"]
    model.save(tmp_path / "plain.keras")
    with pytest.raises(ValueError, match="not written by gan.Checkpoint"):
        gan.Checkpoint.load(tmp_path / "plain.keras")


@pytest.mark.parametrize("where", ["loss", "weights"])
def test_checkpoint_stops_a_diverging_run_and_keeps_the_last_good_model(make_model, images, tmp_path, where):
    class Spoil(keras.callbacks.Callback):
        """Spoils the third epoch: NaN in a loss from its first step on, or a weight after its last step only."""

        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2 and where == "loss":
                self.spoil(self.model.discriminator.layers[-1].kernel, np.nan)

        def on_train_batch_end(self, batch, logs=None):
            if self.model.generator_optimizer.iterations == 21 and where == "weights":
                self.spoil(self.model.generator.layers[0].kernel, np.inf)

        def spoil(self, weight, factor):
            weight.assign(weight * factor)

    filepath = tmp_path / "model.keras"
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(16)
    with pytest.raises(FloatingPointError, match=f"diverged.*last good model is {filepath}"):
        make_model().fit(dataset, epochs=5, verbose=0, callbacks=[Spoil(), gan.Checkpoint(filepath)])
    model, epoch = gan.Checkpoint.load(filepath)
    assert epoch == 2
    assert all(np.isfinite(weight).all() for weight in model.get_weights())


def test_callbacks_work_in_the_fit_of_any_model(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score()])  # one value per class
    x, y = np.ones((8, 3)), np.eye(2)[[0, 1] * 4]
    filepath = tmp_path / "model.keras"
    callbacks = [gan.Checkpoint(filepath), gan.Progress(), gan.CSVHistory(tmp_path / "history.csv")]
    model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
    loaded, epoch = gan.Checkpoint.load(filepath)
    assert epoch == 2
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_checkpoint_ignores_a_metric_that_is_nan(make_model, make_dataset, tmp_path):
    callbacks = [
        MeasureEverySecondEpoch({1: 5.0, 3: float("nan")}),
        gan.Checkpoint(tmp_path / "model.keras", monitor="val_fid"),
    ]
    make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    assert gan.Checkpoint.load(tmp_path / "best.keras")[1] == 2
    assert gan.Checkpoint.load(tmp_path / "model.keras")[1] == 4


def test_checkpoint_survives_a_full_disk(make_model, make_dataset, tmp_path, monkeypatch):
    filepath = tmp_path / "model.keras"
    model = make_model()
    model.fit(make_dataset(), verbose=0, callbacks=[gan.Checkpoint(filepath)])
    before = filepath.read_bytes()

    def full_disk(self, *args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full_disk)
    with pytest.raises(OSError, match="No space"):
        model.fit(make_dataset(), initial_epoch=1, epochs=2, verbose=0, callbacks=[gan.Checkpoint(filepath)])
    assert filepath.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.keras"]


def test_checkpoint_refuses_wrong_arguments(tmp_path):
    with pytest.raises(ValueError, match="mode must be"):
        gan.Checkpoint(tmp_path / "model.keras", mode="auto")
    with pytest.raises(ValueError, match=r"end in \.keras"):
        gan.Checkpoint(tmp_path / "model.h5")
    with pytest.raises(ValueError, match="no model file"):
        gan.Checkpoint.load(tmp_path / "model.keras")
