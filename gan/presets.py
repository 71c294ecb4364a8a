"""Presets: complete settings of a GAN and its training, as a table with one column per preset.

`reference` is the baseline that the other presets are measured against. The others reach better images in less time.
The builders in `gan.networks` and `gan.GAN.compile` document the settings. None means that a setting does not apply to
the preset's networks.
"""

import copy

# fmt: off
_NAMES =                    ("reference",           "fast",                "best",                "fast-conditional")
_ROWS = {
    "epochs":               (300,                   8,                     40,                    8),
    "batch_size":           (256,                   64,                    64,                    64),
    "conditional":          (False,                 False,                 False,                 True),
    "networks":             ("mlp",                 "conv",                "conv",                "conv"),
    "latent_dim":           (100,                   64,                    64,                    64),
    "generator_widths":     ([256, 512, 1024],      None,                  None,                  None),
    "discriminator_widths": ([512, 256],            None,                  None,                  None),
    "dropout":              (0.3,                   None,                  None,                  None),
    "generator_width":      (None,                  16,                    32,                    16),
    "discriminator_width":  (None,                  12,                    16,                    12),
    "spectral_norm":        (None,                  False,                 False,                 False),
    "loss":                 ("binary_crossentropy",) * 4,
    "label_smoothing":      (0.0,                   0.0,                   0.0,                   0.0),
    "r1":                   (0.0,                   1.0,                   1.0,                   1.0),
    "r2":                   (0.0,                   0.0,                   0.0,                   0.0),
    "gradient_penalty":     (0.0,                   0.0,                   0.0,                   0.0),
    "regularize_every":     (1,                     4,                     4,                     4),
    "discriminator_steps":  (0,                     0,                     0,                     0),
    "augmentation":         ([],                    [],                    [],                    []),
    "averaging":            (0.0,                   0.998,                 0.9998,                0.998),
    "generator_lr":         (1e-4,                  2e-3,                  2e-3,                  2e-3),
    "discriminator_lr":     (1e-4,                  2e-3,                  2e-3,                  2e-3),
    "beta_1":               (0.9,                   0.0,                   0.0,                   0.0),
    "beta_2":               (0.999,                 0.99,                  0.99,                  0.99),
}
# fmt: on
PRESETS = {preset: {name: row[column] for name, row in _ROWS.items()} for column, preset in enumerate(_NAMES)}
_ROWS_OF = {
    "mlp": ("generator_widths", "discriminator_widths", "dropout"),
    "conv": ("generator_width", "discriminator_width", "spectral_norm"),
}


def resolve(preset="reference", changes=None):
    """Returns the settings of a preset, with changes to some of them.

    Args:
        preset: `"reference"`, `"fast"`, `"best"` or `"fast-conditional"`. Defaults to `"reference"`.
        changes: Dict that maps names of settings to new values. Defaults to None: no changes.

    Returns:
        A dict that maps the names of all settings to their values. Settings that do not apply to the chosen networks
        are None.

    Raises:
        ValueError: The preset or a setting is unknown, or a changed setting does not apply to the chosen networks or
            loss.

    Example:

    >>> gan.presets.resolve("fast", {"batch_size": 128})["batch_size"]
    128
    """
    changes = changes or {}
    if preset not in PRESETS:
        raise ValueError(f"preset must be one of {', '.join(PRESETS)}, not {preset!r}.")
    if unknown := sorted(set(changes) - set(_ROWS)):
        raise ValueError(f"unknown setting {', '.join(unknown)}; the settings are {', '.join(_ROWS)}.")
    settings = copy.deepcopy({**PRESETS[preset], **changes})
    networks = settings["networks"]
    if networks not in _ROWS_OF:
        raise ValueError(f"networks must be one of {', '.join(_ROWS_OF)}, not {networks!r}.")
    for kind, names in _ROWS_OF.items():
        for name in names:
            if kind != networks and changes.get(name) is not None:
                raise ValueError(
                    f"{name} does not apply to networks {networks!r}, which take {', '.join(_ROWS_OF[networks])}."
                )
            usual = next(other[name] for other in PRESETS.values() if other["networks"] == kind)
            settings[name] = None if kind != networks else usual if settings[name] is None else settings[name]
    if settings["label_smoothing"] and settings["loss"] != "binary_crossentropy":
        raise ValueError(f"label_smoothing applies to the loss binary_crossentropy only, not to {settings['loss']}.")
    return settings


def build(settings, image_shape=(28, 28, 1), num_classes=None, seed=None, metrics=None):
    """Builds a compiled GAN from settings.

    Args:
        settings: Dict of settings, as `resolve` returns it.
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        num_classes: Int. Number of classes; needed if the setting `conditional` is true and ignored otherwise.
            Defaults to None.
        seed: Int. Seed of the latents, as in `gan.GAN`. Defaults to None: a random seed.
        metrics: List of `gan.metrics`, as in `gan.GAN.compile`. Defaults to None.

    Returns:
        A compiled `gan.GAN`.

    Raises:
        ValueError: A setting has an invalid value, or `num_classes` is missing.

    Example:

    ```python
    settings = gan.presets.resolve("reference", {"epochs": 1})
    model = gan.presets.build(settings)
    model.fit(gan.datasets.load("mnist5k", settings["batch_size"]), epochs=settings["epochs"])
    ```
    """
    import keras

    from gan import losses, networks, regularizers
    from gan.model import GAN

    if settings["conditional"] and num_classes is None:
        raise ValueError("a conditional preset needs num_classes, the number of classes of the labeled images.")
    classes = num_classes if settings["conditional"] else None
    latent_dim = settings["latent_dim"]
    if settings["networks"] == "mlp":
        widths, dropout = settings["discriminator_widths"], settings["dropout"]
        generator = networks.build_generator(latent_dim, settings["generator_widths"], image_shape, classes)
        discriminator = networks.build_discriminator(image_shape, widths, dropout, classes)
    else:
        width, spectral_norm = settings["discriminator_width"], settings["spectral_norm"]
        generator = networks.build_conv_generator(
            latent_dim, settings["generator_width"], image_shape=image_shape, num_classes=classes
        )
        discriminator = networks.build_conv_discriminator(
            image_shape, width, spectral_norm=spectral_norm, num_classes=classes
        )
    smoothing = settings["label_smoothing"]
    penalties = {
        regularizers.R1: settings["r1"],
        regularizers.R2: settings["r2"],
        regularizers.GradientPenalty: settings["gradient_penalty"],
    }
    model = GAN(generator, discriminator, seed, classes, settings["averaging"] or None)
    model.compile(
        *(
            keras.optimizers.Adam(settings[f"{player}_lr"], settings["beta_1"], settings["beta_2"])
            for player in ("generator", "discriminator")
        ),
        loss=losses.BinaryCrossentropy(smoothing) if smoothing else settings["loss"],
        metrics=metrics,
        regularizers=[kind(weight, settings["regularize_every"]) for kind, weight in penalties.items() if weight],
        discriminator_steps=settings["discriminator_steps"] or None,
        augmentation=settings["augmentation"] or None,
    )
    return model
