"""One line per epoch on the terminal."""

import shutil
import statistics
import sys
import time

import keras
import numpy as np

from gan.cli import format_duration


class Progress(keras.callbacks.Callback):
    """Prints one line per epoch: losses, accuracies, and the time that the rest of the run will take.

    After a validation, a second line shows the metrics that only the validation measures, such as `val_fid`. In a
    terminal, the line of the current epoch is updated while it runs. Use it with `fit(..., verbose=0)`.

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
            recent_seconds = self.epoch_seconds[-10:] or [(now - self.started) / epochs_done]
            line = self._format_line(f"step {batch + 1}/{steps}", epochs_done, recent_seconds, logs)
            print(f"\r{line[: shutil.get_terminal_size().columns - 1]}", end="\033[K", flush=True)

    def on_epoch_end(self, epoch, logs=None):
        self.epoch_seconds.append(time.monotonic() - self.started)
        line = self._format_line(f"{self.epoch_seconds[-1]:.1f} s", 1, self.epoch_seconds[-10:], logs)
        print(f"\r{line}\033[K" if sys.stdout.isatty() else line, flush=True)
        only_validated = {
            name: value
            for name, value in logs.items()
            if name.startswith("val_") and name.removeprefix("val_") not in logs
        }
        if measured := _format_values(only_validated, ".4g"):
            print(f"  {measured}", flush=True)

    def _format_line(self, done, epochs_done, epoch_seconds, logs):
        epochs = self.params["epochs"]
        trained = {name: value for name, value in logs.items() if name != "loss" and not name.startswith("val_")}
        left = statistics.mean(epoch_seconds) * (epochs - self.epoch - epochs_done)
        return (
            f"epoch {self.epoch + 1:{len(str(epochs))}}/{epochs}  {_format_values(trained, '.3f')}  {done}, "
            f"{format_duration(left)} left"
        )


def _format_values(logs, digits):
    return "  ".join(f"{name} {value:{digits}}" for name, value in logs.items() if np.ndim(value) == 0)
