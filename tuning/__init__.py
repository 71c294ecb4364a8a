"""Sweeps over the widths and learning rates of a GAN."""
