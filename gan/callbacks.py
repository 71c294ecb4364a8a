"""What happens during `fit`, as Keras callbacks."""

import csv
import json
import math
import shutil
import statistics
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np

from gan import images as image_tools
from gan.cli import format_duration
from gan.files import read_keras_file, written_whole

MOST_COLUMNS = 32


class ImageGrid(keras.callbacks.Callback):
    """Draws what the generator makes of the same latents, epoch after epoch; of a conditional GAN a class a column.

    Works in the `fit` of any model that keeps its generator in an attribute `generator`; where there is a `sampler`, as
    a `gan.GAN` has in the average of its generator, that is what is drawn.

    Args:
        directory: Folder for the pictures `image_at_epoch_0001.png`, `image_at_epoch_0002.png`, ...
        rows: Int, rows of the grid. Default 4.
        columns: Int, columns of the grid. Default 4, or of a model with `num_classes` as many, but at most 32.
        every: Int, a picture every so many epochs. Default 1.
        seed: Int, seed of the latents, which stay the same for the whole run. Default 0.
        show: Bool, whether to display each picture in a notebook too. Default False.
        log_dir: Folder for TensorBoard, to write each picture there too. Default None: it is not.

    Raises:
        ValueError: `rows`, `columns` or `every` is below 1, or, in `fit`, the images are neither gray nor RGB.

    Example:

    ```python
    model.fit(dataset, epochs=300, callbacks=[gan.ImageGrid("runs/mnist/images", every=5)])
    ```
    """

    def __init__(self, directory, rows=4, columns=None, every=1, seed=0, show=False, log_dir=None):
        super().__init__()
        if min(rows, 1 if columns is None else columns, every) < 1:
            raise ValueError(f"rows, columns and every must be at least 1, not {rows}, {columns} and {every}.")
        self.directory = Path(directory)
        self.rows = rows
        self.columns = columns
        self.every = every
        self.seed = seed
        self.show = show
        self.log_dir = log_dir

    def on_train_begin(self, logs=None):
        self.sampler = getattr(self.model, "sampler", self.model.generator)
        channels = self.sampler.output_shape[-1]
        if channels not in (1, 3):
            raise ValueError(f"ImageGrid draws images of 1 or 3 channels, not of {channels}.")
        num_classes = getattr(self.model, "num_classes", None)
        self.drawn_columns = self.columns or min(num_classes or 4, MOST_COLUMNS)
        count = self.rows * self.drawn_columns
        if num_classes is None:
            self.inputs = keras.random.normal((count, self.sampler.input_shape[-1]), seed=self.seed)
        else:
            latents = keras.random.normal((count, self.model.latent_dim), seed=self.seed)
            self.inputs = [latents, np.arange(count) % self.drawn_columns % num_classes]

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        images = image_tools.to_uint8(self.sampler.predict_on_batch(self.inputs))
        path = self.directory / f"image_at_epoch_{epoch + 1:04d}.png"
        image_tools.save_png(path, image_tools.enlarge(image_tools.grid(images, self.drawn_columns)))
        if self.show:
            from IPython import display

            display.display(display.Image(path))
        if self.log_dir is not None:
            _write_tensorboard_image(self.log_dir, path, epoch)


def _write_tensorboard_image(log_dir, path, epoch):
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    image = summary_pb2.Summary.Image(encoded_image_string=path.read_bytes())
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="samples", image=image)])
    writer = EventFileWriter(str(log_dir))
    writer.add_event(event_pb2.Event(wall_time=time.time(), step=epoch, summary=summary))
    writer.close()


class Animation(keras.callbacks.Callback):
    """Makes a looping GIF of a run, at its end, from the pictures that `ImageGrid` has drawn.

    As it reads the pictures from their folder, a run that was stopped and resumed has all of its epochs in the GIF.
    Of more than 300 pictures 300 are taken, evenly; a picture of more than 256x256 pixels is made smaller; and where
    that is still above 5 MB, every second frame is left out.

    Args:
        filepath: The GIF to write.
        images: Folder of the pictures, the `directory` of an `ImageGrid`.
        seconds: Float, how long the whole GIF should take at most. Default 15; a frame is shown for 0.2 seconds at
            the longest.

    Example:

    ```python
    callbacks = [gan.ImageGrid("runs/mnist/images"), gan.Animation("runs/mnist/training.gif", "runs/mnist/images")]
    model.fit(dataset, epochs=300, callbacks=callbacks)
    ```
    """

    def __init__(self, filepath, images, seconds=15):
        super().__init__()
        self.filepath = filepath
        self.images = Path(images)
        self.seconds = seconds

    def on_train_end(self, logs=None):
        paths = sorted(self.images.glob("image_at_epoch_*.png"), key=lambda path: int(path.stem.split("_")[-1]))
        if not paths:
            return
        chosen = np.linspace(0, len(paths) - 1, min(len(paths), image_tools.MAX_FRAMES)).round().astype(int)
        frames = [image_tools.to_frame(image_tools.read_png(paths[index])) for index in chosen]
        image_tools.save_gif(self.filepath, frames, min(0.2, self.seconds / len(frames)))


