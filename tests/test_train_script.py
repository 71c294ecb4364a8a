"""scripts/train.py as a user runs it: killed, stopped, resumed, moved and started twice."""

import json
import os
import shutil
import signal
import subprocess
import time

import imageio.v3 as imageio
import keras
import numpy as np
import pytest
from commands import OFFLINE, SMALL, command_line, run, run_well
from conftest import assert_same_state

import gan


def test_train_leaves_everything_that_is_promised(finished, noise_file):
    output, result = finished
    assert sorted(os.listdir(output)) == [
        "best.keras",
        "checkpoints",
        "config.json",
        "curves.png",
        "history.csv",
        "images",
        "model.keras",
        "training.gif",
    ]
    assert sorted(os.listdir(output / "images")) == [f"image_at_epoch_{epoch:04d}.png" for epoch in range(1, 7)]
    assert sorted(os.listdir(output / "checkpoints")) == [f"epoch_{epoch:04d}.keras" for epoch in (2, 4, 6)]
    history = gan.CSVHistory.read(output / "history.csv")
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert np.isfinite(history["val_fid"]).tolist() == [False, True] * 3
    assert imageio.imread(output / "curves.png").shape[2] == 4
    config = json.loads((output / "config.json").read_text())
    assert config["arguments"]["data"] == str(noise_file) and config["arguments"]["seed"] == 0
    assert config["data"]["fingerprint"] == gan.datasets.open_source(noise_file).fingerprint
    assert config["versions"]["keras"] == keras.__version__
    lines = result.stdout.splitlines()
    assert lines[0] == f"{noise_file}: 50 images of 6x6x1, 45 to train on and 5 held out for validation"
    assert sum(line.startswith("epoch ") and line.endswith(" left") for line in lines) == 6
    fid, epoch = np.nanmin(history["val_fid"]), 1 + np.nanargmin(history["val_fid"])
    assert f"best epoch: {epoch}, with a fid of {fid:.3f} (extractor small)" in lines[-2]
    assert gan.Checkpoint.load(output / "best.keras")[1] == epoch
    assert str(output) in lines[-1] and "training.gif" in lines[-1] and ".lock" not in lines[-1]
    assert result.stderr == ""


def kill_at(name, occurrence, before):
    """Code that kills its process when a file takes its place for the nth time: just before, or just after."""
    return f"""
        import os, signal
        replace, seen = os.replace, []

        def killing_replace(source, target):
            seen.extend([target] if str(target).endswith({name!r}) else [])
            last = len(seen) == {occurrence}
            if last and {before}:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = killing_replace
    """


KILL_IN_AN_EPOCH = """
    import os, signal
    import gan

    class Killing(gan.Progress):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    gan.callbacks.Progress = Killing
"""

KILL_IN_A_SAVE = """
    import os, signal, zipfile

    def killing_writestr(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    zipfile.ZipFile.writestr = killing_writestr
"""


def test_a_run_killed_at_every_bad_moment_ends_as_if_nothing_had_happened(finished, noise_file, validated, tmp_path):
    output = tmp_path / "run"  # a run's name is in its curves
    start = ("train.py", "--data", noise_file, "--output", output, "--epochs", 6, *validated)
    resume = ("train.py", "--output", output, "--resume")
    assert run(*start, prelude=KILL_IN_AN_EPOCH).returncode == -signal.SIGKILL
    for prelude in (
        KILL_IN_A_SAVE,
        kill_at("history.csv", 1, before=False),
        kill_at("image_at_epoch_0002.png", 1, before=True),
        kill_at("curves.png", 1, before=False),
        kill_at("training.gif", 1, before=True),
        kill_at("best.keras", 1, before=False),
        kill_at("epoch_0002.keras", 1, before=True),
        kill_at("epoch_0002.keras", 1, before=False),
        kill_at("model.keras", 2, before=True),
        kill_at("model.keras", 2, before=False),
        # The one after epoch 6, then the one at the end of the training.
        kill_at("training.gif", 2, before=True),
    ):
        assert run(*resume, prelude=prelude).returncode == -signal.SIGKILL
    run_well(*resume)

    whole, _ = finished
    for name in ("model.keras", "best.keras", "checkpoints/epoch_0002.keras", "checkpoints/epoch_0006.keras"):
        (model, epoch), (other, other_epoch) = (gan.Checkpoint.load(folder / name) for folder in (whole, output))
        assert_same_state(model, other)
        assert epoch == other_epoch
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(output) for path in output.rglob("*") if path.is_file())
    for file in files:
        if file.suffix != ".keras":  # holds the time at which it was saved
            assert (whole / file).read_bytes() == (output / file).read_bytes(), file


