"""The space that a sweep searches, as data, and how keras-tuner is told of it."""

from gan import presets

# An entry is `values` to choose from, or a range from `min` to `max` (with a `step`, or `sampling` "log"). Where it has
# `layers`, the fewest and the most, each layer chooses for itself. A bare value is fixed. An entry without a `default`,
# which is tried first, takes it from the preset.
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
        "generator_width": {"values": [8, 12, 16, 24, 32]},
        "discriminator_width": {"values": [8, 12, 16, 24, 32]},
        "r1": {"min": 0.1, "max": 10.0, "sampling": "log"},
        "averaging": {"values": [0.99, 0.998, 0.9995, 0.9998]},
        "generator_lr": {"min": 3e-4, "max": 1e-2, "sampling": "log"},
        "discriminator_lr": {"min": 3e-4, "max": 1e-2, "sampling": "log"},
        "beta_1": {"values": [0.0, 0.5, 0.7, 0.9]},
    },
}


def complete(changes=None, preset="reference"):
    """The whole space around a preset: that of its networks, with what a user changes in it.

    Args:
        changes: Dict from names of settings that are numbers, or lists of them, to entries like those of `SPACES`.
            Default None.
        preset: As in `gan.presets.resolve`. Default `"reference"`.

    Returns:
        A dict from names to entries.

    Raises:
        ValueError: A name or an entry is unknown, or a default lies outside of its own range.

    Example:

    >>> space.complete({"dropout": 0.5})["dropout"]
    0.5
    """
    settings = presets.resolve(preset)
    is_numeric = {name: _is_number(value) or name.endswith("_widths") and value for name, value in settings.items()}
    names = [name for name in settings if is_numeric[name] and name != "epochs"]
    changes = {} if changes is None else changes
    if not isinstance(changes, dict):
        raise ValueError(f"a space must be a table from names to entries, not {changes!r}.")
    if unknown := sorted(set(changes) - set(names)):
        raise ValueError(f"a space around {preset} has no {', '.join(unknown)}; its names are {', '.join(names)}.")
    space = {**SPACES[settings["networks"]], **changes}
    for name, entry in space.items():
        if isinstance(entry, dict):
            space[name] = {"default": settings[name], **entry}
        _check_entry(name, space[name])
        space[name] = _convert(name, space[name], float if isinstance(settings[name], float) else int)
    return space


def choose(hp, space):
    """What the job is trained with, as `hp` has it; what `hp` does not know yet is declared.

    Args:
        hp: A `keras_tuner.HyperParameters`.
        space: What `complete` returns.

    Returns:
        Dict from the names of the space to values: `{"latent_dim": 100, ..., "generator_widths": [256, 512, 1024]}`.
    """
    return {name: _choose(hp, name, entry) for name, entry in space.items()}


def _choose(hp, name, entry):
    if not isinstance(entry, dict):
        return entry
    if "layers" in entry:
        return _choose_widths(hp, name.removesuffix("_widths"), entry)
    if "values" in entry:
        return hp.Choice(name, entry["values"], default=entry["default"])
    number = hp.Int if isinstance(entry["default"], int) else hp.Float
    step, sampling = entry.get("step"), entry.get("sampling", "linear")
    return number(name, entry["min"], entry["max"], step=step, sampling=sampling, default=entry["default"])


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
        values = entry if has_layers and isinstance(entry, list) else [entry]
        if not values or not all(map(_is_number, values)):
            refuse("must be a number, or a list of them for widths, where it is fixed")
        return
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
            refuse("must have the sampling linear or log")
        if not all(_is_number(entry[key]) for key in ("min", "max", "default")):
            refuse("must have numbers as min, max and default")
        is_inside = entry["min"] <= entry["default"] <= entry["max"]
        if entry.get("sampling") == "log" and entry["min"] <= 0:
            refuse("must have a min above 0, as its sampling is log")
    if has_layers:
        layers = entry["layers"]
        if not isinstance(layers, list) or len(layers) != 2 or not all(isinstance(count, int) for count in layers):
            refuse("must have the fewest and the most layers, two whole numbers, as layers")
        is_inside = is_inside and 1 <= layers[0] <= len(defaults) <= layers[1]
    if not is_inside:
        refuse("must have a default of its own range")


def _convert(name, entry, kind):
    """The entry with all of its numbers of the kind that the setting's are, as keras-tuner mixes none."""
    if isinstance(entry, dict):
        return {
            key: value if key in ("layers", "sampling") else _convert(name, value, kind) for key, value in entry.items()
        }
    if isinstance(entry, list):
        return [_convert(name, value, kind) for value in entry]
    if kind(entry) != entry:
        raise ValueError(f"{name} of the space must be whole numbers, not {entry}.")
    return kind(entry)


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)
