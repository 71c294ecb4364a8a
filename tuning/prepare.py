"""The checks of a sweep before it starts."""

import os
from pathlib import Path

import keras_tuner

import gan
from gan import engines, extraction
from gan.metrics.training import build_extractor
from gan.runs import EXTRACTOR_NAME, find_extractor
from tuning import oracles
from tuning.hypermodel import GANHyperModel


def prepare(settings, output):
    """Completes the settings of a sweep and refuses settings with which no trial can run.

    Args:
        settings: Dict of settings, as in `tuning.sweep.run_sweep`.
        output: Folder of the sweep. If no extractor suits the images, one is trained on them and written to it.

    Returns:
        A tuple of three:

        - the settings, completed by the source, image shape and number of classes of the data, the extractor and the
          whole space;
        - a list with the names of the GPUs of this machine;
        - a list with the number of epochs of each trial.

    Raises:
        ValueError: The data, the extractor or the space cannot be used.
    """
    images = open_images(settings)
    image_shape = list(images.image_shape)
    extractor = settings["extractor"] or gan.metrics.usual_extractor(images.name, image_shape) or EXTRACTOR_NAME
    file = Path(output) / EXTRACTOR_NAME
    is_new = extractor == EXTRACTOR_NAME and not file.exists()
    # What can be wrong is found before minutes of training.
    network = build_extractor(image_shape) if is_new else gan.metrics.load_extractor(find_extractor(extractor, output))
    hypermodel = build_hypermodel(settings, images, network)
    num_classes = hypermodel.num_classes
    hypermodel.build(keras_tuner.HyperParameters())
    batch_size = hypermodel.space["batch_size"]
    largest = batch_size if not isinstance(batch_size, dict) else batch_size.get("max") or max(batch_size["values"])
    gan.datasets.load(images, largest, split="train", labels=num_classes is not None)
    if is_new:
        extraction.write_extractor(images, file, Path(images.name).stem, settings["seed"])
    settings = {
        **settings,
        "data": images.name,
        "fingerprint": images.fingerprint,
        "image_shape": image_shape,
        "num_classes": num_classes,
        "extractor": extractor,
        "space": hypermodel.space,
        # A later version of this library may have another preset of this name.
        "resolved": gan.presets.resolve(settings["preset"]),
    }
    if settings["tuner"] == "hyperband":
        epochs = oracles.build_oracle(settings).planned_epochs()
    else:
        epochs = settings["trials"] * [settings["epochs"]]
    return settings, _find_gpus(), epochs


def build_hypermodel(settings, images, extractor):
    """Builds the hypermodel of a sweep.

    Args:
        settings: Dict of settings, as in `tuning.sweep.run_sweep`.
        images: The `gan.datasets.ImageSet` of the sweep.
        extractor: A `keras.Model`, as in `tuning.GANHyperModel`.

    Returns:
        A `tuning.GANHyperModel`.
    """
    preset = settings["preset"]
    num_classes = images.num_classes if gan.presets.resolve(preset)["conditional"] else None
    images_seen = settings["epochs"] * (images.image_count - images.held_out_count)
    shape, space, seed = images.image_shape, settings["space"], settings["seed"]
    return GANHyperModel(shape, space, extractor, seed, preset, num_classes, images_seen)


def open_images(settings):
    """Opens the images of a sweep.

    Args:
        settings: Dict of settings, as in `tuning.sweep.run_sweep`.

    Returns:
        A `gan.datasets.ImageSet`.

    Raises:
        ValueError: The images cannot be read, or are not those that the sweep was started with.
    """
    shape, background = settings["image_shape"], settings["background"]
    images = gan.datasets.open_source(settings["data"], shape, background, settings["skip_damaged"])
    if settings.get("fingerprint") not in (None, images.fingerprint):
        raise ValueError(f"{images.name} has changed since the sweep was started.")
    return images


def _find_gpus():
    count = engines.count_gpus()
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return chosen.split(",")[:count] if chosen else [str(index) for index in range(count)]
