import csv
import os
import sys
import types
import zipfile

import imageio.v3 as imageio
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, assert_same_state, small_extractor

import gan


class MeasureEverySecondEpoch(keras.callbacks.Callback):
    """Puts values in the logs as a validation every second epoch does."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        if epoch % 2 == 1:
            logs["val_fid"] = self.values[epoch]


class FailAt(keras.callbacks.Callback):
    """Ends a run as a power cut would, as far as the other callbacks can tell."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.stop = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.stop:
            raise InterruptedError


def test_image_grid_draws_the_generators_images_of_fixed_latents(make_model, make_dataset, tmp_path):
    model = make_model()
    grid = gan.ImageGrid(tmp_path, rows=2, columns=3, every=2, seed=5)
    model.fit(make_dataset(), epochs=5, verbose=0, callbacks=[grid])
    assert sorted(os.listdir(tmp_path)) == ["image_at_epoch_0002.png", "image_at_epoch_0004.png"]

    model.fit(make_dataset(), epochs=6, initial_epoch=5, verbose=0, callbacks=[grid])
    picture = imageio.imread(tmp_path / "image_at_epoch_0006.png", mode="L")
    images = model.generator(keras.random.normal((6, 5), seed=5), training=False)
    scale = 30  # of 12 x 18 pixels to about 448 x 448
    assert picture.shape == (12 * scale, 18 * scale)
    for index, image in enumerate(np.asarray(images)):
        row, column = divmod(index, 3)
        cell = picture[row * 6 * scale : (row + 1) * 6 * scale, column * 6 * scale : (column + 1) * 6 * scale]
        drawn = cell[scale // 2 :: scale, scale // 2 :: scale].astype(float)
        np.testing.assert_allclose(drawn, (image[..., 0] + 1) * 127.5, atol=1)


def test_image_grid_of_a_conditional_gan_has_a_class_a_column(make_model, images, tmp_path):
    model = make_model(num_classes=3)
    model.fit(images, np.zeros(100, int), verbose=0, callbacks=[gan.ImageGrid(tmp_path, rows=2, seed=5)])
    picture = gan.images.read_png(tmp_path / "image_at_epoch_0001.png")[..., 0]
    made = model.generate(latents=keras.random.normal((6, 5), seed=5), labels=[0, 1, 2, 0, 1, 2])
    expected = gan.images.grid(gan.images.to_uint8(made), columns=3)[..., 0]
    scale = picture.shape[0] // 12
    assert picture.shape == (12 * scale, 18 * scale)
    np.testing.assert_allclose(picture[scale // 2 :: scale, scale // 2 :: scale], expected, atol=1)


def test_image_grid_works_in_anyones_model(images, tmp_path):
    class Tutorial(keras.Model):
        def __init__(self):
            super().__init__()
            self.generator = gan.build_generator(5, (8,), IMAGE_SHAPE)
            self.built = True

        def train_step(self, data):
            return {"nothing": tf.constant(0.0)}

    model = Tutorial()
    model.compile()
    model.fit(images, verbose=0, callbacks=[gan.ImageGrid(tmp_path)])
    assert (tmp_path / "image_at_epoch_0001.png").exists()


def test_image_grid_in_tensorboard_and_in_a_notebook(make_model, make_dataset, tmp_path, monkeypatch):
    shown = []

    notebook = types.SimpleNamespace(Image=str, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=notebook))
    callback = gan.ImageGrid(tmp_path / "images", show=True, log_dir=tmp_path / "logs")
    make_model().fit(make_dataset(), epochs=2, verbose=0, callbacks=[callback])

    events = [
        (event.step, value)
        for path in sorted((tmp_path / "logs").iterdir())
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert sorted(step for step, _ in events) == [0, 1]
    for step, value in events:
        picture = (tmp_path / f"images/image_at_epoch_{step + 1:04d}.png").read_bytes()
        assert value.tag == "samples" and value.image.encoded_image_string == picture
    assert [os.path.basename(path) for path in shown] == ["image_at_epoch_0001.png", "image_at_epoch_0002.png"]


@pytest.mark.parametrize("argument", ["rows", "columns", "every"])
def test_image_grid_refuses_nothing_to_draw(tmp_path, argument):
    with pytest.raises(ValueError, match="at least 1"):
        gan.ImageGrid(tmp_path, **{argument: 0})


def test_animation_has_a_frame_for_each_picture(make_model, make_dataset, tmp_path):
    pictures = tmp_path / "images"
    callbacks = [gan.ImageGrid(pictures), gan.Animation(tmp_path / "training.gif", pictures)]
    make_model().fit(make_dataset(), epochs=3, verbose=0, callbacks=callbacks)
    frames = imageio.imread(tmp_path / "training.gif", index=None, mode="L")
    assert len(frames) == 3
    for epoch, frame in enumerate(frames, start=1):
        picture = imageio.imread(pictures / f"image_at_epoch_{epoch:04d}.png", mode="L")
        shrunk = picture.reshape(frame.shape[0], 2, frame.shape[1], 2).mean((1, 3))
        assert np.abs(frame - shrunk).max() <= 16  # 16 levels of gray


def test_animation_of_a_long_run_takes_300_pictures_evenly(tmp_path):
    epochs = [*range(1, 400), 10_000]
    for index, epoch in enumerate(epochs):
        picture = np.zeros((20, 20, 1), "uint8")
        picture.flat[index] = 255
        gan.images.save_png(tmp_path / f"image_at_epoch_{epoch:04d}.png", gan.images.enlarge(picture, pixels=40))
    gan.Animation(tmp_path / "run.gif", tmp_path).on_train_end()
    frames = imageio.imread(tmp_path / "run.gif", index=None, mode="L")[:, ::2, ::2]
    shown = frames.reshape(len(frames), -1).argmax(1)
    assert len(frames) == 300
    assert shown[0] == 0 and shown[-1] == 399
    assert set(np.diff(shown)) == {1, 2}


def test_animation_without_pictures_writes_nothing(make_model, make_dataset, tmp_path):
    make_model().fit(make_dataset(), verbose=0, callbacks=[gan.Animation(tmp_path / "run.gif", tmp_path)])
    assert not os.listdir(tmp_path)


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


def test_checkpoint_keeps_the_best_by_a_metric_that_is_not_measured_every_epoch(make_model, make_dataset, tmp_path):
    values = {1: 5.0, 3: 2.0, 5: 3.0, 7: 1.0, 9: 1.5}
    filepath, best = tmp_path / "model.keras", tmp_path / "best.keras"

    def fit(model, initial_epoch, epochs):
        callbacks = [MeasureEverySecondEpoch(values), gan.Checkpoint(filepath, monitor="val_fid")]
        model.fit(make_dataset(), initial_epoch=initial_epoch, epochs=epochs, verbose=0, callbacks=callbacks)

    fit(make_model(), 0, 6)
    assert gan.Checkpoint.load(best)[1] == 4
    fit(gan.Checkpoint.load(filepath)[0], 6, 7)  # the best value of the first run still stands
    assert gan.Checkpoint.load(best)[1] == 4
    fit(gan.Checkpoint.load(filepath)[0], 7, 10)
    assert gan.Checkpoint.load(best)[1] == 8
    assert gan.Checkpoint.load(filepath)[1] == 10


def test_checkpoint_with_mode_max(make_model, make_dataset, tmp_path):
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
def test_checkpoint_stops_a_run_that_diverges_and_keeps_the_last_good_model(make_model, images, tmp_path, where):
    class Spoil(keras.callbacks.Callback):
        """From the third epoch on: NaN, at once in a loss or only in a weight after the last step."""

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
    model.compile("sgd", "categorical_crossentropy", metrics=[keras.metrics.F1Score()])  # a figure a class
    x, y = np.ones((8, 3)), np.eye(2)[[0, 1] * 4]
    filepath = tmp_path / "model.keras"
    callbacks = [gan.Checkpoint(filepath), gan.Progress(), gan.CSVHistory(tmp_path / "history.csv")]
    model.fit(x, y, epochs=2, verbose=0, callbacks=callbacks)
    loaded, epoch = gan.Checkpoint.load(filepath)
    assert epoch == 2
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), model.predict(x, verbose=0))


def test_a_metric_that_is_nan_is_no_best_and_no_divergence(make_model, make_dataset, tmp_path):
    callbacks = [
        MeasureEverySecondEpoch({1: 5.0, 3: float("nan")}),
        gan.Checkpoint(tmp_path / "model.keras", monitor="val_fid"),
    ]
    make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    assert gan.Checkpoint.load(tmp_path / "best.keras")[1] == 2
    assert gan.Checkpoint.load(tmp_path / "model.keras")[1] == 4


def test_checkpoint_is_whole_or_the_one_before(make_model, make_dataset, tmp_path, monkeypatch):
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


def test_checkpoint_refuses_what_it_cannot_do(tmp_path):
    with pytest.raises(ValueError, match="mode must be"):
        gan.Checkpoint(tmp_path / "model.keras", mode="auto")
    with pytest.raises(ValueError, match=r"end in \.keras"):
        gan.Checkpoint(tmp_path / "model.h5")
    with pytest.raises(ValueError, match="no model file"):
        gan.Checkpoint.load(tmp_path / "model.keras")


def test_csv_history_takes_in_metrics_that_come_late(make_model, make_dataset, tmp_path):
    filepath = tmp_path / "history.csv"
    callbacks = [MeasureEverySecondEpoch({1: 5.0, 3: 2.0}), gan.CSVHistory(filepath)]
    history = make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks).history
    read = gan.CSVHistory.read(filepath)
    assert read["epoch"] == [1, 2, 3, 4]
    assert read["g_loss"] == history["g_loss"]
    np.testing.assert_array_equal(read["val_fid"], [np.nan, 5.0, np.nan, 2.0])


def test_progress_tells_epoch_losses_and_time_left(make_model, make_dataset, capsys):
    make_model().fit(make_dataset(), epochs=2, verbose=0, callbacks=[gan.Progress()])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1/2") and "g_loss" in first and first.endswith("left")
    assert last.startswith("epoch 2/2") and last.endswith("0 min 00 s left")


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
