"""The residual networks of R3GAN and their layers."""

import keras
import numpy as np
import pytest
from conftest import JIT_COMPILE, outputs_of
from keras import ops

import gan
from gan.layers import Downsampling, GroupedConv2D, LearnedStart, ResidualBlock, Smoothing, Upsampling, scaled_normal

RNG = np.random.default_rng(0)
NETWORKS = {"widths": (12, 8, 4), "expansion": 2, "group_size": 4}


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


def apply(layer, images):
    return ops.convert_to_numpy(layer(images))


def count_block(width, expansion, group_size):
    inner = width * expansion
    return width * inner + inner + 9 * group_size * inner + inner + inner * width


@pytest.mark.parametrize("blocks", [1, 3])
def test_parameters_are_counted_by_arithmetic(blocks):
    generator = gan.build_residual_generator(5, blocks=blocks, image_shape=(16, 16, 3), **NETWORKS)
    discriminator = gan.build_residual_discriminator((16, 16, 3), blocks=blocks, **NETWORKS)
    inner = blocks * sum(count_block(width, 2, 4) for width in (12, 8, 4)) + 12 * 8 + 8 * 4
    assert generator.count_params() == 16 * 12 + 5 * 12 + inner + 4 * 3 + 3
    assert discriminator.count_params() == 3 * 4 + 4 + inner + 16 * 12 + 12 + 1


