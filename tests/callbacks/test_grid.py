import os
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, outputs_of
from helpers import step_result

import gan


def read_grid(path, columns, padding=2):
    """The images `(count, 6, 6)` of a picture, which are enlarged and have a gutter between them."""
    picture = gan.images.read_picture(path)[..., 0]
    width = columns * (6 + padding) - padding
    scale = picture.shape[1] // width
    assert picture.shape[1] == scale * width and 400 < picture.size**0.5 < 600
    picture = picture[scale // 2 :: scale, scale // 2 :: scale]
    tops, lefts = (range(0, size, 6 + padding) for size in picture.shape)
    cells = np.stack([picture[top : top + 6, left : left + 6] for top in tops for left in lefts])
    gutters = np.ones(picture.shape, bool)
    for top in tops:
        for left in lefts:
            gutters[top : top + 6, left : left + 6] = False
    assert (picture[gutters] == 128).all()
    return cells


def test_image_grid_draws_the_generators_images_of_fixed_latents(make_model, make_dataset, tmp_path):
    model = make_model()
    grid = gan.ImageGrid(tmp_path, rows=2, columns=3, every=2, seed=5)
    model.fit(make_dataset(), epochs=5, verbose=0, callbacks=[grid])
    assert sorted(os.listdir(tmp_path)) == ["image_at_epoch_0002.png", "image_at_epoch_0004.png"]

    model.fit(make_dataset(), epochs=6, initial_epoch=5, verbose=0, callbacks=[grid])
    images = gan.images.to_uint8(outputs_of(model.generator, keras.random.normal((6, 5), seed=5)))
    drawn = read_grid(tmp_path / "image_at_epoch_0006.png", columns=3)
    np.testing.assert_allclose(drawn, images[..., 0], atol=1)


def test_image_grid_without_padding_has_no_gutter(make_model, make_dataset, tmp_path):
    make_model().fit(make_dataset(), verbose=0, callbacks=[gan.ImageGrid(tmp_path, padding=0)])
    assert len(read_grid(tmp_path / "image_at_epoch_0001.png", columns=4, padding=0)) == 16


def test_image_grid_of_a_conditional_gan_shows_one_class_per_column(make_model, images, tmp_path):
    model = make_model(num_classes=3)
    model.fit(images, np.zeros(100, int), verbose=0, callbacks=[gan.ImageGrid(tmp_path, rows=2, seed=5)])
    generated = model.generate(latents=keras.random.normal((6, 5), seed=5), labels=[0, 1, 2, 0, 1, 2])
    drawn = read_grid(tmp_path / "image_at_epoch_0001.png", columns=3)
    np.testing.assert_allclose(drawn, gan.images.to_uint8(generated)[..., 0], atol=1)


@pytest.mark.parametrize("columns", [None, 5])
def test_image_grid_writes_the_name_of_its_class_above_each_column(make_model, images, tmp_path, columns):
    names = ["cat", "dog", "owl"]
    plain, titled = (
        gan.ImageGrid(tmp_path / name, columns=columns, class_names=class_names)
        for name, class_names in (("plain", None), ("titled", names))
    )
    make_model(num_classes=3).fit(images, np.zeros(100, int), verbose=0, callbacks=[plain, titled])
    plain, titled = (
        gan.images.read_picture(tmp_path / name / "image_at_epoch_0001.png") for name in ("plain", "titled")
    )
    np.testing.assert_array_equal(titled, gan.images.add_titles(plain, (names * 2)[: columns or 3]))


@pytest.mark.parametrize(("num_classes", "sentence"), [(3, "has 3 classes, but .* 2 names"), (None, "has no classes")])
def test_image_grid_refuses_a_wrong_number_of_names(make_model, images, tmp_path, num_classes, sentence):
    grid = gan.ImageGrid(tmp_path, class_names=["cat", "dog"])
    labels = None if num_classes is None else np.zeros(100, int)
    with pytest.raises(ValueError, match=sentence):
        make_model(num_classes=num_classes).fit(images, labels, verbose=0, callbacks=[grid])
    assert not os.listdir(tmp_path)


def test_image_grid_draws_the_latents_that_the_model_draws(images, tmp_path):
    class TwoLatents(gan.GAN):
        def draw_latents(self, count, seed):
            # A drawing callback passes a seed, training a generator of seeds.
            return keras.ops.full((count, self.latent_dim), seed if isinstance(seed, int) else 0.0)

    model = TwoLatents(gan.build_generator(5, (8,), IMAGE_SHAPE), gan.build_discriminator(IMAGE_SHAPE, (8,)))
    model.compile("adam", "adam")
    model.fit(images, verbose=0, callbacks=[gan.ImageGrid(tmp_path, seed=2)])
    image = gan.images.to_uint8(model.generate(latents=np.full((1, 5), 2.0)))[..., 0]
    drawn = read_grid(tmp_path / "image_at_epoch_0001.png", columns=4)
    np.testing.assert_allclose(drawn, np.broadcast_to(image, drawn.shape), atol=1)


class Tutorial(keras.Model):
    """A GAN as in any tutorial, reduced to what `fit` needs."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator
        self.built = True

    def train_step(self, *state_and_data):
        return step_result({"nothing": keras.ops.zeros(())}, *state_and_data)


class Subclassed(keras.Model):
    """A generator whose shapes Keras does not know in advance."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(36)

    def call(self, inputs):
        return keras.ops.reshape(keras.ops.tanh(self.dense(inputs)), (-1, *IMAGE_SHAPE))


def test_image_grid_works_in_any_model_with_a_generator(images, tmp_path):
    model = Tutorial(gan.build_generator(5, (8,), IMAGE_SHAPE))
    model.compile()
    model.fit(images, verbose=0, callbacks=[gan.ImageGrid(tmp_path)])
    assert (tmp_path / "image_at_epoch_0001.png").exists()


def test_image_grid_works_with_a_subclassed_generator(images, tmp_path):
    generator = Subclassed()
    generator(np.zeros((1, 5), "float32"))  # PyTorch and JAX train models only once they have their weights
    model = Tutorial(generator)
    model.latent_dim = 5
    model.compile()
    model.fit(images, verbose=0, callbacks=[gan.ImageGrid(tmp_path)])
    assert (tmp_path / "image_at_epoch_0001.png").exists()


@pytest.mark.parametrize(
    ("generator", "sentence"),
    [
        (
            keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Conv2D(1, 3)]),
            r"inputs of \(None, 6, 6, 1\): draw its",
        ),
        (keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)]), r"\(height, width, 1 or 3\).* are \(2,\)"),
        (gan.build_generator(5, (8,), (6, 6, 2)), r"the generator's are \(6, 6, 2\)"),
        (gan.build_generator(5, (8,), IMAGE_SHAPE, num_classes=3), r"inputs of \(None, 5\) and \(None,\)"),
    ],
)
def test_image_grid_refuses_what_it_cannot_draw_before_training(images, tmp_path, generator, sentence):
    model = Tutorial(generator)
    model.compile()
    with pytest.raises(ValueError, match=sentence):
        model.fit(images, verbose=0, callbacks=[gan.ImageGrid(tmp_path)])


