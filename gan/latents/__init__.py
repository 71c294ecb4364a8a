"""Moving through latent space: paths, directions that change images most, and the latents of an image."""

from gan.latents.mixing import mix_classes
from gan.latents.moves import directions, move, show_directions
from gan.latents.projection import Projection, project
from gan.latents.surroundings import neighbors
from gan.latents.walks import show_walk, walk

__all__ = [
    "Projection",
    "directions",
    "mix_classes",
    "move",
    "neighbors",
    "project",
    "show_directions",
    "show_walk",
    "walk",
]
