"""Sweeps with real processes, some of which are killed."""

import csv
import functools
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import gan
from gan import cli
from gan.locks import locked_folder
from tuning import processes
from tuning.display import count
from tuning.layout import heartbeat_file, leaderboard_file, log_file, read_history, read_records, settings_file
from tuning.sweep import _Crew, run_sweep

SCRIPTS = Path(__file__).parents[2] / "scripts"
SPACE = {
    "latent_dim": 4,
    "batch_size": 100,
    "generator_widths": [8],
    "discriminator_widths": {"layers": [1, 2], "values": [8, 16], "default": [8]},
}


@pytest.fixture
def start(tmp_path, digits_file):
    """Starts `tune.py` on little data and kills what is left of it at the end of the test."""
    (tmp_path / "space.json").write_text(json.dumps(SPACE))
    started = []

    def start(arguments):
        command = [sys.executable, SCRIPTS / "tune.py", *shlex.split(arguments), "--output", tmp_path / "sweep"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()


@pytest.fixture
def options(digits_file):
    return f"--data {digits_file} --space space.json --epochs 2 --extractor digits"


def wait_for(find, seconds=90):
    """Calls `find` until it returns something, and returns that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(0.05)
    raise AssertionError(f"nothing happened within {seconds} seconds.")


def pids_of(command):
    """Returns the process ids of the descendants of a command by their names."""
    pids = {}
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"{command.pid}" in ancestors(folder.name):
                pids[(folder / "comm").read_text().strip()] = int(folder.name)
        except OSError:
            continue
    return pids


def ancestors(pid):
    while int(pid) > 1:
        pid = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]
        yield pid


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def working(output, worker):
    """Returns the trial that a worker is training."""
    file = heartbeat_file(output, worker)
    return file.read_text() if file.exists() else None


pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc to find processes")


def test_a_sweep_survives_the_death_of_its_workers_its_chief_and_its_command(start, options, tmp_path):
    output = tmp_path / "sweep"
    arguments = f"{options} --trials 3 --workers 2"
    command = start(arguments)
    doomed = wait_for(lambda: working(output, "worker-0"))
    first_pid = pids_of(command)["tune-worker-0"]
    os.kill(first_pid, signal.SIGKILL)
    # The worker is restarted under its name, gets the same trial, and dies again.
    second_pid = wait_for(lambda: pid if (pid := pids_of(command).get("tune-worker-0")) != first_pid else None)
    time.sleep(0.5)
    assert working(output, "worker-0") == doomed
    os.kill(second_pid, signal.SIGKILL)
    os.kill(pids_of(command)["tune-chief"], signal.SIGKILL)
    wait_for(lambda: doomed in read_records(output)["end_order"])
    # All processes end with the command, as soon as the kernel notifies them.
    everyone = pids_of(command)
    command.kill()
    wait_for(lambda: not any(map(is_alive, everyone.values())), 10)
    finished = read_records(output)["end_order"]
    times = {trial_id: (output / f"trials/trial_{trial_id}/trial.json").stat().st_mtime_ns for trial_id in finished}

    printed, errors = start(arguments).communicate()
    # Two epochs on 200 digits are too few, and the sweep says so.
    assert errors.startswith("warning: no trial is better than noise") and errors.count("\n") == 1
    records = read_records(output)
    assert sorted(records["end_order"]) == ["0", "1", "2"] and records["end_order"][: len(finished)] == finished
    statuses = {trial_id: trial["status"] for trial_id, trial in records["trials"].items()}
    assert statuses.pop(doomed) == "FAILED" and set(statuses.values()) == {"COMPLETED"}
    reason = records["trials"][doomed]["message"]
    assert "2 processes died while running the trial (killed by SIGKILL, then killed by SIGKILL)" in reason
    for trial_id, before in times.items():
        assert (output / f"trials/trial_{trial_id}/trial.json").stat().st_mtime_ns == before

    rows = list(csv.DictReader(leaderboard_file(output).read_text().splitlines()))
    assert [row["trial"] for row in rows][-1] == doomed and rows[-1]["failure"] == reason
    fids = [float(row["val_fid"]) for row in rows[:-1]]
    assert fids == sorted(fids) and len(rows) == 3
    model = gan.load_model(output / "best.keras")
    assert model.generate(2).shape == (2, 28, 28, 1)
    best = json.loads((output / "best.json").read_text())
    assert best["latent_dim"] == model.latent_dim == 4 and best["batch_size"] == 100
    for picture in ("best_so_far", "hyperparameters", "parallel_coordinates", "samples"):
        assert gan.images.read_picture(output / f"{picture}.png").std() > 0
    assert "resuming after" in printed and "reference" in printed

    # A finished sweep is only shown again, and another sweep is refused.
    printed, errors = start(arguments).communicate()
    assert "3 of 3" in printed and read_records(output)["end_order"] == records["end_order"]
    refused = start(f"{options} --trials 3 --seed 7 --validate-every 1")
    assert "validate_every is 5, not 1; seed is 0, not 7" in refused.communicate()[1] and refused.returncode == 2
    trained = tmp_path / "trained"
    subprocess.run(
        [sys.executable, SCRIPTS / "train.py", "--data", "mnist5k", "--epochs", "1", "--validate-every", "0"]
        + ["--hyperparameters", output / "best.json", "--output", trained, "--batch-size", "500"],
        check=True,
        capture_output=True,
    )
    arguments = json.loads((trained / "config.json").read_text())["arguments"]
    assert {**best, "batch_size": 500}.items() <= arguments.items()


def test_ctrl_c_stops_all_processes_and_says_how_to_resume(start, options, tmp_path):
    command = start(f"{options} --trials 2 --workers 1")
    wait_for(lambda: working(tmp_path / "sweep", "worker-0"))
    everyone = pids_of(command)
    assert {"tune-chief", "tune-worker-0"} <= set(everyone)
    command.send_signal(signal.SIGINT)
    _, errors = command.communicate(timeout=60)
    assert command.returncode == 130 and "finished trials are kept" in errors and "Traceback" not in errors
    wait_for(lambda: not any(map(is_alive, everyone.values())), 10)


def test_chief_and_workers_can_be_separate_commands(start, options, tmp_path):
    output = tmp_path / "sweep"
    chief = start(f"{options} --trials 2 --role chief --listen 127.0.0.1:53211")
    wait_for(log_file(output, "chief").exists)
    time.sleep(1)
    worker = start("--role worker --chief 127.0.0.1:53211 --workers 1")
    assert worker.wait(120) == 0 and chief.wait(30) == 0
    assert [trial["status"] for trial in read_records(output)["trials"].values()] == 2 * ["COMPLETED"]
    assert all(len(read_history(output, trial_id)) == 2 for trial_id in "01")


def test_a_sweep_whose_trials_all_diverge_fails_after_the_first_trials(start, options, tmp_path):
    (tmp_path / "space.json").write_text(json.dumps({**SPACE, "generator_lr": 1e30}))
    command = start(f"{options} --trials 20 --workers 2")
    printed, errors = command.communicate()
    assert command.returncode == 1 and "Traceback" not in errors
    assert "trials failed, the last with: FloatingPointError: training has diverged" in errors
    trials = read_records(tmp_path / "sweep")["trials"].values()
    assert 3 <= len(trials) <= 4 and {trial["status"] for trial in trials} == {"FAILED"}
    assert printed.count("failed: FloatingPointError") == len(trials)


def ticks_of_threads():
    """Returns the CPU time of each thread of this process."""
    files = Path("/proc/self/task").glob("*/stat")
    # The twelfth field after the name counts ticks.
    return {file.parent.name: int(file.read_text().rsplit(")", 1)[1].split()[11]) for file in files}


def share_of_the_busiest_thread():
    """Multiplies matrices that every backend divides among its threads."""
    matrix = np.ones((1500, 1500), "float32")
    keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix))
    before = ticks_of_threads()
    for _ in range(20):
        keras.ops.convert_to_numpy(keras.ops.matmul(matrix, matrix))
    spent = [ticks - before.get(thread, 0) for thread, ticks in ticks_of_threads().items()]
    return max(spent) / sum(spent)


@pytest.mark.skipif(cli.count_cores() < 2, reason="one core has no share")
def test_a_trial_computes_on_its_share_of_the_cores(tmp_path, monkeypatch):
    environments = []
    monkeypatch.setattr(processes, "start", lambda *_, environment, **__: environments.append(environment))
    _Crew(tmp_path, []).start_workers("worker", cli.count_cores(), ("127.0.0.1", 1))
    monkeypatch.undo()
    start = functools.partial(processes.start, environment=environments[0])
    monkeypatch.setattr(processes, "start", start)
    assert processes.call(processes.get_context(), f"{__name__}:share_of_the_busiest_thread") > 0.9


@pytest.fixture
def without_processes(monkeypatch):
    """Makes a sweep fail as soon as it would start a process and wait for its imports."""

    def call(*arguments, **named):
        raise AssertionError("a process was started")

    monkeypatch.setattr(processes, "call", call)


def test_the_folder_of_another_sweep_is_refused_before_the_imports(without_processes, small_settings, tmp_path):
    settings_file(tmp_path).write_text(json.dumps(small_settings))
    with pytest.raises(ValueError, match="belongs to another sweep: epochs is 2, not 5; seed is 0, not 7"):
        run_sweep(tmp_path, {**small_settings, "seed": 7, "epochs": 5}, workers=1)
    with pytest.raises(AssertionError, match="a process was started"):
        run_sweep(tmp_path, {**small_settings, "trials": 9}, workers=1)


def test_a_sweep_whose_preset_has_changed_is_refused(monkeypatch, small_settings, tmp_path):
    settings = {**small_settings, "preset": "fast", "space": {}}
    resolved = gan.presets.resolve("fast")
    monkeypatch.setattr(processes, "call", lambda *_, **__: ({**settings, "resolved": resolved}, [], [1]))
    for recorded, sentence in (
        ({"resolved": {**resolved, "clusters": 0}}, "the preset fast had other values of clusters in the version"),
        ({}, "the preset fast may have had other settings"),
    ):
        settings_file(tmp_path).write_text(json.dumps({**settings, **recorded}))
        with pytest.raises(ValueError, match=sentence):
            run_sweep(tmp_path, settings, workers=1)


def test_a_folder_in_use_is_refused_before_the_imports(without_processes, small_settings, tmp_path):
    pytest.importorskip("fcntl")
    settings_file(tmp_path).write_text(json.dumps(small_settings))
    with locked_folder(tmp_path), pytest.raises(ValueError, match="is in use by another process"):
        run_sweep(tmp_path, small_settings, workers=1)


def test_counts_agree_with_their_nouns():
    assert [count(number, "trial") for number in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]
