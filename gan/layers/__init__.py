"""Layers that Keras does not offer, or not for every backend."""

from gan.layers.clusters import Clusters
from gan.layers.normalization import BatchNormalization, SpectralNormalization
from gan.layers.residual import Downsampling, GroupedConv2D, LearnedStart, ResidualBlock, Upsampling, scaled_normal

__all__ = [
    "BatchNormalization",
    "Clusters",
    "Downsampling",
    "GroupedConv2D",
    "LearnedStart",
    "ResidualBlock",
    "SpectralNormalization",
    "Upsampling",
    "scaled_normal",
]
