"""The first lines of a run: what its images are, and which settings suit them."""

import math

from gan import presets
from gan.text import format_count, format_shape

# A class with fewer images than this, on average, deserves a warning.
LEAST_IMAGES = 10
READABLE_STEPS = 5_000  # after which the images of `fast` can be recognized


def describe_data(images, settings, is_validated):
    """Says how many images were found, how they are used and what was skipped.

    Args:
        images: A `gan.datasets.ImageSet`.
        settings: Dict of the run's settings.
        is_validated: Bool, whether the run measures metrics on images that it does not train on.

    Returns:
        One or more lines.
    """
    num_classes = images.num_classes if settings["conditional"] else None
    trained = _count_trained(images, is_validated)
    held_out = images.image_count - trained
    purpose = " for validation" if is_validated else ""
    use = f"{trained:,} to train on and {held_out:,} held out{purpose}" if held_out else "none held out"
    found = f"{format_count(images.image_count, 'image')} of {format_shape(images.image_shape)}"
    lines = [f"{images.name}: {found}, {use}", *images.describe_pictures()]
    if num_classes and images.image_count < LEAST_IMAGES * num_classes:
        lines.append(f"  {num_classes:,} classes of fewer than {LEAST_IMAGES} images on average: too few to learn much")
    return "\n".join(lines)


def recommend(images, settings, is_validated):
    """Names a preset and a number of epochs for a folder of pictures.

    Args:
        images: As in `describe_data`.
        settings: As in `describe_data`.
        is_validated: As in `describe_data`.

    Returns:
        A line, or None if the run has networks that suit the pictures and enough epochs, or too few pictures for any
        preset.
    """
    classes = len(images.class_names or [])
    has_classes = 0 < LEAST_IMAGES * classes <= images.image_count
    family = settings["preset"].removesuffix("-conditional")
    has_both = f"{family}-conditional" in presets.PRESETS
    suits = settings["networks"] != "mlp" and (settings["conditional"] == has_classes or not has_both)
    name = (family if has_both else "fast") + ("-conditional" if has_classes else "")
    batch_size = (settings if suits else presets.PRESETS[name])["batch_size"]
    count = _count_trained(images, is_validated)
    steps = math.ceil(count / batch_size)
    if not images.pictures or count < batch_size or suits and steps * settings["epochs"] >= READABLE_STEPS:
        return None
    preset = "" if suits else f"--preset {name} "
    epochs = math.ceil(READABLE_STEPS / steps)
    return f"recommended for these pictures: {preset}--epochs {epochs}, about {READABLE_STEPS:,} steps"


def _count_trained(images, is_validated):
    return len(images.split("train" if is_validated else None).rows)


def describe_ended(settings, planned):
    """Says which settings do not move any more in the epochs that a run was not planned for.

    Args:
        settings: Dict of the run's settings.
        planned: Int, the number of epochs that the run was started with.

    Returns:
        A line, or None if there are no such settings or epochs.
    """
    moving = [f"--{name.replace('_', '-')}" for name in presets.SCHEDULED if isinstance(settings[name], list)]
    if not moving or settings["epochs"] <= planned:
        return None
    return f"  more epochs than the run was started with: {', '.join(moving)} keep their last values in them"
