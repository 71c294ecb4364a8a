"""The search space of a sweep, as data, and its translation for keras-tuner."""

import math

from gan import presets

# An entry is a list of `values`, or a range from `min` to `max`, optionally with a `step` or with `sampling` "log".
# `layers` is the minimum and the maximum number of layers, each of which chooses its own width. A number or a list of
# widths instead of an entry is a fixed value. The first trial uses `default`, which defaults to the preset's value.
# A setting that the preset moves from one number to another starts at the value and ends at `ratio` times as much.
SPACES = {
    "mlp": {
        "latent_dim": {"values": [32, 64, 100, 200]},
        "batch_size": {"values": [64, 128, 256, 512]},
        "generator_widths": {"layers": [1, 4], "values": [128, 256, 512, 1024]},
        "discriminator_widths": {"layers": [1, 3], "values": [128, 256, 512, 1024]},
        "dropout": {"min": 0.0, "max": 0.6, "step": 0.1},
        "generator_lr": {"min": 3e-5, "max": 3e-3, "sampling": "log"},
        "discriminator_lr": {"min": 3e-5, "max": 3e-3, "sampling": "log"},
        "beta_1": {"values": [0.0, 0.5, 0.7, 0.9]},
    },
    "conv": {
        "latent_dim": {"values": [16, 32, 64, 128]},
        "batch_size": {"values": [32, 64, 128]},
        "generator_width": {"values": [8, 12, 16, 24, 32, 48]},
        "discriminator_width": {"values": [8, 12, 16, 24, 32, 48]},
        "r1": {"min": 0.1, "max": 10.0, "sampling": "log"},
        "averaging": {"values": [0.99, 0.998, 0.999, 0.9995, 0.9998]},
        "generator_lr": {"min": 3e-4, "max": 1e-2, "sampling": "log"},
        "discriminator_lr": {"min": 3e-4, "max": 1e-2, "sampling": "log"},
        "beta_1": {"values": [0.0, 0.5, 0.7, 0.9]},
    },
    "residual": {
        "latent_dim": {"values": [16, 32, 64, 128]},
        "batch_size": {"values": [32, 64, 128]},
        "generator_width": {"values": [16, 32, 48]},
        "discriminator_width": {"values": [16, 32, 48]},
        "r1": {"min": 0.1, "max": 10.0, "sampling": "log"},
        "r2": {"min": 0.1, "max": 10.0, "sampling": "log"},
        "averaging": {"values": [0.99, 0.998, 0.9995, 0.9998]},
        "generator_lr": {"min": 1e-4, "max": 3e-3, "sampling": "log"},
        "discriminator_lr": {"min": 1e-4, "max": 3e-3, "sampling": "log"},
        "beta_1": {"values": [0.0, 0.5, 0.7, 0.9]},
    },
}
# Settings that may move to a multiple of their first number. Averaging and beta_2 are bounded by 1.
RATIOS = [name for name in presets.SCHEDULED if name not in ("averaging", "beta_2")]


def complete(changes=None, preset="reference"):
    """Returns the search space around a preset: the entries for its networks, with changes.

    Args:
        changes: Dict that maps names of numeric settings of `gan.presets` to entries like those of `SPACES`, or to
            fixed values. Defaults to None: no changes.
        preset: Name of a preset, as in `gan.presets.resolve`. Defaults to `"reference"`.

    Returns:
        A dict that maps names of settings to complete entries.

    Raises:
        ValueError: A name is unknown, an entry is invalid, or a default is outside its range.

    Example:

    >>> from tuning import space
    >>> space.complete({"dropout": 0.5})["dropout"]
    0.5
    """
    settings = presets.resolve(preset)
    names = [name for name, value in settings.items() if _is_searched(name, value)]
    changes = {} if changes is None else changes
    if not isinstance(changes, dict):
        raise ValueError(f"a space must be a dict that maps names to entries, not {changes!r}.")
    if unknown := sorted(set(changes) - set(names)):
        raise ValueError(f"the space of {preset} has no {', '.join(unknown)}; its names are {', '.join(names)}.")
    space = {**SPACES[settings["networks"]], **changes}
    for name, entry in space.items():
        if isinstance(entry, dict):
            space[name] = {**_defaults(name, settings[name]), **entry}
        _check_entry(name, space[name])
        is_real = name in presets.SCHEDULED or isinstance(settings[name], float)
        space[name] = _convert(name, space[name], float if is_real else int)
    return space


def _is_searched(name, value):
    is_numeric = _is_number(value) or name in presets.SCHEDULED or name.endswith("_widths") and value
    return is_numeric and name != "epochs"


def _defaults(name, value):
    if name in RATIOS and isinstance(value, list):
        return {"default": value[0], "ratio": value[1] / value[0]}
    return {"default": value}


def choose(hp, space):
    """Returns the values of a trial, and declares the hyperparameters that `hp` does not have yet.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        space: Dict of complete entries, as `complete` returns it.

    Returns:
        A dict that maps the names of the space to values, such as
        `{"latent_dim": 100, ..., "generator_widths": [256, 512, 1024]}`.

    Example:

    >>> import keras_tuner
    >>> from tuning import space
    >>> space.choose(keras_tuner.HyperParameters(), space.complete())["latent_dim"]
    100
    """
    return {name: _choose(hp, name, entry) for name, entry in space.items()}


