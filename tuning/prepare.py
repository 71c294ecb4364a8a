"""The checks of a sweep before it starts."""

import os

import keras_tuner

import gan
from gan import engines
from tuning import oracles
from tuning.hypermodel import GANHyperModel


def prepare(settings):
    """Completes the settings of a sweep and refuses settings with which no trial can run.

    Args:
        settings: Dict of settings, as in `tuning.sweep.run_sweep`.

    Returns:
        A tuple of three:

        - the settings, completed by the source, image shape and number of classes of the data, the extractor and the
          whole space;
        - a list with the names of the GPUs of this machine;
        - a list with the number of epochs of each trial.

    Raises:
        ValueError: The data, the extractor or the space cannot be used.
    """
    data = gan.datasets.resolve(settings["data"])
    shape = settings["image_shape"]
    image_shape = list(gan.datasets.load(data, 1, shape, split="test").element_spec.shape[1:])
    extractor = settings["extractor"] or gan.metrics.usual_extractor(data, image_shape)
    if extractor is None:
        shown = "x".join(map(str, image_shape))
        raise ValueError(f"{data} contains images of {shown}: choose a feature extractor for fid with --extractor.")
    preset = settings["preset"]
    num_classes = gan.datasets.count_classes(data) if gan.presets.resolve(preset)["conditional"] else None
    network = gan.metrics.load_extractor(extractor)
    hypermodel = GANHyperModel(image_shape, settings["space"], network, preset=preset, num_classes=num_classes)
    hypermodel.build(keras_tuner.HyperParameters())
    batch_size = hypermodel.space["batch_size"]
    largest = batch_size if not isinstance(batch_size, dict) else batch_size.get("max") or max(batch_size["values"])
    gan.datasets.load(data, largest, shape, split="train")
    settings = {
        **settings,
        "data": data,
        "image_shape": image_shape,
        "num_classes": num_classes,
        "extractor": extractor,
        "space": hypermodel.space,
    }
    if settings["tuner"] == "hyperband":
        epochs = oracles.build_oracle(settings).planned_epochs()
    else:
        epochs = settings["trials"] * [settings["epochs"]]
    return settings, _find_gpus(), epochs


def _find_gpus():
    count = engines.count_gpus()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return chosen.split(",")[:count] if chosen else [str(index) for index in range(count)]
