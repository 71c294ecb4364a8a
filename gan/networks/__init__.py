"""Builders of generators and discriminators: multilayer perceptrons, convolutional and residual networks."""

from gan.networks.conv import build_conv_discriminator, build_conv_generator
from gan.networks.mlp import build_discriminator, build_generator
from gan.networks.residual import build_residual_discriminator, build_residual_generator

__all__ = [
    "build_conv_discriminator",
    "build_conv_generator",
    "build_discriminator",
    "build_generator",
    "build_residual_discriminator",
    "build_residual_generator",
]
