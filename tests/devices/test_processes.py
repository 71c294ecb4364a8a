"""Several processes of scripts/train.py on this machine: alike, killed, resumed, and started wrongly."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import numpy as np
import pytest
from commands import command_line, run, run_well
from conftest import BACKEND, assert_same_state, state_of

import gan

only_on_jax = pytest.mark.skipif(BACKEND != "jax", reason="several processes train together with JAX")

# A minute is what users wait for the others.
IMPATIENT = """
    from gan import processes

    processes.MEETING_SECONDS = 8
"""
KILL_IN_EPOCH_4 = """
    import os, signal
    import gan

    class Killing(gan.Progress):
        def on_train_batch_end(self, batch, logs=None):
            if self.epoch == 3 and batch == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    gan.callbacks.Progress = Killing
"""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def addresses(count=2):
    return ",".join(f"127.0.0.1:{free_port()}" for _ in range(count))


def start(processes, index, *arguments, prelude=""):
    command = command_line("train.py", *arguments, "--processes", processes, "--process", index, prelude=prelude)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(*processes):
    """Waits until processes end. Returns the exit status, stdout and stderr of each."""
    results = []
    for process in processes:
        stdout, stderr = process.communicate(timeout=120)
        results.append((process.returncode, stdout, stderr))
    return results


def train_together(output, *arguments, preludes=("", "")):
    """Trains with two processes. Only the first one has a folder."""
    processes = addresses()
    first = start(processes, 0, "--output", output, *arguments, prelude=preludes[0])
    return finish(first, start(processes, 1, *arguments, prelude=preludes[1]))


def start_endless(output, arguments):
    """Starts two processes, and waits until they have finished three epochs."""
    processes = addresses()
    arguments = (*arguments, "--epochs", 100000, "--validate-every", 0)
    first, second = start(processes, 0, "--output", output, *arguments), start(processes, 1, *arguments)
    for line in first.stdout:
        if line.startswith("epoch      3/"):
            return first, second
    raise AssertionError(first.stderr.read())


@pytest.fixture(scope="module")
def arguments(noise_file, validated):
    """45 images to train on: four batches, and five images to leave out."""
    return ("--data", noise_file, "--epochs", 6, *validated, "--batch-size", 10, "--drop-remainder")


@pytest.fixture(scope="module")
def together(arguments, tmp_path_factory):
    output = tmp_path_factory.mktemp("together") / "run"
    return output, train_together(output, *arguments)


def load(output):
    return gan.Checkpoint.load(output / "model.keras")


@only_on_jax
def test_two_processes_train_as_one(together, arguments, tmp_path):
    output, results = together
    assert [status for status, _, _ in results] == [0, 0], results
    alone = tmp_path / "run"
    result = run_well("train.py", "--output", alone, *arguments)

    for one, other in zip(state_of(load(output)[0]), state_of(load(alone)[0]), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)  # Adam makes steps of 1e-4 from rounding
    history, other_history = (gan.CSVHistory.read(folder / "history.csv") for folder in (output, alone))
    for name, values in other_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3, err_msg=name)
    assert sorted(path.name for path in output.iterdir()) == sorted(path.name for path in alone.iterdir())
    lines = [without_times(stdout) for _, stdout, _ in results]
    assert len(lines[1]) == 6 + 3 and lines[1] == lines[0]
    assert [line.split()[1] for line in lines[0]] == [line.split()[1] for line in without_times(result.stdout)]


def without_times(stdout):
    """What Progress printed, without what differs between machines."""
    return [
        re.sub(r"  [\d.]+ s, .*", "", line) for line in stdout.splitlines() if line.startswith(("epoch ", "  val_"))
    ]


@only_on_jax
def test_a_killed_process_ends_all_and_the_run_resumes_exactly(together, arguments, tmp_path):
    output = tmp_path / "run"
    (status, _, error), (other_status, _, other_error) = train_together(
        output, *arguments, preludes=("", KILL_IN_EPOCH_4)
    )
    assert (status, other_status) == (1, 1)
    assert "process 0 has lost the others" in error and len(error.splitlines()) == 1
    # The prelude imports TensorFlow with its messages.
    assert "process 1 was killed" in other_error.splitlines()[-1]
    assert f"--output {output} --resume" in error and "--process 0" in error
    assert load(output)[1] == 3

    resumed_alone, resumed_on_four = tmp_path / "alone" / "run", tmp_path / "four" / "run"
    for copy in (resumed_alone, resumed_on_four):
        shutil.copytree(output, copy)
    results = train_together(output, "--resume")
    assert [status for status, _, _ in results] == [0, 0], results
    whole, _ = together
    assert_same_state(load(output)[0], load(whole)[0])
    assert (output / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    # Two devices divide batches of ten, four do not.
    run_well("train.py", "--output", resumed_alone, "--resume", "--devices", 2)
    for one, other in zip(state_of(load(resumed_alone)[0]), state_of(load(whole)[0]), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-4)
    result = run("train.py", "--output", resumed_on_four, "--resume", "--devices", 4)
    assert result.returncode == 2 and "4 devices cannot divide a batch of 10 images" in result.stderr


@only_on_jax
def test_a_killed_supervisor_takes_its_process_with_it(arguments, tmp_path):
    first, second = start_endless(tmp_path / "run", arguments)
    listening = subprocess.run(["ss", "-Htlnp"], capture_output=True, text=True).stdout if shutil.which("ss") else ""
    own = [line for line in listening.splitlines() if "python" in line]
    assert all("127.0.0.1" in line.split()[3] for line in own), own

    second.kill()
    killed = time.monotonic()
    ((status, _, error),) = finish(first)
    assert time.monotonic() - killed < 60
    assert status == 1 and "has lost the others" in error
    second.communicate(timeout=60)  # its pipes are closed once the process that trained has ended, too


@only_on_jax
def test_ctrl_c_in_one_process_keeps_the_finished_epochs(arguments, tmp_path):
    first, second = start_endless(tmp_path / "run", arguments)
    first.send_signal(signal.SIGINT)
    (status, _, error), (other_status, _, other_error) = finish(first, second)
    assert status == 130 and "stopped; all finished epochs are kept" in error
    assert other_status == 1 and "has lost the others" in other_error
    assert load(tmp_path / "run")[1] >= 3


@only_on_jax
@pytest.mark.parametrize(
    ("sentence", "change"),
    [
        ("process 1 was started with other options than process 0", ("--seed", 1)),
        ("process 1 reads other images than process 0", ("--data", "mnist5k")),
    ],
)
def test_processes_that_differ_are_refused(arguments, tmp_path, sentence, change):
    processes = addresses()
    first = start(processes, 0, "--output", tmp_path / "run", *arguments)
    for status, _, error in finish(first, start(processes, 1, *arguments, *change)):
        assert status == 2 and sentence in error and len(error.splitlines()) == 1, error
    assert not (tmp_path / "run").exists()


@only_on_jax
def test_processes_that_know_different_processes_are_refused(arguments, tmp_path):
    processes = addresses()
    first = start(processes, 0, "--output", tmp_path / "run", *arguments)
    other = start(f"{processes},127.0.0.1:{free_port()}", 1, *arguments)
    for status, _, error in finish(first, other):
        assert status == 2 and "process 1 was started with other --processes than process 0" in error, error


@only_on_jax
def test_a_process_without_the_others_says_so(arguments, tmp_path):
    first = start(addresses(), 0, "--output", tmp_path / "run", *arguments, prelude=IMPATIENT)
    for status, _, error in finish(first, start(addresses(), 1, *arguments, prelude=IMPATIENT)):
        assert status == 1 and "have not met" in error and len(error.splitlines()) == 1, error
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("sentence", "options"),
    [
        ("belong together", ["--process", "0"]),
        ("belong together", ["--processes", "127.0.0.1:1234,127.0.0.1:1235"]),
        ("--process 2: --processes names 2", ["--processes", "127.0.0.1:1234,127.0.0.1:1235", "--process", "2"]),
        ("needs --output", ["--processes", "127.0.0.1:0,127.0.0.1:0".replace(":0", ":46501"), "--process", "0"]),
        ("cannot listen on 203.0.113.7:1234", ["--processes", "203.0.113.7:1234,127.0.0.1:1", "--process", "0"]),
        ("cannot find the first", ["--processes", "no.such.host.invalid:1234,127.0.0.1:1", "--process", "1"]),
    ],
)
def test_wrong_addresses_are_refused(refuse, noise_file, sentence, options):
    assert sentence in refuse("train.py", "--data", noise_file, *options)


def test_a_port_in_use_is_refused(refuse, noise_file):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        processes = f"127.0.0.1:{listener.getsockname()[1]},127.0.0.1:1"
        error = refuse("train.py", "--data", noise_file, "--output", "run", "--processes", processes, "--process", 0)
    assert "process 0 cannot listen on" in error and os.strerror(98) in error


@pytest.mark.skipif(BACKEND == "jax", reason="JAX trains with several processes")
def test_other_backends_refuse_several_processes(noise_file, tmp_path):
    result = run(
        "train.py", "--data", noise_file, "--output", tmp_path / "run", "--processes", addresses(), "--process", 0
    )
    assert result.returncode == 2 and "only with JAX: set KERAS_BACKEND=jax" in result.stderr