def test_image_grid_in_tensorboard_and_in_a_notebook(make_model, make_dataset, tmp_path, monkeypatch):
    shown = []

    notebook = types.SimpleNamespace(Image=str, display=shown.append)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=notebook))
    callback = gan.ImageGrid(tmp_path / "images", show=True, log_dir=tmp_path / "logs")
    make_model().fit(make_dataset(), epochs=2, verbose=0, callbacks=[callback])

    events = [
        (event.step, value)
        for path in sorted((tmp_path / "logs").iterdir())
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert sorted(step for step, _ in events) == [0, 1]
    for step, value in events:
        picture = (tmp_path / f"images/image_at_epoch_{step + 1:04d}.png").read_bytes()
        assert value.tag == "samples" and value.image.encoded_image_string == picture
    assert [os.path.basename(path) for path in shown] == ["image_at_epoch_0001.png", "image_at_epoch_0002.png"]


@pytest.mark.parametrize("argument", ["rows", "columns", "every"])
def test_image_grid_refuses_wrong_arguments(tmp_path, argument):
    with pytest.raises(ValueError, match="at least 1"):
        gan.ImageGrid(tmp_path, **{argument: 0})
    with pytest.raises(ValueError, match="padding must be at least 0, not -1"):
        gan.ImageGrid(tmp_path, padding=-1)
