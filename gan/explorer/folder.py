"""What the folder of a run offers: names, checkpoints and the background of its pictures."""

from pathlib import Path

from gan import runs
from gan.kept import find_kept
from gan.locks import is_locked


class RunFolder:
    """The folder of a run.

    Args:
        path: The folder, or a `.keras` file in it.

    Raises:
        ValueError: There is neither a model nor a run, or its config.json is damaged.
    """

    def __init__(self, path):
        self.path = Path(path)
        self.folder = self.path if self.path.is_dir() else runs.find_folder(self.path)
        if self.config is None and not (self.path.is_dir() and is_locked(self.path)):
            runs.find_model(self.path)

    @property
    def config(self):
        return runs.read_config(self.folder)

    @property
    def background(self):
        return (self.config or {"arguments": {}})["arguments"].get("background") or "white"

    @property
    def class_names(self):
        return (self.config or {"data": {}})["data"].get("class_names") or []

    def find_checkpoints(self):
        """Returns the model files of the run by their names: the best, the last, and those that are kept."""
        named = {name: self.folder / name for name in runs.MODEL_NAMES}
        if self.path.suffix == ".keras":
            named[self.path.name] = self.path
        found = {name: path for name, path in named.items() if path.is_file()}
        return {**found, **{f"epoch {epoch}": path for epoch, path in find_kept(self.folder).items()}}
