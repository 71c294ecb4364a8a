"""Presets: complete settings of a GAN and its training, as data.

`reference` is the baseline that the other presets are measured against. The others reach better images in less time.
The builders in `gan.networks` and `gan.GAN.compile` document the settings. None means that a setting does not apply to
the preset's networks.
"""

import copy
import math
import numbers

# Sizes of the networks, unless a preset or a change says otherwise.
SIZES = {
    "mlp": {"generator_widths": [256, 512, 1024], "discriminator_widths": [512, 256], "dropout": 0.3},
    "conv": {"generator_width": 16, "discriminator_width": 12, "spectral_norm": False},
    "residual": {"generator_width": 16, "discriminator_width": 16, "blocks": 1, "expansion": 1, "group_size": 16},
}
_SIZE_NAMES = list(dict.fromkeys(name for sizes in SIZES.values() for name in sizes))
_REFERENCE = {
    "epochs": 300,
    "batch_size": 256,
    "conditional": False,
    "networks": "mlp",
    "latent_dim": 100,
    **dict.fromkeys(_SIZE_NAMES),
    **SIZES["mlp"],
    "clusters": 0,
    "loss": "binary_crossentropy",
    "label_smoothing": 0.0,
    "r1": 0.0,
    "r2": 0.0,
    "gradient_penalty": 0.0,
    "regularize_every": 1,
    "discriminator_steps": 0,
    "augmentation": [],
    "augmentation_target": 0.0,
    "averaging": 0.0,
    "generator_lr": 1e-4,
    "discriminator_lr": 1e-4,
    "beta_1": 0.9,
    "beta_2": 0.999,
}
_FAST = {
    **_REFERENCE,
    "epochs": 8,
    "batch_size": 64,
    "networks": "conv",
    "latent_dim": 64,
    **dict.fromkeys(_SIZE_NAMES),
    **SIZES["conv"],
    "clusters": 50,
    "r1": 1.0,
    "regularize_every": 4,
    "averaging": 0.998,
    "generator_lr": 2e-3,
    "discriminator_lr": 2e-3,
    "beta_1": 0.0,
    "beta_2": 0.99,
}
_BEST = {
    **_FAST,
    "epochs": 40,
    "generator_width": 32,
    "discriminator_width": 16,
    "clusters": 200,
    # From the start, a weight of 1 lets the discriminator of a long training forget what it has learned. At the end,
    # when the learning rates are low, it keeps the discriminator from memorizing the images.
    "r1": [0.3, 0.8],
    "averaging": 0.9998,
    "generator_lr": [2e-3, 2e-4],
    "discriminator_lr": [2e-3, 2e-4],
}
_WIDE = {
    **_BEST,
    "epochs": 20,
    "generator_width": 48,
    "discriminator_width": 24,
    "clusters": 50,
    # With a smaller weight, or without augmentation, the discriminator memorizes a few thousand pictures.
    "r1": 1.0,
    "augmentation": ["translation", "scaling", "flip"],
    "augmentation_target": 0.6,
    "averaging": 0.999,
}
_RESIDUAL = {
    **_FAST,
    "epochs": 10,
    "networks": "residual",
    **dict.fromkeys(_SIZE_NAMES),
    **SIZES["residual"],
    "loss": "relativistic",
    # R3GAN lets both penalties fall to a tenth. Then the discriminator memorizes a few thousand pictures.
    "r2": 1.0,
    "generator_lr": [1e-3, 1e-4],
    "discriminator_lr": [1e-3, 1e-4],
    "beta_2": [0.9, 0.99],
}
_CONDITIONAL = {"conditional": True, "clusters": 0}
PRESETS = {
    "reference": _REFERENCE,
    "fast": _FAST,
    "best": _BEST,
    "wide": _WIDE,
    "fast-conditional": {**_FAST, **_CONDITIONAL},
    "best-conditional": {**_BEST, **_CONDITIONAL, "r1": 0.3},
    "residual": _RESIDUAL,
    "residual-conditional": {**_RESIDUAL, **_CONDITIONAL},
}
# Settings that decide which weights the networks have.
NETWORK_SETTINGS = ("networks", "latent_dim", *_SIZE_NAMES, "conditional", "clusters")
# The probability of augmentation may rise by 1 in this share of the training, but in no more images than in the paper.
RAMP_SHARE, LONGEST_RAMP = 0.25, 500_000
# Settings that are whole numbers, and their least values. The builders of networks check the others.
COUNTS = {"epochs": 1, "batch_size": 1, "latent_dim": 1, "clusters": 0, "regularize_every": 1, "discriminator_steps": 0}
# Settings that may be a pair of numbers: they move from the first to the second over the training.
SCHEDULED = ("r1", "r2", "gradient_penalty", "averaging", "generator_lr", "discriminator_lr", "beta_2")


