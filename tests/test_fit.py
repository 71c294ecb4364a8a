"""Training through `fit`: logs, repeatability, ways of execution, and kinds of data."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import BACKEND, IMAGE_SHAPE, assert_same_state, small_extractor
from keras import layers

import gan


def test_fit_logs_losses_and_accuracies(make_model, make_dataset):
    history = make_model().fit(make_dataset(), validation_data=make_dataset(), epochs=2, verbose=0).history
    names = {"loss", "g_loss", "d_loss", "real_accuracy", "fake_accuracy"}
    assert set(history) == names | {f"val_{name}" for name in names}
    assert all(len(values) == 2 for values in history.values())


def test_a_seed_repeats_a_run_and_another_does_not(make_model, make_dataset):
    def run(seed):
        keras.utils.set_random_seed(seed)
        model = make_model(seed=seed)
        model.fit(make_dataset(), epochs=2, verbose=0)
        return model

    assert_same_state(run(1), run(1))
    assert not np.array_equal(run(1).generate(4, seed=0), run(2).generate(4, seed=0))


@pytest.mark.parametrize("kind", ["dataset", "arrays"])
def test_looking_does_not_change_training(make_model, make_dataset, images, tmp_path, kind):
    data = make_dataset() if kind == "dataset" else images
    metrics = [gan.metrics.FrechetDistance(small_extractor())]

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(images[:30], verbose=0)
            self.model.generate(3)

    def train(**kwargs):
        keras.utils.set_random_seed(0)
        model = make_model(metrics=metrics)
        model.fit(data, batch_size=None if kind == "dataset" else 16, epochs=3, verbose=0, **kwargs)
        return model

    plain, watched = train(), train(validation_data=data, callbacks=[gan.ImageGrid(tmp_path), Look()])
    watched.generate(3)
    watched.evaluate(data, verbose=0)
    watched.evaluation_noise.state.assign(plain.evaluation_noise.state)
    assert_same_state(plain, watched)


def test_an_epoch_sees_the_pass_of_its_number(make_model, tmp_path):
    np.savez(tmp_path / "data.npz", x_train=np.random.default_rng(0).integers(0, 256, (50, *IMAGE_SHAPE), "uint8"))

    def fit(dataset, stops, **kwargs):
        keras.utils.set_random_seed(0)
        model = make_model()
        for initial_epoch, epochs in zip([0, *stops], stops, strict=False):
            model.fit(dataset, initial_epoch=initial_epoch, epochs=epochs, verbose=0, **kwargs)
        return model

    dataset = gan.datasets.load(tmp_path / "data.npz", batch_size=16)
    whole = fit(dataset, [4])
    next(iter(dataset))
    assert_same_state(whole, fit(dataset, [1, 2, 4]))
    watched = fit(dataset, [4], validation_data=dataset, callbacks=[gan.ImageGrid(tmp_path)])
    watched.evaluation_noise.state.assign(whole.evaluation_noise.state)
    assert_same_state(whole, watched)


SEVERAL_STEPS = pytest.param(
    {"steps_per_execution": 3},
    marks=pytest.mark.skipif(BACKEND == "torch", reason="Keras runs one step an execution on PyTorch"),
)


@pytest.mark.parametrize("arguments", [SEVERAL_STEPS, {"run_eagerly": True}])
def test_ways_of_execution_agree(make_model, make_dataset, arguments):
    initial = make_model()
    models = [keras.models.clone_model(initial) for _ in range(2)]
    for model, options in zip(models, ({}, arguments), strict=True):
        model.set_weights(initial.get_weights())
        for layer in model.discriminator.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.seed_generator.state.assign([7, 0])
        model.compile("sgd", "sgd", **options)
        model.fit(make_dataset(), epochs=2, verbose=0)
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batches", [(), (0,), (40, 0, 60, 0)])
def test_empty_batches_are_skipped(make_model, images, batches):
    """Empty batches anywhere change nothing: not the weights, not the logs, not the next epoch."""

    def run(sizes):
        keras.utils.set_random_seed(0)
        model = make_model()
        ends = np.cumsum(sizes)
        parts = [images[end - size : end] for size, end in zip(sizes, ends, strict=True)]
        dataset = tf.data.Dataset.from_generator(
            lambda: iter(parts), output_signature=tf.TensorSpec((None, *IMAGE_SHAPE), "float32")
        )
        full = dataset.apply(tf.data.experimental.assert_cardinality(len(parts)))
        history = model.fit(full, epochs=2, validation_data=full, verbose=0).history
        return history, model.get_weights()

    history, weights = run((40, 60, *batches)) if sum(batches) == 0 else run(batches)
    expected_history, expected_weights = run((40, 60))
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5)
    for one, other in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


class Batches(keras.utils.PyDataset):
    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@pytest.mark.parametrize("kind", ["tf.data", "PyDataset", "generator"])
def test_an_empty_first_batch_is_skipped(make_model, images, kind):
    batches = [(images[:0],), (images[:40],), (images[40:],)]
    data = {
        "tf.data": lambda: tf.data.Dataset.from_generator(
            lambda: iter(batches), output_signature=(tf.TensorSpec((None, *IMAGE_SHAPE), "float32"),)
        ),
        "PyDataset": lambda: Batches(batches),
        "generator": lambda: (batch for batch in batches),
    }[kind]()
    history = make_model().fit(data, steps_per_epoch=3, shuffle=False, verbose=0).history
    assert np.isfinite(history["g_loss"]).all()


@pytest.mark.parametrize("kind", ["dataset", "generator", "pydataset"])
def test_float64_images_train_with_penalties(make_model, images, kind):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, index):
            return (images[20 * index : 20 * index + 20].astype("float64"),)

    data = {
        "dataset": lambda: tf.data.Dataset.from_tensor_slices(images.astype("float64")).batch(20),
        "generator": lambda: (Batches()[index] for index in range(5)),
        "pydataset": Batches,
    }
    regularizers = [gan.regularizers.R1(1, 2), gan.regularizers.R2(1), gan.regularizers.GradientPenalty(1)]
    model = make_model(regularizers=regularizers, augmentation=["translation"])
    assert np.isfinite(model.fit(data[kind](), verbose=0).history["loss"]).all()


def test_a_nan_in_a_later_batch_is_logged(make_model, images):
    """The networks' ReLUs may hide it from the losses, but not from the weights."""
    spoilt = images.copy()
    spoilt[50] = np.nan
    dataset = tf.data.Dataset.from_tensor_slices(spoilt).batch(20)
    history = make_model().fit(dataset, epochs=3, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()]).history
    assert len(history["loss"]) <= 1


def test_a_generator_loses_no_batch(make_model, images):
    seen = []

    def batches():
        for start in range(0, 100, 20):
            seen.append(start)
            yield (images[start : start + 20],)

    models = [make_model(), make_model()]
    models[1].set_weights(models[0].get_weights())
    for model, data in zip(models, (batches(), tf.data.Dataset.from_tensor_slices(images).batch(20)), strict=True):
        for layer in model.discriminator.layers:
            if isinstance(layer, layers.Dropout):
                layer.rate = 0
        model.fit(data, verbose=0)
    assert seen == [0, 20, 40, 60, 80]
    for one, other in zip(models[0].get_weights(), models[1].get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_fit_takes_a_dataloader_of_torch(make_model, images):
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(torch.from_numpy(images))
    history = make_model().fit(torch.utils.data.DataLoader(dataset, batch_size=20), verbose=0).history
    assert np.isfinite(history["loss"]).all()
