"""The files in the folder of a sweep."""

import csv
import json
import math
from pathlib import Path

# Settings that are newer than some sweeps.
DEFAULTS = {"background": "white", "skip_damaged": False, "flip": False}


def settings_file(output):
    """The settings of the sweep."""
    return Path(output) / "sweep.json"


def read_settings(output):
    """Returns the settings of a sweep as a dict."""
    return {**DEFAULTS, **json.loads(settings_file(output).read_text())}


def records_folder(output):
    """The records of keras-tuner: `oracle.json` and one folder per trial."""
    return Path(output) / "trials"


def records_file(output):
    """The state of the chief."""
    return records_folder(output) / "oracle.json"


def read_records(output):
    """Returns the state of the chief as a dict, or None before the first trial."""
    file = records_file(output)
    return json.loads(file.read_text()) if file.exists() else None


def trial_folder(output, trial_id):
    """The folder of a trial, which contains its `trial.json`."""
    return records_folder(output) / f"trial_{trial_id}"


def run_folder(output, trial_id):
    """The results of training a trial: `history.csv`, `best.keras` and the logs for TensorBoard."""
    return trial_folder(output, trial_id) / "run"


def failure_file(output, trial_id):
    """The reason why a trial failed, in one sentence."""
    return trial_folder(output, trial_id) / "failure.txt"


def deaths_file(output, trial_id):
    """How the processes that ran a trial died, one per line."""
    return trial_folder(output, trial_id) / "deaths.txt"


def log_file(output, name):
    """The warnings and errors of a process."""
    return Path(output) / "logs" / f"{name}.log"


def heartbeat_file(output, tuner_id):
    """The trial that a worker runs. The modification time is the last sign of life of the worker."""
    return Path(output) / "workers" / tuner_id


def read_history(output, trial_id):
    """Returns the epochs of a trial so far as a list of dicts from names to floats, without missing values."""
    try:
        lines = (run_folder(output, trial_id) / "history.csv").read_text().splitlines()
    except FileNotFoundError:  # No epoch has ended yet, or the trial is being restarted.
        return []
    return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(lines)]


def best_epoch(history):
    """Returns the row with the lowest `val_fid` of what `read_history` returns, or None if there is none."""
    measured = [row for row in history if math.isfinite(row.get("val_fid", math.nan))]
    return min(measured, key=lambda row: row["val_fid"], default=None)


def leaderboard_file(output):
    """All trials that have ended, best first."""
    return Path(output) / "leaderboard.csv"


def noise_file(output):
    """The fid of uniform noise, measured once per sweep."""
    return Path(output) / "noise.json"
