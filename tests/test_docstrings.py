"""The examples in docstrings run."""

import subprocess
import sys
from pathlib import Path

from reduced import environment

RUNNER = Path(__file__).with_name("docstrings.py")


def test_examples_in_docstrings_run(tmp_path):
    result = subprocess.run(
        [sys.executable, RUNNER], cwd=tmp_path, env=environment(tmp_path), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
