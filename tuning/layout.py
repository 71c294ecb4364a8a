"""Where the files of a sweep are, within its folder."""

import csv
import json
import math
from pathlib import Path


def settings_file(output):
    """What the sweep was started with."""
    return Path(output) / "sweep.json"


def read_settings(output):
    """The settings of a sweep, a dict."""
    return json.loads(settings_file(output).read_text())


def records_folder(output):
    """keras-tuner's own records: `oracle.json` and a folder for each trial."""
    return Path(output) / "trials"


def records_file(output):
    """All that the chief knows."""
    return records_folder(output) / "oracle.json"


def read_records(output):
    """All that the chief knows, a dict; None before the first trial."""
    file = records_file(output)
    return json.loads(file.read_text()) if file.exists() else None


def trial_folder(output, trial_id):
    """keras-tuner's folder of a trial, `trial.json` in it."""
    return records_folder(output) / f"trial_{trial_id}"


def run_folder(output, trial_id):
    """What the training of a trial leaves: `history.csv`, `best.keras` and what TensorBoard shows."""
    return trial_folder(output, trial_id) / "run"


def failure_file(output, trial_id):
    """Why a trial has failed, a sentence."""
    return trial_folder(output, trial_id) / "failure.txt"


def deaths_file(output, trial_id):
    """How processes died that ran a trial, a line each."""
    return trial_folder(output, trial_id) / "deaths.txt"


def log_file(output, name):
    """Warnings and errors of a process."""
    return Path(output) / "logs" / f"{name}.log"


def heartbeat_file(output, tuner_id):
    """The trial that a worker is at; the time of its change says when the worker was last alive."""
    return Path(output) / "workers" / tuner_id


def read_history(output, trial_id):
    """The epochs of a trial so far, a list of dicts from names to floats; those that were not measured are left out."""
    try:
        lines = (run_folder(output, trial_id) / "history.csv").read_text().splitlines()
    except FileNotFoundError:  # It has no epoch yet, or is just being started anew.
        return []
    return [{name: float(value) for name, value in row.items() if value} for row in csv.DictReader(lines)]


def best_epoch(history):
    """The row of the lowest `val_fid` in what `read_history` returns, None where it was not measured."""
    measured = [row for row in history if math.isfinite(row.get("val_fid", math.nan))]
    return min(measured, key=lambda row: row["val_fid"], default=None)


def leaderboard_file(output):
    """All trials that have ended, the best first."""
    return Path(output) / "leaderboard.csv"
