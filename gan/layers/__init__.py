"""Layers that Keras does not offer, or not for every backend."""

from gan.layers.clusters import Clusters
from gan.layers.normalization import BatchNormalization, SpectralNormalization
from gan.layers.resampling import Downsampling, Smoothing, Upsampling
from gan.layers.residual import GroupedConv2D, LearnedStart, ResidualBlock, scaled_normal

__all__ = [
    "BatchNormalization",
    "Clusters",
    "Downsampling",
    "GroupedConv2D",
    "LearnedStart",
    "ResidualBlock",
    "Smoothing",
    "SpectralNormalization",
    "Upsampling",
    "scaled_normal",
]
