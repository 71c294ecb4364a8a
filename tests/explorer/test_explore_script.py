"""scripts/explore.py as a user runs it."""

import signal
import socket
import subprocess
import sys
import urllib.request

import pytest
from commands import command_line


def test_what_cannot_be_explored_is_refused(classes_run, refuse, tmp_path, monkeypatch):
    assert "there is no model file or run folder nowhere" in refuse("explore.py", "nowhere")
    assert "holds no model" in refuse("explore.py", tmp_path)
    assert "--port must be at most 65535, not 70000" in refuse("explore.py", classes_run, "--port", 70000)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refuse("explore.py", classes_run, "--port", port)
    assert f"--host 127.0.0.1 --port {port} cannot be listened on (Address already in use)" in error
    monkeypatch.setitem(sys.modules, "gradio", None)
    assert "pip install -e '.[explore]'" in refuse("explore.py", classes_run)


def test_a_damaged_model_is_refused(refuse, tmp_path):
    pytest.importorskip("gradio")
    (tmp_path / "model.keras").write_bytes(b"damaged")
    assert "model.keras cannot be loaded" in refuse("explore.py", tmp_path)


def test_the_command_prints_an_address_of_this_machine_only_and_ends_with_ctrl_c(classes_run):
    pytest.importorskip("gradio")
    command = command_line("explore.py", classes_run)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        line = process.stdout.readline()
        address = line.removeprefix("The page is at ").split(". Press")[0]
        assert address.startswith("http://127.0.0.1:")
        assert urllib.request.urlopen(address).status == 200
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130 and stderr == "\nstopped.\n"