def resolve(preset="reference", changes=None):
    """Returns the settings of a preset, with changes to some of them.

    Args:
        preset: `"reference"`, `"fast"`, `"best"`, `"wide"`, `"residual"`, `"fast-conditional"`, `"best-conditional"`
            or `"residual-conditional"`. Defaults to `"reference"`.
        changes: Dict that maps names of settings to new values. The settings in `SCHEDULED` may be two numbers, to
            move from the first to the second over the training. `conditional` also turns clusters off. Defaults to
            None: no changes.

    Returns:
        A dict that maps the names of all settings to their values. Settings that do not apply to the chosen networks
        are None.

    Raises:
        ValueError: The preset or a setting is unknown, or a changed setting does not apply to the chosen networks or
            loss, or has an invalid value.

    Example:

    >>> gan.presets.resolve("fast", {"batch_size": 128})["batch_size"]
    128
    """
    changes = changes or {}
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}.")
    if unknown := sorted(set(changes) - set(_REFERENCE)):
        raise ValueError(f"unknown setting {', '.join(unknown)}; the settings are {', '.join(_REFERENCE)}.")
    settings = copy.deepcopy({**PRESETS[preset], **changes})
    if changes.get("conditional") and "clusters" not in changes:
        settings["clusters"] = 0  # classes stand in for them
    networks = settings["networks"]
    if networks not in SIZES:
        raise ValueError(f"networks must be one of {', '.join(SIZES)}, not {networks!r}.")
    usual = PRESETS[preset] if networks == PRESETS[preset]["networks"] else SIZES[networks]
    for name in _SIZE_NAMES:
        if changes.get(name) is None:
            settings[name] = copy.deepcopy(usual.get(name))
        elif name not in SIZES[networks]:
            raise ValueError(
                f"{name} does not apply to networks {networks!r}, which take {', '.join(SIZES[networks])}."
            )
    for name in SCHEDULED:
        _check_number(name, settings[name])
    for name, least in COUNTS.items():
        _check_count(name, settings[name], least)
    if settings["conditional"] and settings["clusters"]:
        raise ValueError("clusters stand in for classes: leave out clusters or conditional.")
    if settings["clusters"] and settings["latent_dim"] == 1:
        raise ValueError("latent_dim must be at least 2 with clusters, not 1; clusters 0 turns them off.")
    _check_augmentation(settings["augmentation"], settings["augmentation_target"])
    if settings["label_smoothing"] and settings["loss"] != "binary_crossentropy":
        raise ValueError(f"label_smoothing applies to the loss binary_crossentropy only, not to {settings['loss']}.")
    return settings


def _check_augmentation(names, target):
    if not isinstance(target, numbers.Real) or not 0 <= target < 1:
        raise ValueError(f"augmentation_target must be a number in [0, 1), not {target!r}.")
    if target and not names:
        raise ValueError("augmentation_target needs augmentation, such as translation; 0 turns it off.")


def _check_number(name, value):
    """Makes sure that the value of a setting that may move is one number or two."""
    ends = value if isinstance(value, (list, tuple)) and len(value) == 2 else [value]
    if not all(isinstance(end, numbers.Real) and math.isfinite(end) for end in ends):
        raise ValueError(f"{name} must be a finite number, or a list of two to move between, not {value!r}.")
    is_decay = name in ("averaging", "beta_2")
    if min(ends) < 0 or is_decay and max(ends) >= 1:
        raise ValueError(f"{name} must {'lie in [0, 1)' if is_decay else 'be at least 0'}, not {value!r}.")


def _check_count(name, value, least):
    if not isinstance(value, numbers.Integral) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}.")


