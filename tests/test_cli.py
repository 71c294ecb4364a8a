import pytest

from gan import cli, options


def test_durations_read_like_english():
    assert cli.format_duration(9.4) == "9 s"
    assert cli.format_duration(125) == "2 min 05 s"
    assert cli.format_duration(6000) == "1 h 40 min"


def test_a_fallback_is_described_only_if_there_was_one():
    assert "5,000 digits" in cli.describe_fallback("auto", "mnist5k")
    assert "stacked_mnist5k" in cli.describe_fallback("stacked_mnist", "stacked_mnist5k")
    for requested, used in (("auto", "mnist"), ("mnist5k", "mnist5k"), ("/data/x.npz", "/data/x.npz")):
        assert cli.describe_fallback(requested, used) is None


def test_failures_and_ctrl_c_end_with_a_message_and_a_status(capsys):
    for error, status, message in (
        (OSError("No space left on device"), 1, "No space left"),
        (FloatingPointError("training has diverged"), 1, "diverged"),
        (MemoryError(), 1, "out of memory"),
        (KeyboardInterrupt(), 130, "stopped."),
    ):
        with pytest.raises(SystemExit) as exit, cli.interruptible(), cli.failures_exit():
            raise error
        assert exit.value.code == status and message in capsys.readouterr().err


BACKEND = """
import signal

class Scope:
    def __enter__(self):
        signal.raise_signal(signal.SIGINT)

    def __exit__(self, *_):
        done.append("left")

def step(presses):
    for _ in range(presses):
        signal.raise_signal(signal.SIGINT)
    done.append("stepped")
"""


def test_ctrl_c_waits_until_the_code_of_the_backend_returns(capsys):
    done = []
    backend = {"__name__": "tensorflow.fake", "done": done}
    exec(BACKEND, backend)

    def work():
        with backend["Scope"]():
            done.append("entered")

    for call, expected in (
        (lambda: backend["step"](1), ["stepped"]),
        (lambda: backend["step"](2), []),  # pressed again, it does not wait
        (work, ["entered", "left"]),
    ):
        done.clear()
        with pytest.raises(SystemExit) as exit, cli.interruptible():
            call()
            done.append("went on")
        assert exit.value.code == 130 and done == expected and capsys.readouterr().err == "\nstopped.\n"


def test_paths_of_data_become_absolute_and_names_stay(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.npz").touch()
    assert options.resolve_data("mnist5k") == "mnist5k"
    assert options.resolve_data("x.npz") == str(tmp_path / "x.npz")
    assert options.resolve_data("stacked:x.npz") == f"stacked:{tmp_path / 'x.npz'}"
