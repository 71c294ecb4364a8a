"""The folder of a run of `scripts/train.py`: the model to use and the arguments it was started with."""

import json
import platform
import shlex
import sys
import time
from importlib.metadata import version
from pathlib import Path

from gan import cli, kept, options, presets
from gan.files import written_whole
from gan.locks import LOCK_NAME

CONFIG_NAME = "config.json"
# The extractor that a run has trained on its own images.
EXTRACTOR_NAME = "extractor.keras"
# The first of these that exists is the model of a run.
MODEL_NAMES = ("best.keras", "model.keras")
DEFAULTS = {
    "preset": "reference",
    "from": None,
    "data": "auto",
    "image_shape": None,
    "background": "white",
    "skip_damaged": False,
    "flip": False,
    "seed": 0,
    "grid_every": 1,
    "keep_every": None,
    "tensorboard": False,
    "validate_every": 5,
    "extractor": None,
    "drop_remainder": False,
}


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


def find_folder(model):
    """Returns the folder of the run that a model file lies in, also in its folder of kept checkpoints."""
    folder = Path(model).parent
    return folder.parent if folder.absolute().name == kept.FOLDER else folder


def find_extractor(name, folder):
    """Returns the name or the path of a run's extractor: its own one lies in the run's folder."""
    return str(Path(folder) / name) if name == EXTRACTOR_NAME else name


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


def settle(given):
    """Decides how a command of `train.py` trains.

    Args:
        given: Dict of the options that were given.

    Returns:
        The run's folder, its settings, and what its config.json records of its data and its epochs: None for a new
        run.
    """
    given = {name: value for name, value in given.items() if name not in ("devices", "processes", "process")}
    output = given.pop("output", None)
    return _settle_resumed(output, given) if given.pop("resume", False) else _settle_new(output, given)


def _settle_new(output, given):
    with cli.errors_exit(ValueError, status=2):
        if "from" in given:
            given = {**_inherit(given), **given, "from": resolve_start(given["from"])}
        changes = {name: value for name, value in given.items() if name not in DEFAULTS}
        resolved = presets.resolve(given.get("preset", DEFAULTS["preset"]), changes)
    settings = {**DEFAULTS, **resolved, **given}
    data = settings["data"]
    output = output or Path("runs") / f"{Path(data.split(':')[-1]).stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    settings["data"] = options.resolve_data(data)
    settings["extractor"] = options.resolve_extractor(settings["extractor"])
    check_unused(output)
    return output, settings, None


def resolve_start(path):
    """Returns the path of the model that a run starts from, made absolute."""
    return str(find_model(path).resolve())


def _inherit(given):
    """Returns the settings of the run that --from names, whose networks are kept."""
    kept = [name for name in ("preset", *presets.NETWORK_SETTINGS) if name in given]
    if kept:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in kept)
        raise ValueError(f"--from keeps the networks of the run that it names: leave out {names}.")
    model = find_model(given["from"])
    config = read_config(find_folder(model))
    if config is None:
        raise ValueError(f"--from {given['from']}: beside the model there is no {CONFIG_NAME}, which describes it.")
    known = {"preset", *presets.PRESETS["reference"]}
    return {name: value for name, value in config["arguments"].items() if name in known and value is not None}


def check_unused(output):
    """Refuses to start a run in a folder that holds files."""
    if output.exists() and not output.is_dir():
        cli.fail(f"--output {output} is a file. Name a folder.", 2)
    if (output / CONFIG_NAME).exists():
        cli.fail(f"--output {output} holds a run already. Add --resume to continue it, or name another folder.", 2)
    if output.exists() and any(not path.name.startswith((".partial.", LOCK_NAME)) for path in output.iterdir()):
        cli.fail(f"--output {output} is not empty, and nothing in it will be overwritten. Name another folder.", 2)