@pytest.mark.parametrize("side, widths", [(16, 3), (28, 4), (33, 5), (100, 6), (256, 7)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_have_any_size(side, widths, channels):
    shape, sizes = (side, side, channels), {"widths": (4,) * widths, "expansion": 1, "group_size": 2}
    generator = gan.build_residual_generator(5, image_shape=shape, num_classes=3, **sizes)
    discriminator = gan.build_residual_discriminator(shape, num_classes=3, **sizes)
    assert generator.output_shape == (None, *shape) and discriminator.output_shape == (None, 1)
    images = outputs_of(generator, [10 * normal(2, 5), np.array([0, 2])])
    assert np.abs(images).max() <= 1
    assert outputs_of(discriminator, [images, np.array([0, 2])]).shape == (2, 1)


def test_a_grouped_convolution_sees_only_its_group():
    layer = GroupedConv2D(2)
    images = normal(3, 5, 6, 6)
    layer.build(images.shape)
    layer.bias.assign(normal(6))
    kernel, bias = (ops.convert_to_numpy(value) for value in (layer.kernel, layer.bias))
    whole = np.zeros((3, 3, 6, 6), "float32")
    for group in range(3):
        channels = slice(2 * group, 2 * group + 2)
        whole[:, :, channels, channels] = kernel[..., channels]
    expected = ops.convert_to_numpy(ops.conv(images, whole, padding="same")) + bias
    np.testing.assert_allclose(apply(layer, images), expected, atol=1e-5)


def test_a_block_starts_as_the_identity_and_keeps_the_variance_at_any_depth():
    images = normal(16, 8, 8, 32)
    variances = {}
    for count in (4, 32):
        outputs = images
        for _ in range(count):
            block = ResidualBlock(count)
            np.testing.assert_array_equal(apply(block, outputs), outputs)
            last = block.sequence[-1].kernel
            last.assign(scaled_normal(1)(last.shape))
            outputs = apply(block, outputs)
        variances[count] = outputs.var()
    # Each block adds 1 / count of the variance: e times as much in the limit.
    assert 1.5 < variances[4] < 3.5 and 1.5 < variances[32] < 3.5


def test_resampling_commutes_with_shifts_up_to_the_edge():
    images = normal(1, 12, 12, 3)
    shifted = np.roll(images, 2, axis=(1, 2))
    down, up = (lambda x: apply(Downsampling(), x)), (lambda x: apply(Upsampling(), x))
    np.testing.assert_allclose(down(shifted)[:, 2:-1, 2:-1], np.roll(down(images), 1, (1, 2))[:, 2:-1, 2:-1], atol=1e-6)
    np.testing.assert_allclose(up(shifted)[:, 5:-1, 5:-1], np.roll(up(images), 4, (1, 2))[:, 5:-1, 5:-1], atol=1e-6)


def test_resampling_filters_by_1_2_1():
    line = np.zeros((1, 6, 6, 1), "float32")
    line[:, :, 2] = 1
    np.testing.assert_allclose(
        apply(Upsampling(), line)[0, 5, :, 0], np.array([0, 0, 0, 1, 3, 3, 1, 0, 0, 0, 0, 0]) / 4
    )
    np.testing.assert_allclose(apply(Downsampling(), line)[0, 1, :, 0], np.array([1, 3, 0]) / 8)
    np.testing.assert_allclose(apply(Smoothing(), line)[0, 1, :, 0], np.array([0, 1, 2, 1, 0, 0]) / 4)


def test_a_learned_start_scales_its_images():
    layer = LearnedStart(4, 3)
    vectors = normal(2, 5)
    images = apply(layer, vectors)
    learned, kernel = (ops.convert_to_numpy(value) for value in (layer.images, layer.kernel))
    np.testing.assert_allclose(images, (vectors @ kernel)[:, None, None, :] * learned, rtol=1e-5, atol=1e-6)


# On TensorFlow, float32 is compiled by XLA.
@pytest.mark.parametrize(
    "policy, jit_compile",
    [("float32", JIT_COMPILE[-1]), ("mixed_float16", JIT_COMPILE[0]), ("mixed_bfloat16", JIT_COMPILE[0])],
)
def test_gradients_reach_every_weight(policy, jit_compile, set_dtype_policy):
    set_dtype_policy(policy)
    sizes = {"widths": (4, 4, 4), "expansion": 1, "group_size": 2}
    generator = gan.build_residual_generator(5, image_shape=(16, 16, 3), **sizes)
    discriminator = gan.build_residual_discriminator((16, 16, 3), **sizes)
    model = gan.GAN(generator, discriminator, seed=0, averaging=0.9)
    optimizers = [keras.optimizers.Adam(1e-2, 0, 0.99) for _ in range(2)]
    penalties = [gan.regularizers.R1(1.0)]
    model.compile(*optimizers, loss="binary_crossentropy", regularizers=penalties, jit_compile=jit_compile)
    before = model.get_weights()
    history = model.fit(np.tanh(normal(24, 16, 16, 3)), batch_size=8, epochs=2, verbose=0)
    assert np.isfinite(history.history["d_loss"]).all()
    trained = {id(variable) for network in (generator, discriminator) for variable in network.trainable_variables}
    for variable, old in zip(model.weights, before, strict=True):
        if id(variable) in trained:
            assert np.any(ops.convert_to_numpy(variable) != old), variable.path


def test_a_file_and_a_clone_keep_the_networks(tmp_path):
    generator = gan.build_residual_generator(5, blocks=2, image_shape=(16, 16, 3), **NETWORKS)
    latents = normal(3, 5)
    generator.save(tmp_path / "generator.keras")
    clone = keras.models.clone_model(generator)
    clone.set_weights(generator.get_weights())
    for other in (keras.models.load_model(tmp_path / "generator.keras"), clone):
        np.testing.assert_array_equal(outputs_of(other, latents), outputs_of(generator, latents))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"image_shape": (16, 20, 3)}, "image_shape must be that of square images from 16x16 to 256x256"),
        ({"image_shape": (8, 8, 3)}, "image_shape must be that of square images"),
        ({"image_shape": (257, 257, 3)}, "image_shape must be that of square images"),
        ({"widths": (4, 4)}, r"widths must be 3 numbers for images of 16x16.*\(4, 8, 16\), not 2"),
        ({"widths": (4, 4, 0)}, "widths must be a list or tuple of positive integers"),
        ({"group_size": 3}, "group_size must divide"),
        ({"blocks": 0}, "blocks must be a positive integer"),
        ({"expansion": 1.5}, "expansion must be a positive integer"),
    ],
)
def test_bad_arguments_are_refused(changes, message):
    arguments = {"image_shape": (16, 16, 3), **NETWORKS, **changes}
    for build in (gan.build_residual_generator, gan.build_residual_discriminator):
        with pytest.raises(ValueError, match=message):
            build(**arguments)
