"""A training run on disk, from which it resumes exactly."""

import json
import math
import zipfile
from pathlib import Path

import keras
import numpy as np

from gan import engines
from gan.files import read_keras_file, written_whole
from gan.kept import kept_name


class Checkpoint(keras.callbacks.Callback):
    """Saves the model after each epoch, so that a run resumes exactly, and keeps the best model by a metric.

    The whole model is written to one `.keras` file after each epoch. The new file replaces the previous one only once
    it is complete: a killed process loses at most the epoch that it was in. Unlike `keras.callbacks.ModelCheckpoint`,
    this callback considers only the epochs that measured the metric, remembers the best value when a run is resumed,
    and never overwrites a good model with a diverged one: it stops such a run instead.

    Args:
        filepath: The `.keras` file of the last epoch.
        monitor: String, name of the metric by which the best model is kept too, such as `"val_fid"`. Defaults to
            None: no best model is kept.
        mode: `"min"` or `"max"`: whether a low or a high value of the metric is best. Defaults to `"min"`.
        best_filepath: The `.keras` file of the best epoch. Defaults to `best.keras` in the folder of `filepath`.
        keep_every: Int, number of epochs from one kept checkpoint to the next. Each is the whole model, in
            `checkpoints/epoch_0010.keras`, ... in the folder of `filepath`, and is never removed. Defaults to None:
            none are kept.

    Raises:
        ValueError: `mode` is neither `"min"` nor `"max"`, `keep_every` is below 1, or a file name does not end in
            `.keras`.
        FloatingPointError: In `fit`, a loss or a weight is NaN or infinite.

    Example:

    ```python
    checkpoint = gan.Checkpoint("runs/mnist/model.keras", monitor="val_g_loss")
    model.fit(dataset, epochs=10, validation_data=test, validation_freq=5, callbacks=[checkpoint])

    # In another process, after the first one was interrupted:
    model, epoch = gan.Checkpoint.load("runs/mnist/model.keras")
    model.fit(gan.datasets.load("mnist5k"), initial_epoch=epoch, epochs=10, callbacks=[checkpoint])
    ```
    """

    _RECORD = "checkpoint.json"

    def __init__(self, filepath, monitor=None, mode="min", best_filepath=None, keep_every=None):
        super().__init__()
        self.filepath = Path(filepath)
        self.monitor = monitor
        self.mode = mode
        self.best_filepath = self.filepath.with_name("best.keras") if best_filepath is None else Path(best_filepath)
        self.keep_every = keep_every
        self.best = None
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', not {mode!r}.")
        if keep_every is not None and keep_every < 1:
            raise ValueError(f"keep_every must be at least 1, not {keep_every}.")
        for path in (self.filepath, self.best_filepath):
            if path.suffix != ".keras":
                raise ValueError(f"the file name of a checkpoint must end in .keras, but {path} does not.")

    @classmethod
    def load(cls, filepath):
        """Loads a checkpoint.

        Args:
            filepath: A `.keras` file that a `Checkpoint` has written.

        Returns:
            A tuple of the compiled model and the number of epochs that it was trained for.

        Raises:
            ValueError: The file does not exist, is damaged, or was not written by a `Checkpoint`.
        """
        model = read_keras_file(filepath)
        record = cls._read_record(filepath)
        if record is None:
            raise ValueError(f"{filepath} was not written by gan.Checkpoint: it does not contain its epoch.")
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
            self._stop("a weight is NaN or infinite")
        value = (logs or {}).get(self.monitor)
        if value is not None and math.isfinite(value) and self._is_better(value):
            self.best = float(value)
            self._save(self.best_filepath, epoch)
        if self.keep_every and (epoch + 1) % self.keep_every == 0:
            self._save(self.filepath.parent / kept_name(epoch + 1), epoch)
        # Last, as it makes the epoch a finished one: a killed run writes the others of this epoch again.
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
        kept = f"the last good model is {self.filepath}" if self.filepath.exists() else "no epoch was completed"
        raise FloatingPointError(f"training has diverged: {reason}; {kept}. Try lower learning rates.")

    def _save(self, filepath, epoch):
        if not engines.is_first_process():
            return
        record = {"epoch": epoch + 1, "monitor": self.monitor, "best": self.best}
        with written_whole(filepath) as partial:
            self.model.save(partial)
            with zipfile.ZipFile(partial, "a") as archive:
                archive.writestr(self._RECORD, json.dumps(record))
