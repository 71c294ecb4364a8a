"""Which data `fit` and its siblings refuse or warn of."""

import numpy as np
import pytest
import tensorflow as tf


@pytest.mark.parametrize("as_dataset", [False, True])
@pytest.mark.parametrize(
    ("spoil", "error", "sentence"),
    [
        (lambda images: (images + 1) * 127.5, ValueError, "0..255"),
        (lambda images: (images + 1) / 2 + 0.1, ValueError, "0..1"),
        (lambda images: ((images + 1) * 127.5).astype("uint8"), TypeError, "floats in .-1, 1., not uint8"),
        (lambda images: np.where(images > 0.999, np.nan, images), ValueError, "NaN"),
        (lambda images: images[:, :5], ValueError, r"\(batch, 6, 6, 1\)"),
        (lambda images: images[..., 0], ValueError, r"\(batch, 6, 6, 1\)"),
        (lambda images: images[:0], ValueError, "at least one"),
    ],
)
def test_fit_refuses_images_it_cannot_train_on(make_model, images, as_dataset, spoil, error, sentence):
    spoilt = spoil(images)
    if as_dataset:
        spoilt = tf.data.Dataset.from_tensor_slices(spoilt).batch(len(images))
    model = make_model()
    with pytest.raises(error, match=sentence):
        model.fit(spoilt, verbose=0)
    with pytest.raises(error, match=sentence):
        model.fit(images, validation_data=spoilt if as_dataset else (spoilt,), verbose=0)
    assert model.train_function is None


@pytest.mark.parametrize("wrap", [lambda x: None, lambda x: 3, lambda x: (x, x), lambda x: {"images": x}, list])
def test_fit_and_evaluate_refuse_data_without_images(make_model, images, wrap):
    for method in ("fit", "evaluate"):
        with pytest.raises(TypeError, match="images must be an array or a dataset"):
            getattr(make_model(), method)(wrap(images), verbose=0)
    with pytest.raises(TypeError, match="not dict"):
        make_model().fit(tf.data.Dataset.from_tensor_slices({"image": images}).batch(16))
    with pytest.raises(ValueError, match="0..255"):
        make_model().evaluate((images + 1) * 127.5)


class Loader:
    """What torch's DataLoader looks like: it can be iterated again and again, and yields lists."""

    def __init__(self, *batch):
        self.batch = batch

    def __len__(self):
        return 3

    def __iter__(self):
        return iter([[*self.batch]] * 3)


def test_any_dataset_is_checked_by_its_first_batch(make_model, images):
    with pytest.raises(ValueError, match="0..255"):
        make_model().fit(Loader(images * 127 + 128))
    with pytest.raises(ValueError, match="it is empty"):
        make_model().fit(batch for batch in [])
    with pytest.raises(ValueError, match="0..255"):
        make_model().fit((batch,) for batch in [images * 127 + 128])


@pytest.mark.parametrize("batch_size", [0, 101])
def test_fit_refuses_an_invalid_batch_size(make_model, images, batch_size):
    with pytest.raises(ValueError, match=f"between 1 and the number of images, 100, not {batch_size}"):
        make_model().fit(images, batch_size=batch_size)


def test_images_without_a_negative_value_raise_a_warning_in_fit(make_model, images):
    with pytest.warns(UserWarning, match=r"images \* 2 - 1"):
        make_model().fit((images + 1) / 2, verbose=0)
    dataset = tf.data.Dataset.from_tensor_slices((images + 1) / 2).batch(10)
    with pytest.warns(UserWarning, match=r"images \* 2 - 1"):
        make_model().fit(dataset, verbose=0)


@pytest.mark.parametrize("run", ["evaluate", "train_on_batch", "test_on_batch"])
def test_images_without_a_negative_value_raise_a_warning(make_model, images, run):
    with pytest.warns(UserWarning, match="All images lie in"):
        getattr(make_model(), run)((images + 1) / 2)
    with pytest.warns(UserWarning, match="All images lie in"):
        make_model().fit(images, validation_data=(images + 1) / 2, verbose=0)


@pytest.mark.parametrize("run", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_sample_weights_are_refused(make_model, images, run):
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        getattr(make_model(), run)(images, sample_weight=np.ones(100))


@pytest.mark.parametrize("run", ["fit", "train_on_batch"])
def test_class_weights_are_refused(make_model, images, run):
    with pytest.raises(ValueError, match="class_weight is not supported"):
        getattr(make_model(num_classes=2), run)(images, np.arange(100) % 2, class_weight={0: 1.0, 1: 2.0})


def test_sample_weights_in_datasets_and_validation_data_are_refused(make_model, images):
    weighted = (images, np.zeros(100, int), np.ones(100))
    with pytest.raises(ValueError, match="sample weights"):
        make_model().fit(tf.data.Dataset.from_tensor_slices(weighted).batch(10))
    with pytest.raises(ValueError, match="sample_weight is not supported"):
        make_model().fit(images, validation_data=weighted)
