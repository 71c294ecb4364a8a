"""Runs the commands as a user does: in processes of their own. Fixtures for the tests of scripts/."""

import runpy
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"
SMALL = "--latent-dim 5 --generator-widths 8 12 --discriminator-widths 12 8 --batch-size 16".split()
SCHEDULED = "--generator-lr 2e-4 1e-4 --beta-2 0.9 0.99 --averaging 0.5 0.9 --r1 1 0.1".split()

# Code for `prelude`: Keras downloads nothing and has nothing.
OFFLINE = """
    import os
    os.environ["KERAS_HOME"] = os.getcwd()
    import urllib.error
    import urllib.request

    def urlopen(*args, **kwargs):
        raise urllib.error.URLError("no network")

    urllib.request.urlopen = urlopen
"""


def command_line(script, *arguments, prelude=""):
    """The command line of a script; `prelude` is code that its process runs first."""
    path = str(SCRIPTS / script)
    program = f"{textwrap.dedent(prelude)}\nimport runpy; runpy.run_path({path!r}, run_name='__main__')"
    command = [sys.executable, "-c", program] if prelude else [sys.executable, path]
    return [*command, *map(str, arguments)]


def run(script, *arguments, prelude="", **kwargs):
    """Runs a script until it ends."""
    command = command_line(script, *arguments, prelude=prelude)
    return subprocess.run(command, capture_output=True, text=True, **kwargs)


def run_well(script, *arguments, **kwargs):
    """Runs a script that must succeed."""
    result = run(script, *arguments, **kwargs)
    assert result.returncode == 0, result.stderr
    return result


@pytest.fixture
def run_here(monkeypatch, capsys):
    """Runs a command that must succeed in this process, which has imported TensorFlow already; returns its output."""

    def run_here(script, *arguments):
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        handler = signal.getsignal(signal.SIGINT)
        try:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        finally:
            signal.signal(signal.SIGINT, handler)  # a command that has ended may ignore Ctrl-C
        return capsys.readouterr()

    return run_here


@pytest.fixture
def refuse(monkeypatch, capsys, tmp_path):
    """Runs a command that refuses its arguments; in this process, which has imported TensorFlow already."""

    def refuse(script, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        with pytest.raises(SystemExit) as exit:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        assert exit.value.code == 2
        out, err = capsys.readouterr()
        assert out == "" and len(err.splitlines()) == 1
        return err

    return refuse


@pytest.fixture(scope="session")
def noise_file(tmp_path_factory):
    """50 images of noise, 6x6x1."""
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, x_train=np.random.default_rng(0).integers(0, 256, (50, 6, 6), "uint8"))
    return path


@pytest.fixture(scope="session")
def validated(noise_file):
    """Arguments for a small run whose settings move and that is validated every other epoch."""
    from conftest import small_extractor

    extractor = noise_file.with_name("small.keras")
    small_extractor().save(extractor)
    return (*SMALL, *SCHEDULED, "--validate-every", "2", "--keep-every", "2", "--extractor", str(extractor))


@pytest.fixture(scope="session")
def finished(noise_file, validated, tmp_path_factory):
    """A run of six epochs that ended undisturbed: its folder and its output."""
    output = tmp_path_factory.mktemp("runs") / "run"
    return output, run_well("train.py", "--data", noise_file, "--output", output, "--epochs", 6, *validated)
