"""What generate.py writes: grids of images, folders of them, arrays, and walks through latent space."""

import keras
import numpy as np

from gan import checks
from gan import images as pictures
from gan import latents as ways
from gan.files import written_whole

PADDING = 2
WAYPOINTS = 8
STEPS = 16
SECONDS_PER_FRAME = 0.06


def save_array(path, array):
    with written_whole(path) as partial:
        np.save(partial, array)


def save_samples(path, images, columns, titles):
    if path.suffix == ".npy":
        save_array(path, images)
    elif path.suffix:
        pictures.save_picture(path, draw_grid(images, columns, titles))
    else:
        for index, image in enumerate(images, start=1):
            pictures.save_picture(path / f"image_{index:0{len(str(len(images)))}d}.png", image)


def draw_grid(images, columns, titles):
    picture = pictures.enlarge(pictures.grid(images, columns, padding=PADDING))
    return pictures.add_titles(picture, titles) if titles else picture


def find_titles(names, labels, columns):
    """Returns the name of each column's class; None if there are no names or a column shows several classes."""
    if not names or labels is None:
        return None
    classes = [set(labels[column::columns]) for column in range(columns)]
    return [names[only] for (only,) in classes] if all(len(one) == 1 for one in classes) else None


def draw_walk(model, count, columns, labels, titles, seed):
    """Returns the frames of a grid whose images walk between random latents."""
    waypoints = np.array(keras.random.normal((WAYPOINTS, count, model.latent_dim), seed=seed))
    if model.clusters is not None:
        # Walks through other clusters would be less smooth.
        labels, waypoints[0] = map(np.asarray, model.clusters.split(waypoints[0]))
    points = ways.walk(waypoints, STEPS)
    return [to_frame(model.generate(latents=latents, labels=labels), columns, titles) for latents in points]


def draw_walk_between(model, latents, labels):
    """Returns the frames of one image that walks between given latents."""
    return [to_frame(image[None], 1, None) for image in ways.show_walk(model, latents, STEPS, labels)]


def to_frame(images, columns, titles):
    return pictures.to_frame(draw_grid(pictures.to_uint8(images), columns, titles))


def save_walk(path, frames):
    pictures.save_animation(path, frames, SECONDS_PER_FRAME)


def read_latents(path, model):
    try:
        latents = np.load(path)
    except Exception as error:  # damaged files make NumPy raise exceptions of many kinds
        raise ValueError(f"{path} cannot be read as a .npy file.") from error
    if not isinstance(latents, np.ndarray):
        raise ValueError(f"{path} holds several arrays: latents are one array, in a .npy file.")
    try:
        return checks.check_latents(latents, model.latent_dim)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
