"""The progress of a sweep on the terminal."""

import time

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from gan.cli import format_duration
from tuning.layout import best_epoch, read_history, read_records


def count(number, noun):
    """Returns a number with its noun in the right form: `"1 trial"`, `"3 trials"`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


class Display:
    """Prints a line for each trial that has ended and, on a terminal, a live table of the running trials.

    Args:
        output: Folder of the sweep.
        epochs: List with the number of epochs of each trial.
    """

    def __init__(self, output, epochs):
        self.output = output
        self.planned = epochs
        self.console = Console(highlight=False, soft_wrap=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=True)

    def __enter__(self):
        records = read_records(self.output) or {"end_order": [], "seconds": 0}
        self.told = set(records["end_order"])
        self.started = time.monotonic() - records["seconds"]
        if self.told:
            self.console.print(f"resuming after {len(self.told)} of {count(len(self.planned), 'trial')}.")
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_):
        self.refresh()
        self.live.stop()

    def refresh(self):
        """Prints the trials that have ended since the last call, and updates the table."""
        records = read_records(self.output)
        if records is None:
            return
        trials = records["trials"]
        histories = {trial_id: read_history(self.output, trial_id) for trial_id in records["ongoing_trials"].values()}
        progress = self._progress(records, histories)
        for trial_id in records["end_order"]:
            if trial_id not in self.told:
                self.told.add(trial_id)
                self.console.print(
                    f"{_describe(trials[trial_id], records['times'][trial_id])}; {progress}", markup=False
                )
        if self.console.is_terminal:
            table = Table("trial", "worker", "epoch", "fid", "best fid", "time left", box=None)
            for tuner_id, trial_id in records["ongoing_trials"].items():
                if trials[trial_id]["status"] == "RUNNING":
                    seconds = time.monotonic() - self.started - records["times"][trial_id][0]
                    table.add_row(trial_id, tuner_id, *self._row(trials[trial_id], histories[trial_id], seconds))
            self.live.update(Group(progress, table), refresh=True)

    def _progress(self, records, histories):
        trials = records["trials"]
        ended = [trials[trial_id] for trial_id in records["end_order"]]
        parts = [f"{len(ended)} of {count(len(self.planned), 'trial')}"]
        if failed := sum(trial["status"] == "FAILED" for trial in ended):
            parts.append(f"{failed} failed")
        scores = [(trial["score"], trial["trial_id"]) for trial in ended if trial["status"] == "COMPLETED"]
        if scores:
            parts.append("best fid {:.3f} (trial {})".format(*min(scores)))
        spans = [self._span(trial) for trial in ended]
        done = sum(last - first for first, last in spans)
        done += sum(self._epochs_done(trials[trial_id], history) for trial_id, history in histories.items())
        if done:
            left = (time.monotonic() - self.started) / done * (sum(self.planned) - done)
            parts.append(f"{format_duration(max(left, 0))} left")
        return ", ".join(parts)

    def _row(self, trial, history, seconds):
        first, last = self._span(trial)
        done = self._epochs_done(trial, history)
        measured = [f"{row['val_fid']:.3f}" for row in history if "val_fid" in row]
        best = best_epoch(history)
        return (
            f"{first + done}/{last}",
            measured[-1] if measured else "",
            f"{best['val_fid']:.3f}" if best else "",
            format_duration(seconds / done * (last - first - done)) if done else "",
        )

    def _span(self, trial):
        """Returns the epochs at which a trial starts and ends."""
        values = trial["hyperparameters"]["values"]
        return values.get("tuner/initial_epoch", 0), values.get("tuner/epochs", self.planned[0])

    def _epochs_done(self, trial, history):
        return max(0, int(history[-1]["epoch"]) - self._span(trial)[0]) if history else 0


def _describe(trial, times):
    name = f"trial {trial['trial_id']}"
    if trial["status"] == "FAILED":
        return f"{name} failed: {trial['message']}"
    start, end = times
    return f"{name}: fid {trial['score']:.3f} in {format_duration(end - start)}"