def _choose(hp, name, entry):
    if not isinstance(entry, dict):
        return entry
    if "ratio" in entry:
        start = _choose(hp, name, {key: value for key, value in entry.items() if key != "ratio"})
        # The preset's own number, not one that differs from it by rounding.
        return [start, float(f"{start * entry['ratio']:.12g}")]
    if "layers" in entry:
        return _choose_widths(hp, name.removesuffix("_widths"), entry)
    if "values" in entry:
        return hp.Choice(name, entry["values"], default=entry["default"])
    step, sampling = entry.get("step"), entry.get("sampling", "linear")
    if step is not None and isinstance(entry["default"], float):
        return hp.Choice(name, _grid(entry), default=entry["default"])
    number = hp.Int if isinstance(entry["default"], int) else hp.Float
    return number(name, entry["min"], entry["max"], step=step, sampling=sampling, default=entry["default"])


def _grid(entry):
    """Returns the floats of a range with a step, and its default.

    keras-tuner would add up the steps without rounding: 0.30000000000000004, and no 0.6 for six steps of 0.1.
    """
    lowest, highest, step = entry["min"], entry["max"], entry["step"]
    if entry.get("sampling") == "log":
        values = [lowest * step**index for index in range(int(math.log(highest / lowest, step) + 1e-9) + 1)]
    else:
        values = [lowest + index * step for index in range(int((highest - lowest) / step + 1e-9) + 1)]
    return sorted({*(float(f"{value:.12g}") for value in values), entry["default"]})


def _choose_widths(hp, network, entry):
    fewest, most = entry["layers"]
    default = entry["default"]
    layers = hp.Int(f"{network}_layers", fewest, most, default=len(default))
    widths = []
    for layer in range(1, most + 1):
        with hp.conditional_scope(f"{network}_layers", list(range(max(layer, fewest), most + 1))):
            usual = default[min(layer, len(default)) - 1]
            widths.append(hp.Choice(f"{network}_width_{layer}", entry["values"], default=usual))
    return widths[:layers]


def _check_entry(name, entry):
    def refuse(problem):
        raise ValueError(f"{name} of the space {problem}: {entry!r}.")

    has_layers = name.endswith("_widths")
    if not isinstance(entry, dict):
        is_list = isinstance(entry, list) and (has_layers or name in presets.SCHEDULED and len(entry) == 2)
        values = entry if is_list else [entry]
        if not values or not all(map(_is_number, values)):
            refuse("must be a number, a list of numbers for widths, or two numbers to move between, if it is fixed")
        return
    if "ratio" in entry and not (name in RATIOS and _is_number(entry["ratio"]) and 0 < entry["ratio"] < math.inf):
        refuse(f"must have a ratio above 0, for {', '.join(RATIOS)} only")
    entry = {key: value for key, value in entry.items() if key != "ratio"}
    kinds = {"values", "default"} | {"layers"} if has_layers else {"values", "default"}, {"min", "max", "default"}
    if not (set(entry) == kinds[0] or (not has_layers and kinds[1] <= set(entry) <= kinds[1] | {"step", "sampling"})):
        refuse(f"must have {', '.join(sorted(kinds[0]))}" + ("" if has_layers else ", or min, max and default"))
    defaults = entry["default"] if has_layers else [entry["default"]]
    if "values" in entry:
        if not isinstance(entry["values"], list) or not all(map(_is_number, entry["values"])):
            refuse("must have a list of numbers as values")
        is_inside = isinstance(defaults, list) and all(value in entry["values"] for value in defaults)
    else:
        if entry.get("sampling", "linear") not in ("linear", "log"):
            refuse("must have linear or log as sampling")
        if not all(_is_number(entry[key]) for key in ("min", "max", "default")):
            refuse("must have numbers as min, max and default")
        is_inside = entry["min"] <= entry["default"] <= entry["max"]
        if entry.get("sampling") == "log" and entry["min"] <= 0:
            refuse("must have a min above 0 for log sampling")
        lowest_step = 1 if entry.get("sampling") == "log" else 0
        if "step" in entry and not (_is_number(entry["step"]) and entry["step"] > lowest_step):
            refuse(f"must have a step above {lowest_step}")
    if has_layers:
        layers = entry["layers"]
        if not isinstance(layers, list) or len(layers) != 2 or not all(isinstance(count, int) for count in layers):
            refuse("must have two integers as layers, the minimum and the maximum number")
        is_inside = is_inside and 1 <= layers[0] <= len(defaults) <= layers[1]
    if not is_inside:
        refuse("must have a default inside its range")


def _convert(name, entry, kind):
    """Converts all numbers of an entry to the type of the setting, because keras-tuner does not mix types."""
    if isinstance(entry, dict):
        kept = ("layers", "sampling", "ratio")
        return {key: value if key in kept else _convert(name, value, kind) for key, value in entry.items()}
    if isinstance(entry, list):
        return [_convert(name, value, kind) for value in entry]
    if kind(entry) != entry:
        raise ValueError(f"{name} of the space must be an integer, not {entry}.")
    return kind(entry)


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)