def wait_for(process, start):
    """Reads the output of a process up to a line."""
    for line in process.stdout:
        if line.startswith(start):
            return
    raise AssertionError(f"ended with {process.wait()} before {start!r}: {process.stderr.read()}")


def start(*arguments):
    command = command_line("train.py", *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_ctrl_c_keeps_the_finished_epochs_and_says_how_to_continue(noise_file, validated, tmp_path):
    output = tmp_path / "stopped"
    with start("--data", noise_file, "--output", output, "--epochs", 100000, *validated) as process:
        wait_for(process, "epoch      4/")
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert time.monotonic() - started < 20
    assert len(stderr.strip().splitlines()) == 1 and f"--output {output} --resume" in stderr
    _, epoch = gan.Checkpoint.load(output / "model.keras")
    assert epoch >= 4
    # As of the last validation.
    assert {"curves.png", "training.gif"} <= set(os.listdir(output))

    run_well("train.py", "--output", output, "--resume", "--epochs", epoch + 1)
    assert gan.CSVHistory.read(output / "history.csv")["epoch"] == list(range(1, epoch + 2))


def test_two_commands_never_train_in_one_folder(noise_file, validated, tmp_path):
    output = tmp_path / "run"
    arguments = ("--data", noise_file, "--output", output, "--epochs", 100000, *validated)
    with start(*arguments) as one, start(*arguments) as other:
        while one.poll() is None and other.poll() is None:
            time.sleep(0.1)
        refused, training = (one, other) if one.poll() is not None else (other, one)
        assert refused.wait() == 2
        error = refused.stderr.read()
        assert len(error.splitlines()) == 1 and ("in use by another process" in error or "holds a run" in error)
        wait_for(training, "epoch      2/")
        result = run("train.py", "--output", output, "--resume")
        assert result.returncode == 2 and "in use by another process" in result.stderr
        training.kill()
    arguments = ("--output", output, "--resume")
    with start(*arguments) as one, start(*arguments) as other:
        while one.poll() is None and other.poll() is None:
            time.sleep(0.1)
        refused, training = (one, other) if one.poll() is not None else (other, one)
        assert refused.wait() == 2 and "in use by another process" in refused.stderr.read()
        wait_for(training, "epoch ")  # the lock of the killed process is gone
        training.kill()


def test_a_run_that_diverges_ends_with_a_sentence(noise_file, tmp_path):
    result = run("train.py", "--data", noise_file, "--output", tmp_path / "run", "--generator-lr", 1e38, *SMALL)
    assert result.returncode == 1
    assert "training has diverged" in result.stderr and "Traceback" not in result.stderr


def test_a_run_on_fewer_digits_than_requested_says_so_first_and_last(tmp_path):
    arguments = ("--epochs", 1, "--validate-every", 1, "--output", "run", *SMALL)
    result = run_well("train.py", *arguments, prelude=OFFLINE, cwd=tmp_path)
    assert "(extractor digits)" in result.stdout
    assert "mnist5k" in result.stderr
    assert "used mnist5k" in result.stdout.splitlines()[-1]
    config = json.loads((tmp_path / "run/config.json").read_text())
    assert config["arguments"]["data"] == "mnist5k" and config["data"]["requested"] == "auto"
    result = run_well("train.py", "--resume", "--output", "run", prelude=OFFLINE, cwd=tmp_path)
    assert "used mnist5k" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("batch_size must", "--data {data} --output {new}"),
        ("is damaged", "--data {cut} --output {new}"),
        ("has no labels", "--data {data} --output {new} --preset fast-conditional --batch-size 10"),
        ("more than --epochs 2", "--output {finished} --resume --epochs 2"),
    ],
)
def test_train_refuses_before_it_writes(finished, noise_file, refuse, tmp_path, sentence, arguments):
    (tmp_path / "cut.npz").write_bytes(noise_file.read_bytes()[:-100])
    before = sorted(finished[0].iterdir())
    names = {"data": noise_file, "cut": tmp_path / "cut.npz", "new": tmp_path / "new", "finished": finished[0]}
    assert sentence in refuse("train.py", *arguments.format(**names).split())
    assert not (tmp_path / "new").exists() and sorted(finished[0].iterdir()) == before


