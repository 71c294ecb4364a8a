"""The checkpoints of earlier epochs that a run keeps."""

from pathlib import Path

FOLDER = "checkpoints"
PREFIX, SUFFIX = "epoch_", ".keras"


def kept_name(epoch):
    """Returns the path of the checkpoint of an epoch, relative to the folder of the run."""
    return f"{FOLDER}/{PREFIX}{epoch:04d}{SUFFIX}"


def find_kept(folder):
    """Returns the paths of the checkpoints that a run has kept, by their epochs, from the first to the last."""
    paths = Path(folder, FOLDER).glob(f"{PREFIX}*{SUFFIX}")
    numbered = {path.stem.removeprefix(PREFIX): path for path in paths}
    return dict(sorted((int(number), path) for number, path in numbered.items() if number.isdecimal()))
