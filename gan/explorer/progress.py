"""How far a run is: its newest pictures, and the time it will take."""

import csv
import shlex
from typing import NamedTuple

from gan.cli import format_duration
from gan.locks import is_locked
from gan.runs import CONFIG_NAME, read_config

GRIDS = "images/image_at_epoch_*.png"


class Progress(NamedTuple):
    """What a run has written so far.

    Attributes:
        sentence: String, how far it is.
        grid: Path of its newest grid of images. None if there is none.
        curves: Path of its curves. None if there are none.
        is_training: Bool, whether a process trains it now.
    """

    sentence: str
    grid: object
    curves: object
    is_training: bool


class Watch:
    """Watches a run.

    Args:
        folder: `pathlib.Path` of the run's folder.
    """

    def __init__(self, folder):
        self.folder = folder
        self._seen = None  # an epoch, and when it ended

    def look(self):
        """Returns the `Progress` of the run."""
        grids = sorted(self.folder.glob(GRIDS))
        curves = self.folder / "curves.png"
        is_training = is_locked(self.folder)
        sentence = self._describe(is_training, grids)
        return Progress(sentence, grids[-1] if grids else None, curves if curves.is_file() else None, is_training)

    def _describe(self, is_training, grids):
        try:
            config = read_config(self.folder)
        except ValueError as error:
            return str(error)
        if config is None:
            if not self.folder.is_dir():
                return f"The folder {self.folder} is gone."
            return "The run prepares its images." if is_training else "This folder holds no run, only a model."
        planned, (done, ended) = config["arguments"].get("epochs", 0), self._read_last_epoch()
        if not is_training:
            if done >= planned:
                return f"Finished: {done} of {planned} epochs."
            command = f"python scripts/train.py --output {shlex.quote(str(self.folder))} --resume"
            return f"Stopped after {done} of {planned} epochs. To continue: `{command}`"
        if not done:
            return f"Training: epoch 1 of {planned}."
        left = self._estimate(planned, done, ended, grids)
        time = "" if left is None else f", {format_duration(left)} left"
        return f"Training: {done} of {planned} epochs are finished{time}."

    def _read_last_epoch(self):
        """Returns the last epoch in history.csv, and when it ended."""
        file = self.folder / "history.csv"
        try:
            with open(file, newline="") as history:
                rows = list(csv.DictReader(history))
            return int(rows[-1]["epoch"]), file.stat().st_mtime
        except (OSError, IndexError, KeyError, ValueError):
            return 0, 0.0

    def _estimate(self, planned, done, ended, grids):
        """Returns the seconds that the rest of the run takes, from an earlier epoch of the same start; None without."""
        started = (self.folder / CONFIG_NAME).stat().st_mtime
        points = [(int(grid.stem.rpartition("_")[2]), grid.stat().st_mtime) for grid in grids]
        points = [(epoch, time) for epoch, time in [*points, self._seen or (0, 0.0)] if time > started and epoch < done]
        if self._seen is None or self._seen[1] <= started:
            self._seen = done, ended
        if not points:
            return None
        epoch, time = min(points)
        return (ended - time) / (done - epoch) * (planned - done)
