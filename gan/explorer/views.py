"""What the page shows of a model: images of points, near points, between points and of projected pictures."""

import itertools

import keras
import numpy as np
from keras import ops

from gan import datasets, images, latents
from gan.explorer.points import Points, count_kinds

WALK_STEPS = 16
PROJECTION_STEPS = 1000


def show(model, points):
    """Returns the uint8 image of each point."""
    return images.to_uint8(model.generate(latents=points.latents, labels=points.labels))


def find_neighbors(model, point, count, distance, seed):
    """Returns points at a distance of 0 to 1 from one point."""
    found = latents.neighbors(model, point.latents, count, distance, seed)
    return Points(found, None if point.labels is None else np.repeat(point.labels, count))


def move(model, point, directions, strengths):
    """Returns a point, moved along each of the directions by its strength."""
    step = np.asarray(strengths, "float32") @ directions
    return Points(latents.move(model, point.latents, step, [1.0])[0], point.labels)


def mix(model, point, first, second, shares):
    """Returns the uint8 image of a point between two classes or clusters, at each share of the second one."""
    start = point.latents
    if model.clusters is not None:
        start = ops.convert_to_numpy(model.clusters.split(ops.convert_to_tensor(start))[1])
        kinds = model.clusters.count
    else:
        kinds = count_kinds(model)
    shares = np.asarray(shares)[:, None]
    weights = (1 - shares) * np.eye(kinds)[first] + shares * np.eye(kinds)[second]
    return images.to_uint8(latents.mix_classes(model, np.repeat(start, len(shares), axis=0), weights))


def walk(model, points):
    """Returns the uint8 images of a walk from point to point and back to the first: 16 for each way."""
    return images.to_uint8(latents.show_walk(model, points.latents, WALK_STEPS, points.labels))


def project(model, path, background, report):
    """Finds the point whose image is most similar to a picture.

    Args:
        model: A `gan.GAN`.
        path: Path of the picture.
        background: String, the color behind a transparent picture.
        report: Function that is called with the share of the work that is done, a hundred times.

    Returns:
        The picture as the GAN would see it, a uint8 array; its point; and the root mean square difference.

    Raises:
        ValueError: The file is no picture.
    """
    picture = datasets.read_pictures([path], model.image_shape, background)
    total = PROJECTION_STEPS + PROJECTION_STEPS // 5  # a fifth of the steps from all starts
    done = itertools.count(1)

    def count(batch, logs):
        if (step := next(done)) % (total // 100) == 0:
            report(step / total)

    counting = keras.callbacks.LambdaCallback(on_train_batch_end=count)
    floats = images.to_float(picture)
    found = latents.project(model, floats, steps=PROJECTION_STEPS, verbose=0, callbacks=[counting])
    return picture[0], Points(found.latents, found.labels), float(found.distances[0])


def can_mix(model):
    """Returns whether `mix` works with a model: whether it has classes or clusters, and embeds them."""
    try:
        mix(model, Points(np.zeros((1, model.latent_dim), "float32")), 0, 0, [0.0])
    except (ValueError, IndexError):
        return False
    return True


def find_directions(model, count):
    """Returns up to so many directions, or None if this generator has none."""
    try:
        return latents.directions(model, min(count, model.latent_dim))
    except ValueError:
        return None