class Checkpoint(keras.callbacks.Callback):
    """Keeps a model on disk from which a run goes on exactly, and the best one by a metric.

    After every epoch the whole model is written to one `.keras` file, which takes the place of the one before only
    once it is complete: whenever the process is killed, at most the epoch it was in is lost. Unlike
    `keras.callbacks.ModelCheckpoint` it minds a metric only in epochs that measured it, remembers the best value from
    one run to the next, and never overwrites a good model by one that has diverged: it stops such a run instead.

    Args:
        filepath: The `.keras` file of the last epoch.
        monitor: Name of the metric whose best model is kept too, such as `"val_fid"`. Default None: none is.
        mode: `"min"` (default) or `"max"`, what is best.
        best_filepath: The `.keras` file of the best epoch. Default `best.keras` next to `filepath`.

    Raises:
        ValueError: `mode` is neither of the two, or a file's name does not end in `.keras`.
        FloatingPointError: During `fit`, a loss or a weight is no longer finite.

    Example:

    ```python
    checkpoint = gan.Checkpoint("runs/mnist/model.keras", monitor="val_g_loss")
    model.fit(dataset, epochs=10, validation_data=test, validation_freq=5, callbacks=[checkpoint])

    # In another process, after whatever has happened to the first one:
    model, epoch = gan.Checkpoint.load("runs/mnist/model.keras")
    model.fit(gan.datasets.load("mnist5k"), initial_epoch=epoch, epochs=10, callbacks=[checkpoint])
    ```
    """

    _RECORD = "checkpoint.json"

    def __init__(self, filepath, monitor=None, mode="min", best_filepath=None):
        super().__init__()
        self.filepath = Path(filepath)
        self.monitor = monitor
        self.mode = mode
        self.best_filepath = self.filepath.with_name("best.keras") if best_filepath is None else Path(best_filepath)
        self.best = None
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}.")
        for path in (self.filepath, self.best_filepath):
            if path.suffix != ".keras":
                raise ValueError(f"a checkpoint's file name must end in .keras, unlike {path}.")

    @classmethod
    def load(cls, filepath):
        """Loads a checkpoint.

        Args:
            filepath: The `.keras` file that a `Checkpoint` has written.

        Returns:
            The model, compiled, and the number of epochs that it has behind it.

        Raises:
            ValueError: The file does not exist, is damaged, or was not written by a `Checkpoint`.
        """
        model = read_keras_file(filepath)
        record = cls._read_record(filepath)
        if record is None:
            raise ValueError(f"{filepath} was not written by gan.Checkpoint: it does not tell its epoch.")
        return model, record["epoch"]

    @classmethod
    def _read_record(cls, filepath):
        with zipfile.ZipFile(filepath) as archive:
            return json.loads(archive.read(cls._RECORD)) if cls._RECORD in archive.namelist() else None

    def on_train_begin(self, logs=None):
        self.best = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.monitor and self.best is None and epoch > 0 and self.filepath.exists():
            record = self._read_record(self.filepath)
            if record and record["monitor"] == self.monitor:
                self.best = record["best"]

    def on_train_batch_end(self, batch, logs=None):
        self._check_finite(logs)

    def on_epoch_end(self, epoch, logs=None):
        self._check_finite(logs)
        if not all(np.isfinite(weight).all() for weight in self.model.get_weights()):
            self._stop("a weight is no longer finite")
        value = (logs or {}).get(self.monitor)
        if value is not None and math.isfinite(value) and self._is_better(value):
            self.best = float(value)
            self._save(self.best_filepath, epoch)
        self._save(self.filepath, epoch)

    def _is_better(self, value):
        if self.best is None:
            return True
        return value < self.best if self.mode == "min" else value > self.best

    def _check_finite(self, logs):
        for name, value in (logs or {}).items():
            if name.endswith("loss") and not np.isfinite(value).all():
                self._stop(f"{name} is {value}")

    def _stop(self, reason):
        kept = f"the last good model is {self.filepath}" if self.filepath.exists() else "no epoch was finished"
        raise FloatingPointError(f"training has diverged: {reason}; {kept}. Lower learning rates may help.")

    def _save(self, filepath, epoch):
        record = {"epoch": epoch + 1, "monitor": self.monitor, "best": self.best}
        with written_whole(filepath) as partial:
            self.model.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(self._RECORD, json.dumps(record))


