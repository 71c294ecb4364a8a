"""Keras's own callbacks with a GAN."""

import csv

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import all_metrics, assert_same_state, small_extractor
from helpers import FailAt

import gan


def test_keras_model_checkpoint(make_model, make_dataset, tmp_path):
    model = make_model()
    callback = keras.callbacks.ModelCheckpoint(
        tmp_path / "best.keras", monitor="val_g_loss", mode="min", save_best_only=True
    )
    history = model.fit(make_dataset(), validation_data=make_dataset(), epochs=3, verbose=0, callbacks=[callback])
    assert callback.best == pytest.approx(min(history.history["val_g_loss"]))
    assert isinstance(keras.models.load_model(tmp_path / "best.keras"), gan.GAN)
    callback = keras.callbacks.ModelCheckpoint(tmp_path / "last.keras")
    model.fit(make_dataset(), verbose=0, callbacks=[callback])
    assert_same_state(model, keras.models.load_model(tmp_path / "last.keras"))


def test_keras_backup_and_restore(make_model, make_dataset, tmp_path):
    whole = make_model()
    whole.fit(make_dataset(), epochs=4, verbose=0)
    keras.utils.set_random_seed(0)
    with pytest.raises(InterruptedError):
        callbacks = [keras.callbacks.BackupAndRestore(tmp_path), FailAt(2, 1)]
        make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    resumed = make_model(seed=9)
    history = resumed.fit(make_dataset(), epochs=4, verbose=0, callbacks=[keras.callbacks.BackupAndRestore(tmp_path)])
    assert history.epoch == [2, 3]
    assert_same_state(whole, resumed)


def test_keras_csv_logger(make_model, make_dataset, tmp_path):
    callback = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    history = make_model().fit(make_dataset(), epochs=2, verbose=0, callbacks=[callback]).history
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["d_loss"]) for row in rows] == pytest.approx(history["d_loss"])


def test_keras_tensorboard(make_model, make_dataset, tmp_path):
    callback = keras.callbacks.TensorBoard(tmp_path, write_steps_per_second=True, histogram_freq=1)
    model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor())])
    model.fit(make_dataset(), validation_data=make_dataset(), epochs=2, verbose=0, callbacks=[callback])
    tags = {
        value.tag
        for path in tmp_path.rglob("*tfevents*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {"epoch_g_loss", "epoch_d_loss", "epoch_fid", "epoch_steps_per_second"} <= tags
    assert sum(tag.startswith("epoch_learning_rate_adam") for tag in tags) == 2


def test_keras_early_stopping(make_model, make_dataset):
    callback = keras.callbacks.EarlyStopping(
        monitor="val_d_loss", mode="min", min_delta=1e9, patience=1, restore_best_weights=True
    )
    history = make_model().fit(
        make_dataset(), validation_data=make_dataset(), epochs=9, verbose=0, callbacks=[callback]
    )
    assert len(history.epoch) == 2


def test_keras_terminate_on_nan(make_model, make_dataset):
    model = make_model()
    model.discriminator.layers[-1].kernel.assign(model.discriminator.layers[-1].kernel * np.nan)
    history = model.fit(make_dataset(), epochs=9, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
    assert len(history.epoch) == 1


def test_keras_reduce_lr_on_plateau(make_model, make_dataset):
    model = make_model()
    callback = keras.callbacks.ReduceLROnPlateau(monitor="d_loss", mode="min", factor=0.1, min_delta=1e9, patience=1)
    model.fit(make_dataset(), epochs=2, verbose=0, callbacks=[callback])
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert float(optimizer.learning_rate) == pytest.approx(1e-4)


def test_keras_callbacks_monitor_fid(make_model, make_dataset, tmp_path):
    model = make_model(metrics=all_metrics())
    best = keras.callbacks.ModelCheckpoint(tmp_path / "k.keras", monitor="val_fid", mode="min", save_best_only=True)
    ours = gan.Checkpoint(tmp_path / "model.keras", monitor="val_fid")
    history = model.fit(
        make_dataset(), epochs=6, validation_data=make_dataset(), callbacks=[best, ours], verbose=0
    ).history
    assert best.best == min(history["val_fid"])
    for name in ("k.keras", "best.keras"):
        loaded = gan.load_model(tmp_path / name)
        assert loaded.evaluate(make_dataset(), verbose=0, return_dict=True)["fid"] == pytest.approx(best.best)
    stop = keras.callbacks.EarlyStopping("val_fid", mode="min", min_delta=1e9, patience=1)
    assert (
        len(model.fit(make_dataset(), epochs=9, validation_data=make_dataset(), callbacks=[stop], verbose=0).epoch) == 2
    )
