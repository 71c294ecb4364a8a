"""The folder of a run of `scripts/train.py`: the model to use and the arguments it was started with."""

import json
from pathlib import Path

CONFIG_NAME = "config.json"
# The first of these that exists is the model of a run.
MODEL_NAMES = ("best.keras", "model.keras")


def find_model(path):
    """Finds the model file of a run.

    Args:
        path: A run's folder, or a `.keras` file.

    Returns:
        Path of the file: in a folder `best.keras`, or `model.keras` if there is no best model.

    Raises:
        ValueError: There is no such file, or the folder holds no model.

    Example:

    ```python
    from gan import runs

    model = gan.load_model(runs.find_model("runs/mnist"))
    ```
    """
    path = Path(path)
    candidates = [path / name for name in MODEL_NAMES] if path.is_dir() else [path]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise ValueError(f"{path} holds no model: it has neither {' nor '.join(MODEL_NAMES)}.")
    raise ValueError(f"there is no model file or run folder {path}.")


def read_config(folder):
    """Reads the `config.json` of a run.

    Args:
        folder: The run's folder.

    Returns:
        Dict of the dicts `arguments`, `data` and `versions`; those that an older run does not record are empty. None
        if the folder has no `config.json`.

    Raises:
        ValueError: The file is damaged.

    Example:

    ```python
    from gan import runs

    if config := runs.read_config("runs/mnist"):
        print(config["arguments"]["preset"])
    ```
    """
    file = Path(folder) / CONFIG_NAME
    if not file.is_file():
        return None
    try:
        config = dict(json.loads(file.read_text()))
        return {"data": {}, "versions": {}, **config, "arguments": dict(config["arguments"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged: the run's arguments cannot be read.") from error


def check_data(output, source, image_shape, requested, recorded):
    """Makes sure that a resumed run continues on the images it was trained on.

    The images are compared by `gan.datasets.fingerprint`, a checksum that `config.json` records. A run that is older
    than this record only continues on the source that it names.

    Args:
        output: The run's folder.
        source: The images to train on, as in `gan.datasets.load`.
        image_shape: As in `gan.datasets.load`.
        requested: The source before `gan.datasets.resolve`.
        recorded: Dict of the run's `source` and, if known, its `fingerprint` and `requested`. None for a new run.

    Returns:
        Dict for the entry `data` of `config.json`.

    Raises:
        ValueError: The images are not those of the run.
    """
    from gan import datasets

    fingerprint = datasets.fingerprint(source, image_shape)
    if recorded is None:
        return {"requested": requested, "fingerprint": fingerprint}
    known = recorded.get("fingerprint")
    if known is None and source != recorded["source"]:
        raise ValueError(
            f"{output} does not record which images it was trained on, so it only resumes with --data "
            f"{recorded['source']}, not {source}."
        )
    if known not in (None, fingerprint):
        raise ValueError(
            f"{source} does not hold the images that {output} was trained on. Restore them, or start a new run."
        )
    return {"requested": recorded.get("requested", source), "fingerprint": fingerprint}
