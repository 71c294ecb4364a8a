import keras
import numpy as np
import pytest
from conftest import outputs_of
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
    assert kinds == 3 * [layers.Dense, gan.layers.BatchNormalization] + [layers.Dense, layers.Reshape]
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
    images = outputs_of(generator, 100 * np.ones((2, 7)))
    assert np.abs(images).max() <= 1


@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (128, 128, 1), (50, 50, 3), (9, 9, 1)])
def test_convolutional_networks_support_images_of_any_size(image_shape):
    generator = gan.build_conv_generator(latent_dim=7, width=2, image_shape=image_shape)
    assert generator.input_shape == (None, 7) and generator.output_shape == (None, *image_shape)
    assert np.abs(outputs_of(generator, 100 * np.ones((2, 7)))).max() <= 1
    discriminator = gan.build_conv_discriminator(image_shape, width=2)
    assert discriminator.input_shape == (None, *image_shape) and discriminator.output_shape == (None, 1)


def test_a_convolutional_generator_draws_no_checkerboard():
    generator = gan.build_conv_generator(latent_dim=7, width=4, image_shape=(32, 32, 3))
    images = outputs_of(generator, np.random.default_rng(0).normal(size=(50, 7)))
    # The last frequency is that of a checkerboard. The edge is left out: beyond it, pixels count as zeros.
    power = (np.abs(np.fft.fft2(images[:, 4:-4, 4:-4], axes=(1, 2))) ** 2).mean((0, 3))
    assert power[12, 12] < 0.1 * np.median(power)


def test_width_and_depth_set_the_convolutions():
    generator = gan.build_conv_generator(width=3, depth=4)
    shapes = [layer.output.shape[1:] for layer in generator.layers if isinstance(layer, layers.BatchNormalization)]
    assert shapes == [(2, 2, 24), (4, 4, 12), (7, 7, 6), (14, 14, 3)]
    discriminator = gan.build_conv_discriminator(width=3, depth=4)
    shapes = [layer.output.shape[1:] for layer in discriminator.layers if isinstance(layer, layers.Conv2D)]
    assert shapes == [(14, 14, 3), (7, 7, 6), (4, 4, 12), (2, 2, 24)]


@pytest.mark.parametrize(
    ("build", "default"), [(gan.build_conv_generator, (7, 4)), (gan.build_conv_discriminator, (4, 4))]
)
def test_the_default_depth_leads_to_a_few_pixels(build, default):
    for pixels, side in zip((28, 128), default, strict=True):
        network = build(width=1, image_shape=(pixels, pixels, 1))
        sides = {layer.output.shape[1] for layer in network.layers if len(layer.output.shape) == 4}
        assert min(sides) == side


@pytest.mark.parametrize(
    "build",
    [
        lambda: gan.build_discriminator((8, 8, 1), widths=(6,), num_classes=3),
        lambda: gan.build_conv_discriminator((8, 8, 1), width=4, num_classes=3),
    ],
)
def test_the_discriminator_uses_labels_by_projection(build):
    """The logit is that of the features plus their inner product with the vector of the class."""
    discriminator = build()
    images = np.random.default_rng(0).uniform(-1, 1, (5, 8, 8, 1)).astype("float32")
    labels = np.array([0, 1, 2, 1, 0])
    hidden = next(layer for layer in discriminator.layers if isinstance(layer, keras.Sequential))
    dense = {layer.units: layer.get_weights() for layer in discriminator.layers if isinstance(layer, layers.Dense)}
    features = outputs_of(hidden, images)
    (vectors,), (kernel, bias) = dense[features.shape[1]], dense[1]
    expected = features @ kernel + bias + (features * vectors[labels]).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs_of(discriminator, [images, labels]), expected, rtol=1e-4, atol=1e-5)


def test_the_discriminator_uses_labels_with_spectral_norm():
    discriminator = gan.build_conv_discriminator((8, 8, 1), width=4, spectral_norm=True, num_classes=3)
    logits = outputs_of(discriminator, [np.ones((3, 8, 8, 1)), np.array([0, 1, 0])]).ravel()
    assert logits[0] == logits[2] and logits[0] != logits[1]


@pytest.mark.parametrize("build", [gan.build_generator, gan.build_conv_generator])
def test_the_generator_uses_labels(build):
    generator = build(latent_dim=4, num_classes=3)
    images = outputs_of(generator, [np.ones((3, 4)), np.array([0, 1, 0])])
    np.testing.assert_array_equal(images[0], images[2])
    assert not np.allclose(images[0], images[1])


def test_images_and_logits_are_float32_under_mixed_precision():
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        pairs = [
            (gan.build_generator(5, (8,), (4, 4, 1)), gan.build_discriminator((4, 4, 1), (8,))),
            (gan.build_conv_generator(5, 2), gan.build_conv_discriminator(width=2, spectral_norm=True)),
            (gan.build_conv_generator(5, 2, num_classes=3), gan.build_conv_discriminator(width=2, num_classes=3)),
        ]
    finally:
        keras.mixed_precision.set_global_policy("float32")
    for generator, discriminator in pairs:
        is_conditional = len(generator.inputs) == 2
        latents, labels = keras.ops.zeros((2, 5)), keras.ops.array([0, 2])
        images = generator([latents, labels] if is_conditional else latents)
        assert keras.backend.standardize_dtype(images.dtype) == "float32"
        logits = discriminator([images, labels] if is_conditional else images)
        assert keras.backend.standardize_dtype(logits.dtype) == "float32"


@pytest.mark.parametrize(
    ("build", "arguments", "sentence"),
    [
        (gan.build_generator, {"latent_dim": 0}, "latent_dim must be a positive integer, not 0"),
        (gan.build_generator, {"widths": ()}, "widths must be a list or tuple of positive integers"),
        (gan.build_generator, {"widths": (8, 2.5)}, "widths must be a list or tuple of positive integers"),
        (gan.build_generator, {"image_shape": (28, 28)}, r"image_shape must be \(height, width, channels\)"),
        (gan.build_discriminator, {"image_shape": (28, 0, 1)}, "image_shape must be a list or tuple of positive"),
        (gan.build_discriminator, {"widths": (-1,)}, "widths must be a list or tuple of positive"),
        (gan.build_conv_generator, {"width": 0}, "width must be a positive integer"),
        (gan.build_conv_generator, {"depth": 0}, "depth must be a positive integer"),
        (gan.build_conv_generator, {"depth": 6}, r"depth must be at most 5 for images of shape \(28, 28, 1\), not 6"),
        (gan.build_conv_discriminator, {"width": 1.5}, "width must be a positive integer"),
        (gan.build_conv_discriminator, {"num_classes": 0}, "num_classes must be a positive integer"),
        (gan.build_generator, {"num_classes": -1}, "num_classes must be a positive integer"),
        (gan.build_discriminator, {"dropout": 1.0}, r"dropout must be in \[0, 1\), not 1.0"),
    ],
)
def test_arguments_out_of_range_are_refused(build, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        build(**arguments)
