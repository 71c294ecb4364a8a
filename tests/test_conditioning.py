"""Labels: ignored without `num_classes`, given to both networks with it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE
from keras import ops

import gan


def test_labels_are_ignored_without_num_classes(make_model, images):
    models = [make_model(), make_model()]
    models[1].set_weights(models[0].get_weights())
    dataset = tf.data.Dataset.from_tensor_slices(images).batch(16)
    labeled = tf.data.Dataset.from_tensor_slices((images, np.arange(len(images)))).batch(16)
    for model, data in zip(models, (dataset, labeled), strict=True):
        model.discriminator.layers[2].rate = model.discriminator.layers[4].rate = 0
        model.fit(data, verbose=0)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


class Labeled(keras.layers.Layer):
    """An image that says which label it was made of."""

    def call(self, latents, labels):
        return ops.zeros((ops.shape(latents)[0], *IMAGE_SHAPE)) + ops.reshape(
            ops.cast(labels, "float32") / 10, (-1, 1, 1, 1)
        )


def test_each_image_is_generated_and_judged_by_its_label(images):
    """With one label for all images of the batch the logits of both kinds are that label."""
    latents, labels = keras.Input((5,)), keras.Input((), dtype="int32")
    generator = keras.Model([latents, labels], Labeled()(latents, labels))
    pixels = keras.Input(IMAGE_SHAPE)
    table = keras.layers.Embedding(3, 1, embeddings_initializer=keras.initializers.Constant(0))
    mean = keras.layers.Dense(1, kernel_initializer="zeros")(keras.layers.Flatten()(pixels))
    discriminator = keras.Model([pixels, labels], keras.layers.Add()([mean, table(labels)]))
    table.set_weights([np.array([[-5.0], [0.0], [7.0]])])
    model = gan.GAN(generator, discriminator, num_classes=3)
    model.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    for label, real_loss in ((0, np.log1p(np.exp(5.0))), (2, np.log1p(np.exp(-7.0)))):
        logs = model.evaluate(images, np.full(100, label), verbose=0, return_dict=True)
        assert logs["g_loss"] == pytest.approx(real_loss, rel=1e-4)
        logs = model.train_on_batch(images, np.full(100, label), return_dict=True)
        assert logs["real_accuracy"] == (label == 2) and logs["fake_accuracy"] == (label == 0)
        model.reset_metrics()
    made = model.generate(labels=[2, 0, 1, 1])
    np.testing.assert_allclose(made[:, 0, 0, 0], [0.2, 0, 0.1, 0.1], rtol=1e-6)
    made = np.round(10 * model.generate(300, seed=0)[:, 0, 0, 0])
    np.testing.assert_array_equal(made, np.round(10 * model.generate(300, seed=0)[:, 0, 0, 0]))
    assert all(60 < np.count_nonzero(made == label) < 140 for label in range(3))
    np.testing.assert_allclose(
        model.generate(latents=np.zeros((2, 5)), labels=[1, 2])[:, 0, 0, 0], [0.1, 0.2], rtol=1e-6
    )


def test_invalid_labels_are_refused(make_model, images):
    model = make_model(num_classes=3)
    good = np.arange(len(images)) % 3
    for labels, sentence in (
        (None, "needs labels, and there are none"),
        (good.tolist(), "labels must be an array, not a list"),
        (good[:-1], "one for each of 100 images"),
        (good.astype("float32"), "must be whole numbers"),
        (good + 1, "must lie in 0 to 2, not in 1 to 3"),
        (good - 1, "must lie in 0 to 2, not in -1 to 1"),
    ):
        for run in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match=sentence):
                run(images, labels, verbose=0)
    with pytest.raises(ValueError, match="needs labels, and there are none"):
        model.fit(tf.data.Dataset.from_tensor_slices(images).batch(10), verbose=0)
    with pytest.raises(ValueError, match="needs labels, and there are none"):
        model.fit(images, good, validation_data=images, verbose=0)
    for labels, sentence in (([3], "must lie in 0 to 2"), (1, "one for each of 1 images"), ([], "one for each of 0")):
        with pytest.raises(ValueError, match=sentence):
            model.generate(labels=labels)
    with pytest.raises(ValueError, match="either a count or latents"):
        model.generate(2, labels=[1, 2])
    with pytest.raises(ValueError, match="labels need a GAN with num_classes"):
        make_model().generate(labels=[1])


def test_networks_and_num_classes_must_agree():
    plain = gan.build_generator(5, (8,), IMAGE_SHAPE), gan.build_discriminator(IMAGE_SHAPE, (8,))
    told = (
        gan.build_generator(5, (8,), IMAGE_SHAPE, num_classes=3),
        gan.build_discriminator(IMAGE_SHAPE, (8,), num_classes=3),
    )
    with pytest.raises(ValueError, match="with num_classes=None the generator must take one input and no labels"):
        gan.GAN(*told)
    with pytest.raises(ValueError, match="num_classes=3 the discriminator must take a second input, labels"):
        gan.GAN(told[0], plain[1], num_classes=3)
    with pytest.raises(ValueError, match="num_classes must be a positive integer, not 0"):
        gan.GAN(*told, num_classes=0)
