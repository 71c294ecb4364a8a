"""Runs programs on several virtual devices. Each has a process of its own, which makes its devices at its start."""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def run(program, *arguments, cwd=None):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FOLDER), *sys.path])}
    command = [sys.executable, str(FOLDER / program), *map(str, arguments)]
    result = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout
