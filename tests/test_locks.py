import signal
import subprocess
import sys

import pytest

from gan.locks import LOCK_NAME, locked_folder

HOLD = """
import sys
from gan.locks import locked_folder
with locked_folder(sys.argv[1]):
    print("locked", flush=True)
    sys.stdin.read()
"""


def hold(folder):
    """Starts a process that holds the lock until its stdin is closed."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "locked\n"
    return process


def test_a_folder_is_locked_for_other_processes_until_the_block_ends(tmp_path):
    with hold(tmp_path) as process:
        with pytest.raises(ValueError, match="is in use by another process"), locked_folder(tmp_path):
            pass
        process.stdin.close()
        process.wait()
    with locked_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_left_by_a_killed_process_blocks_nobody(tmp_path):
    with hold(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / LOCK_NAME).exists()
    with locked_folder(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folders_that_the_block_leaves_empty_are_removed_again(tmp_path):
    with locked_folder(tmp_path / "a" / "b"):
        assert (tmp_path / "a" / "b").is_dir()
    assert list(tmp_path.iterdir()) == []
    with locked_folder(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "file").touch()
    assert (tmp_path / "a" / "b" / "file").exists()


def test_a_folder_that_cannot_be_written_is_refused():
    with pytest.raises(ValueError, match="cannot be written"), locked_folder("/proc/run"):
        pass
