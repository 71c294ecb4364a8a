"""The values that `fit` logs, as a CSV file."""

import csv
from pathlib import Path

import keras

from gan import engines
from gan.files import written_whole


class CSVHistory(keras.callbacks.Callback):
    """Writes the values that `fit` logs to a CSV file, one row per epoch.

    The file is complete after each epoch. Unlike `keras.callbacks.CSVLogger`, this callback accepts metrics that are
    not measured in every epoch (their cells are empty then), and a run that continues with an `initial_epoch`
    replaces the rows from there on.

    Args:
        filepath: The CSV file to write.

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
            filepath: A CSV file that a `CSVHistory` has written.

        Returns:
            Dict from column names to lists of floats, one per epoch, with NaN for empty cells.
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
        if not engines.is_first_process():
            return
        columns = dict.fromkeys(name for row in self.rows for name in row)
        with written_whole(self.filepath) as partial, open(partial, "w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows)


def _read_rows(filepath):
    with open(filepath, newline="") as file:
        return list(csv.DictReader(file))