def _settle_resumed(output, given):
    if output is None:
        cli.fail("--resume needs --output, the folder of the run to continue.", 2)
    if changed := sorted(set(given) - {"epochs", "data"}):
        names = ", ".join(f"--{name.replace('_', '-')}" for name in changed)
        cli.fail(f"--resume keeps the run's own arguments: only --epochs and --data may differ, not {names}.", 2)
    with cli.errors_exit(ValueError, status=2):
        config = read_config(output)
    if config is None:
        cli.fail(f"--output {output} holds no run to resume: it has no {CONFIG_NAME}.", 2)
    # Settings that are newer than the run have the values of the reference job.
    settings = {**DEFAULTS, **presets.resolve(), **config["arguments"], **given}
    settings["data"] = options.resolve_data(settings["data"], "If the data have moved, give the new path with --data.")
    known = {"source": config["arguments"].get("data"), "epochs": config["arguments"].get("epochs", settings["epochs"])}
    return output, settings, {**known, **config["data"]}


def write_config(folder, settings, data, is_resumed):
    """Writes the `config.json` of a run, and warns if the run was started with other versions.

    Args:
        folder: The run's folder.
        settings: Dict of the run's settings.
        data: Dict that `check_data` returned.
        is_resumed: Bool, whether the run continues.
    """
    if is_resumed and read_config(folder)["versions"] != versions():
        names = ", ".join(f"{name} {number}" for name, number in versions().items())
        cli.warn(f"{folder} was started with other versions than {names}. Results may differ in rounding.")
    with written_whole(folder / CONFIG_NAME) as partial:
        partial.write_text(json.dumps({"arguments": settings, "data": data, "versions": versions()}, indent=2) + "\n")


def versions():
    """Returns a dict from Python and the packages whose rounding a run depends on to their versions."""
    names = ("gan", "keras", "tensorflow", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


def check_data(output, images, requested, recorded):
    """Makes sure that a resumed run continues on the images it was trained on.

    The images are compared by their fingerprint, a checksum that `config.json` records. A run that is older than this
    record only continues on the source that it names.

    Args:
        output: The run's folder.
        images: The `gan.datasets.ImageSet` to train on.
        requested: The source before `gan.datasets.resolve`.
        recorded: Dict of the run's `source` and, if known, its `fingerprint` and `requested`. None for a new run.

    Returns:
        Dict for the entry `data` of `config.json`.

    Raises:
        ValueError: The images are not those of the run.
    """
    facts = {"fingerprint": images.fingerprint}
    if images.class_names:
        facts["class_names"] = images.class_names
    if recorded is None:
        return {"requested": requested, **facts}
    known = recorded.get("fingerprint")
    if known is None and images.name != recorded["source"]:
        raise ValueError(
            f"{output} does not record which images it was trained on, so it only resumes with --data "
            f"{recorded['source']}, not {images.name}."
        )
    if known not in (None, images.fingerprint):
        raise ValueError(
            f"{images.name} does not hold the images that {output} was trained on. Restore them, or start a new run."
        )
    return {"requested": recorded.get("requested", images.name), **facts}


def describe_rest(output, given, processes):
    """Says what is left of a run that has stopped, and how to continue it.

    Args:
        output: `pathlib.Path`, the run's folder, or None.
        given: Dict of the options that were given.
        processes: `gan.processes.Processes`.
    """
    output = output if processes.is_first else None
    if output and not (output / CONFIG_NAME).exists():
        return "nothing was written."
    command = ["python", sys.argv[0], *(["--output", str(output)] if output else []), "--resume"]
    command += ["--devices", str(given["devices"])] if "devices" in given else []
    if not processes.addresses:
        return f"all finished epochs are kept. To continue: {shlex.join(command)}"
    command += ["--data", given["data"]] if "data" in given else []
    command += ["--processes", ",".join(processes.addresses), "--process", str(processes.index)]
    return f"all finished epochs are kept. To continue, start each process with --resume, here: {shlex.join(command)}"
