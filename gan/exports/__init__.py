"""Exports: the network that generates images, as a file that other programs run without Keras."""