def test_a_run_resumes_on_data_that_have_moved_and_refuses_other_data(finished, noise_file, refuse, tmp_path):
    output, moved, other = tmp_path / "run", tmp_path / "moved.npz", tmp_path / "other.npz"
    shutil.copytree(finished[0], output)
    shutil.copy(noise_file, moved)
    np.savez(other, x_train=np.zeros((50, 6, 6), "uint8"))
    config = json.loads((output / "config.json").read_text())
    config["arguments"]["data"] = str(tmp_path / "gone.npz")
    (output / "config.json").write_text(json.dumps(config))
    resume = ("train.py", "--output", output, "--resume", "--epochs", 7)

    assert "give the new path with --data" in refuse(*resume)
    assert "does not hold the images that" in refuse(*resume, "--data", other)
    run_well(*resume, "--data", moved)
    assert json.loads((output / "config.json").read_text())["arguments"]["data"] == str(moved)
    assert gan.Checkpoint.load(output / "model.keras")[1] == 7
    # The images at a known path can change too.
    shutil.copy(other, moved)
    assert "does not hold the images that" in refuse("train.py", "--output", output, "--resume", "--epochs", 9)


def test_a_run_without_a_record_of_its_images_resumes_on_its_own_path_only(finished, noise_file, refuse, tmp_path):
    output, moved = tmp_path / "run", tmp_path / "moved.npz"
    shutil.copytree(finished[0], output)
    shutil.copy(noise_file, moved)
    config = json.loads((output / "config.json").read_text())
    del config["data"]
    (output / "config.json").write_text(json.dumps(config))
    resume = ("train.py", "--output", output, "--resume", "--epochs", 7)
    assert "only resumes with --data" in refuse(*resume, "--data", moved)
    run_well(*resume)


def test_resume_refuses_images_of_another_shape(finished, refuse, tmp_path):
    output = tmp_path / "run"
    shutil.copytree(finished[0], output)
    config = json.loads((output / "config.json").read_text())
    del config["data"]  # a run that is older than the record of its images
    config["arguments"]["data"] = str(tmp_path / "data.npz")
    (output / "config.json").write_text(json.dumps(config))
    np.savez(tmp_path / "data.npz", x_train=np.zeros((50, 7, 7), "uint8"))
    error = refuse("train.py", "--output", output, "--resume", "--epochs", 9)
    assert "images of 7x7x1" in error and "was trained on 6x6x1" in error


def test_train_refuses_a_folder_that_cannot_be_written(noise_file, refuse):
    assert "/proc/run" in refuse("train.py", "--data", noise_file, "--output", "/proc/run", *SMALL)


def test_nothing_is_validated_where_it_is_not_wanted_or_cannot_be(noise_file, tmp_path):
    for name, more in (("never", ("--validate-every", 0)), ("cannot", ())):
        result = run_well("train.py", "--data", noise_file, "--output", tmp_path / name, "--epochs", 1, *SMALL, *more)
        reason = (
            "Nothing is validated, and all images are trained on: 50 images are too few to train and check an extractor"
        )
        assert (reason in result.stdout) == (name == "cannot") and result.stderr == ""
        assert ("50 images of 6x6x1, none held out" in result.stdout) == (name == "never")
        assert "4 batches of 16" in result.stdout
        assert not (tmp_path / name / "best.keras").exists()
