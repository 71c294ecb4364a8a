"""Metrics from `evaluate` and validation."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, JIT_COMPILE, all_metrics, evaluation_latents, outputs_of, small_extractor

import gan

FIGURES = {"fid", "kid", "precision", "recall", "density", "coverage", "modes", "mode_kl"}


def test_evaluate_and_fit_return_metrics(make_model, make_dataset, images):
    model = make_model(metrics=all_metrics())
    history = model.fit(make_dataset(), epochs=4, validation_data=images, validation_freq=2, verbose=0).history
    validated = {f"val_{name}" for name in FIGURES}
    assert validated <= set(history) and not FIGURES & set(history)
    assert all(len(history[name]) == 2 and np.isfinite(history[name]).all() for name in validated)
    figures = model.evaluate(images, verbose=0, return_dict=True)
    assert set(figures) == FIGURES | {"loss", "g_loss", "d_loss", "real_accuracy", "fake_accuracy"}
    assert figures["fid"] == pytest.approx(history["val_fid"][-1], rel=1e-6)
    assert figures == model.evaluate(images, verbose=0, return_dict=True)
    listed = model.evaluate(images, verbose=0)
    assert sorted(listed) == sorted(figures.values())
    names = [name for name in model.metrics_names if name in figures]
    assert [figures[name] for name in names] == listed[: len(names)]


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_metrics_measure_the_images_of_the_seed(make_model, make_dataset, images, jit_compile):
    """As many images as there are real ones, of the latents that the seed says."""
    model = make_model(seed=5, metrics=all_metrics(), jit_compile=jit_compile)
    figures = model.evaluate(make_dataset(), verbose=0, return_dict=True)
    fakes = outputs_of(model.generator, evaluation_latents(5, len(images), jit_compile))
    metrics = all_metrics()
    for metric in metrics:
        metric.update_state(images, fakes)
    for name, value in gan.metrics.figures_of(metrics).items():
        assert figures[name] == pytest.approx(value, rel=1e-3, abs=1e-9), name


def test_real_features_are_computed_once_a_fit(make_model, make_dataset, images):
    """The validation images are darker in every pass over them, and those of the first validation count."""
    metrics = all_metrics()
    results, passes = [], []
    compare = metrics[0].compare
    metrics[0].compare = lambda real, fake: results.append(None) or compare(real, fake)
    model = make_model(metrics=metrics)

    def batches():
        passes.append(None)
        yield from np.split(images * 0.9 ** len(passes), 5)

    def real_mean(epochs):
        passes.clear()
        signature = tf.TensorSpec((None, *IMAGE_SHAPE), "float32")
        validation = tf.data.Dataset.from_generator(batches, output_signature=signature)
        model.fit(make_dataset(), epochs=epochs, validation_data=validation, verbose=0)
        return metrics[0].real.result()[0]

    first = real_mean(epochs=1)
    assert np.abs(first).max() > 0.01 and len(results) == 1
    np.testing.assert_array_equal(real_mean(epochs=3), first)
    assert len(results) == 4 and len(passes) >= 4

    others = images[::-2] * 0.5
    second = model.fit(make_dataset(), validation_data=(others,), verbose=0).history
    assert second["val_fid"][0] == pytest.approx(model.evaluate(others, verbose=0, return_dict=True)["fid"])


def test_evaluating_other_images_between_epochs_changes_no_validation(make_model, make_dataset, images):
    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.evaluate(images[:30] * 0.1, verbose=0)

    histories = []
    for callbacks in ([], [Look()]):
        keras.utils.set_random_seed(0)
        model = make_model(metrics=all_metrics())
        histories.append(
            model.fit(make_dataset(), epochs=3, validation_data=make_dataset(), callbacks=callbacks, verbose=0).history
        )
    assert histories[0] == histories[1]


def test_evaluating_within_an_epoch_changes_no_logs(make_model, images):
    def run(callbacks):
        keras.utils.set_random_seed(0)
        model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor())])
        options = {"validation_data": images, "epochs": 2, "batch_size": 20, "verbose": 0}
        return model.fit(images, callbacks=callbacks(model), **options).history

    def looking(model):
        def evaluate(batch, logs):
            if batch == 2:
                model.evaluate(images[:30], verbose=0)

        return [keras.callbacks.LambdaCallback(on_train_batch_end=evaluate)]

    expected, history = run(lambda model: []), run(looking)
    for name, values in expected.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("batch_size", [7, 16, 64, 100])
def test_fid_does_not_depend_on_the_batch_size(make_model, images, batch_size):
    model = make_model(metrics=[gan.metrics.FrechetDistance(small_extractor())])
    whole = model.evaluate(images, batch_size=100, verbose=0, return_dict=True)
    cut = model.evaluate(images, batch_size=batch_size, verbose=0, return_dict=True)
    for name, value in whole.items():
        assert cut[name] == pytest.approx(value, rel=1e-4), name


def test_evaluate_prints_metrics(make_model, images, capsys):
    make_model(metrics=all_metrics()).evaluate(images, verbose=2)
    assert "fid: " in capsys.readouterr().out


def test_metrics_of_a_diverged_generator_raise(make_model, images):
    model = make_model(metrics=all_metrics())
    model.generator.set_weights([np.full_like(weight, np.nan) for weight in model.generator.get_weights()])
    with pytest.raises(FloatingPointError, match="fid has no result: the features of the generated images"):
        model.evaluate(images, verbose=0)


def test_metrics_of_a_collapsed_generator_are_finite(make_model, images):
    model = make_model(metrics=all_metrics())
    model.generator.set_weights([np.zeros_like(weight) for weight in model.generator.get_weights()])
    figures = model.evaluate(images, verbose=0, return_dict=True)
    assert all(np.isfinite(value) for value in figures.values())
    assert figures["recall"] == 0 and figures["modes"] == 1
