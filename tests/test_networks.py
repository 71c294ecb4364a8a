import keras
import numpy as np
import pytest
from keras import layers

import gan


def count_trainable(network):
    return sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)


def test_defaults_are_the_reference_networks():
    generator, discriminator = gan.build_generator(), gan.build_discriminator()
    sizes = [100, 256, 512, 1024, 784]
    dense = sum((n + 1) * m for n, m in zip(sizes, sizes[1:], strict=False))
    assert count_trainable(generator) == dense + 2 * (256 + 512 + 1024) == 1_489_936
    sizes = [784, 512, 256, 1]
    assert count_trainable(discriminator) == sum((n + 1) * m for n, m in zip(sizes, sizes[1:], strict=False)) == 533_505

    kinds = [type(layer) for layer in generator.layers]
    assert kinds == 3 * [layers.Dense, layers.BatchNormalization] + [layers.Dense, layers.Reshape]
    assert all(layer.activation is keras.activations.relu for layer in generator.layers[:6:2])
    assert all(layer.momentum == 0.8 for layer in generator.layers[1:6:2])
    assert generator.layers[6].activation is keras.activations.tanh

    kinds = [type(layer) for layer in discriminator.layers]
    assert kinds == [layers.Flatten] + 2 * [layers.Dense, layers.Dropout] + [layers.Dense]
    assert all(layer.activation is keras.activations.relu for layer in discriminator.layers[1:4:2])
    assert all(layer.rate == 0.3 for layer in discriminator.layers[2:5:2])
    assert discriminator.layers[5].activation is keras.activations.linear


def test_arguments_shape_the_networks():
    generator = gan.build_generator(latent_dim=7, widths=(9,), image_shape=(8, 10, 3))
    assert generator.input_shape == (None, 7) and generator.output_shape == (None, 8, 10, 3)
    discriminator = gan.build_discriminator((8, 10, 3), widths=(9, 5, 3), dropout=0.0)
    assert discriminator.input_shape == (None, 8, 10, 3) and discriminator.output_shape == (None, 1)
    assert [layer.units for layer in discriminator.layers if isinstance(layer, layers.Dense)] == [9, 5, 3, 1]
    images = generator(100 * np.ones((2, 7)))
    assert np.abs(images).max() <= 1


def test_images_and_logits_are_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        generator, discriminator = gan.build_generator(5, (8,), (4, 4, 1)), gan.build_discriminator((4, 4, 1), (8,))
    finally:
        keras.mixed_precision.set_global_policy("float32")
    images = generator(np.zeros((2, 5)))
    assert keras.backend.standardize_dtype(images.dtype) == "float32"
    assert keras.backend.standardize_dtype(discriminator(images).dtype) == "float32"


@pytest.mark.parametrize(
    ("build", "arguments", "sentence"),
    [
        (gan.build_generator, {"latent_dim": 0}, "latent_dim must be positive whole numbers"),
        (gan.build_generator, {"widths": ()}, "widths must be positive whole numbers"),
        (gan.build_generator, {"widths": (8, 2.5)}, "widths must be positive whole numbers"),
        (gan.build_generator, {"image_shape": (28, 28)}, r"image_shape must be \(height, width, channels\)"),
        (gan.build_discriminator, {"image_shape": (28, 0, 1)}, "image_shape must be positive"),
        (gan.build_discriminator, {"widths": (-1,)}, "widths must be positive"),
        (gan.build_discriminator, {"dropout": 1.0}, r"dropout must lie in \[0, 1\), not 1.0"),
    ],
)
def test_arguments_out_of_range_are_refused(build, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(**arguments)