def build(settings, image_shape=(28, 28, 1), num_classes=None, seed=None, metrics=None, steps=None):
    """Builds a compiled GAN from settings.

    Args:
        settings: Dict of settings, as `resolve` returns it.
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        num_classes: Int. Number of classes; needed if the setting `conditional` is true and ignored otherwise.
            Defaults to None.
        seed: Int. Seed of the latents, as in `gan.GAN`. Defaults to None: a random seed.
        metrics: List of `gan.metrics`, as in `gan.GAN.compile`. Defaults to None.
        steps: Int. Number of batches of the whole training, over which settings of two numbers move from the first to
            the second, by `gan.schedules.Cosine`. Only needed if there are such settings. Defaults to None.

    Returns:
        A compiled `gan.GAN`.

    Raises:
        ValueError: A setting has an invalid value, or `num_classes` or `steps` is missing.

    Example:

    ```python
    settings = gan.presets.resolve("reference", {"epochs": 1})
    model = gan.presets.build(settings)
    model.fit(gan.datasets.load("mnist5k", settings["batch_size"]), epochs=settings["epochs"])
    ```
    """
    from gan import losses, regularizers
    from gan.model import GAN
    from gan.networks import parts

    if settings["conditional"] and num_classes is None:
        raise ValueError("a conditional preset needs num_classes, the number of classes of the labeled images.")
    classes = num_classes if settings["conditional"] else None
    clusters = settings["clusters"] or None
    if clusters:
        parts.check_size("clusters", clusters)

    def number(name, updates=1):
        """The value of a setting, for a network that is updated so often in each step."""
        return _schedule(name, settings[name], steps and steps * updates)

    judged = settings["discriminator_steps"] or 1
    penalties = {
        regularizers.R1: number("r1", judged),
        regularizers.R2: number("r2", judged),
        regularizers.GradientPenalty: number("gradient_penalty", judged),
    }
    smoothing = settings["label_smoothing"]
    networks = _build_networks(settings, image_shape, classes or clusters)
    model = GAN(*networks, seed, classes, number("averaging") or None, clusters)
    model.compile(
        _build_adam(number("generator_lr"), settings["beta_1"], number("beta_2")),
        _build_adam(number("discriminator_lr", judged), settings["beta_1"], number("beta_2", judged)),
        loss=losses.BinaryCrossentropy(smoothing) if smoothing else settings["loss"],
        metrics=metrics,
        regularizers=[kind(weight, settings["regularize_every"]) for kind, weight in penalties.items() if weight],
        discriminator_steps=settings["discriminator_steps"] or None,
        augmentation=_build_augmentation(settings, steps),
    )
    return model


def _schedule(name, value, updates):
    from gan.schedules import Cosine

    if not isinstance(value, (list, tuple)):
        return value
    if updates is None:
        raise ValueError(f"{name} moves from {value[0]:g} to {value[1]:g} over the training: pass steps, its length.")
    return Cosine(*value, updates)


def _build_networks(settings, image_shape, classes):
    from gan import networks

    latent_dim, kind = settings["latent_dim"], settings["networks"]
    if kind == "mlp":
        widths, dropout = settings["discriminator_widths"], settings["dropout"]
        generator = networks.build_generator(latent_dim, settings["generator_widths"], image_shape, classes)
        return generator, networks.build_discriminator(image_shape, widths, dropout, classes)
    shape = {"image_shape": image_shape, "num_classes": classes}
    widths = settings["generator_width"], settings["discriminator_width"]
    if kind == "conv":
        generator = networks.build_conv_generator(latent_dim, widths[0], **shape)
        return generator, networks.build_conv_discriminator(
            width=widths[1], spectral_norm=settings["spectral_norm"], **shape
        )
    sizes = {name: settings[name] for name in ("blocks", "expansion", "group_size")}
    generator = networks.build_residual_generator(latent_dim, widths[0], **sizes, **shape)
    return generator, networks.build_residual_discriminator(widths=widths[1], **sizes, **shape)


def _build_augmentation(settings, steps):
    from gan.augmentation import AdaptiveAugment

    names, target = settings["augmentation"] or None, settings["augmentation_target"]
    if not target:
        return names
    if steps is None:
        raise ValueError("a preset with augmentation_target needs steps, the length of the training.")
    ramp = round(RAMP_SHARE * steps * settings["batch_size"])
    return AdaptiveAugment(names, target, min(LONGEST_RAMP, max(1, ramp)))


def _build_adam(learning_rate, beta_1, beta_2):
    import keras

    from gan import schedules

    # Keras's own is faster on PyTorch.
    adam = schedules.Adam if schedules.is_schedule(beta_2) else keras.optimizers.Adam
    return adam(learning_rate, beta_1, beta_2)