class CSVHistory(keras.callbacks.Callback):
    """Writes what `fit` logs to a CSV file, a row an epoch, whole after each of them.

    Unlike `keras.callbacks.CSVLogger` it takes in metrics that are not measured every epoch (their cell is empty
    then), and a run that goes on with an `initial_epoch` replaces the rows from there on.

    Args:
        filepath: The CSV file.

    Example:

    ```python
    model.fit(dataset, epochs=10, callbacks=[gan.CSVHistory("runs/mnist/history.csv")])
    gan.CSVHistory.read("runs/mnist/history.csv")["g_loss"]
    ```
    """

    def __init__(self, filepath):
        super().__init__()
        self.filepath = Path(filepath)
        self.rows = None

    @staticmethod
    def read(filepath):
        """Reads a history.

        Args:
            filepath: The CSV file.

        Returns:
            Dict from a column's name to its values, one float an epoch, NaN where there is none.
        """
        rows = _read_rows(filepath)
        columns = rows[0] if rows else ()
        return {name: [float(row[name] or "nan") for row in rows] for name in columns}

    def on_train_begin(self, logs=None):
        self.rows = None

    def on_epoch_begin(self, epoch, logs=None):
        if self.rows is None:
            before = _read_rows(self.filepath) if epoch > 0 and self.filepath.exists() else []
            self.rows = [row for row in before if int(row["epoch"]) <= epoch]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append({"epoch": epoch + 1, **(logs or {})})
        columns = dict.fromkeys(name for row in self.rows for name in row)
        with written_whole(self.filepath) as partial, open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)


def _read_rows(filepath):
    with open(filepath, newline="") as file:
        return list(csv.DictReader(file))


class Progress(keras.callbacks.Callback):
    """Prints a line an epoch with the losses and the time that the rest of the run will take.

    A validation adds a line of what only it measures, such as `val_fid`. In a terminal the line of the epoch
    under way is kept up to date. Meant for `fit(..., verbose=0)`.

    Example:

    ```python
    model.fit(dataset, epochs=300, verbose=0, callbacks=[gan.Progress()])
    ```
    """

    def on_train_begin(self, logs=None):
        self.epoch_seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.started = self.refreshed = time.monotonic()

    def on_train_batch_end(self, batch, logs=None):
        now = time.monotonic()
        steps = self.params["steps"]
        if steps and now > self.refreshed + 0.5 and sys.stdout.isatty():
            self.refreshed = now
            epochs_done = (batch + 1) / steps
            usual = self.epoch_seconds[-10:] or [(now - self.started) / epochs_done]
            line = self._line(f"step {batch + 1}/{steps}", epochs_done, usual, logs)
            print(f"\r{line[: shutil.get_terminal_size().columns - 1]}", end="\033[K", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        self.epoch_seconds.append(time.monotonic() - self.started)
        line = self._line(f"{self.epoch_seconds[-1]:.1f} s", 1, self.epoch_seconds[-10:], logs)
        print(f"\r{line}\033[K" if sys.stdout.isatty() else line, flush=True)
        if measured := _format(
            logs, lambda name: name.startswith("val_") and name.removeprefix("val_") not in logs, ".4g"
        ):
            print(f"  {measured}", flush=True)

    def _line(self, done, epochs_done, epoch_seconds, logs):
        epochs = self.params["epochs"]
        values = _format(logs, lambda name: name != "loss" and not name.startswith("val_"))
        left = statistics.mean(epoch_seconds) * (epochs - self.epoch - epochs_done)
        return f"epoch {self.epoch + 1:{len(str(epochs))}}/{epochs}  {values}  {done}, {format_duration(left)} left"


def _format(logs, is_told, digits=".3f"):
    return "  ".join(
        f"{name} {value:{digits}}" for name, value in logs.items() if np.ndim(value) == 0 and is_told(name)
    )
