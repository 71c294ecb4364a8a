"""Saved files and weights files."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import IMAGE_SHAPE, all_metrics, assert_same_state, only_on_tensorflow, small_extractor
from keras import layers

import gan
from gan.schedules import Cosine

SAVED_BY_0_1_0 = Path(__file__).parent / "data/saved_by_0_1_0.keras"


@only_on_tensorflow("the file continues with the random numbers of TensorFlow; tests/engines loads it elsewhere")
def test_a_file_of_an_earlier_version_continues_as_it_would_have(images):
    """A conditional GAN with average, penalties, augmentation and alternating updates, saved after two epochs."""
    model = gan.load_model(SAVED_BY_0_1_0)
    latents = np.random.default_rng(1).normal(size=(3, 5)).astype("float32")
    with np.load(SAVED_BY_0_1_0.with_suffix(".npz")) as expected:
        generated = model.generate(latents=latents, labels=[0, 1, 2])
        np.testing.assert_allclose(generated, expected["images"], rtol=1e-4, atol=1e-5)
        dataset = tf.data.Dataset.from_tensor_slices((images, np.arange(100) % 3)).batch(16)
        model.fit(dataset, epochs=1, verbose=0)
        generated = model.generate(latents=latents, labels=[0, 1, 2])
        np.testing.assert_allclose(generated, expected["images_after_an_epoch"], rtol=1e-3, atol=1e-4)


def test_a_file_with_a_changed_byte_is_refused(make_model, tmp_path):
    path = tmp_path / "model.keras"
    make_model().save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match="model.keras cannot be loaded: .* is damaged"):
        gan.load_model(path)
    path.write_bytes(content[:1000])
    with pytest.raises(ValueError, match="model.keras cannot be loaded: it is damaged"):
        gan.load_model(path)


def test_loading_can_come_first(tmp_path, make_model):
    make_model().save(tmp_path / "model.keras")
    code = "import gan; gan.load_model('model.keras')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True)


def test_a_file_of_a_newer_version_is_refused(make_model, tmp_path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(gan, "__version__", "7.1.0")
        make_model().save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=f"saved by version 7.1.0 .*, and this is version {gan.__version__}: update"):
        gan.load_model(tmp_path / "model.keras")
    with monkeypatch.context() as newer:
        newer.setattr(gan, "__version__", "7.2.0")
        gan.load_model(tmp_path / "model.keras")


def test_only_a_keras_file_keeps_a_gan(make_model, tmp_path):
    for name in ("model.h5", "model"):
        with pytest.raises(ValueError, match="saved as a .keras file"):
            make_model().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_keras_saves_no_h5_file_of_a_gan_either(make_model, tmp_path):
    with pytest.raises(ValueError, match="saved as a .keras file"):
        keras.saving.save_model(make_model(), tmp_path / "model.h5")


def test_a_folder_keeps_a_gan(make_model, images, tmp_path):
    model = make_model()
    model.save(tmp_path / "model", zipped=False)
    loaded = keras.saving.load_model(tmp_path / "model")
    np.testing.assert_array_equal(loaded.generate(3, seed=0), model.generate(3, seed=0))


def test_weights_of_another_gan_are_refused_in_a_sentence(make_model, tmp_path):
    make_model().save_weights(tmp_path / "plain.weights.h5")
    with pytest.raises(ValueError, match=r"does not fit this GAN: .*averaging \(here 0.9\)"):
        make_model(averaging=0.9).load_weights(tmp_path / "plain.weights.h5")

    make_model(averaging=0.9).save_weights(tmp_path / "average.weights.h5")
    with pytest.raises(ValueError, match="its average would be lost. Build the GAN with averaging"):
        make_model().load_weights(tmp_path / "average.weights.h5")
    make_model().load_weights(tmp_path / "average.weights.h5", skip_mismatch=True)

    hidden = [layers.Flatten(), layers.Dense(12, "relu"), layers.Dropout(0.3), layers.Dense(8, "relu"), layers.Dense(1)]
    discriminator = keras.Sequential([keras.Input(IMAGE_SHAPE), *hidden])
    other = gan.GAN(gan.build_generator(5, (8, 12), IMAGE_SHAPE), discriminator)
    other.compile("adam", "adam")
    with pytest.raises(ValueError, match="does not fit this GAN: build it with the networks"):
        other.load_weights(tmp_path / "plain.weights.h5")


def test_generator_and_average_have_names_of_their_own(make_model, images, tmp_path, capsys):
    model = make_model(averaging=0.9)
    assert [layer.name for layer in model.layers] == ["generator", "discriminator", "generator_average"]
    paths = [weight.path for weight in model.weights]
    assert len(set(paths)) == len(paths)
    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)
    model.fit(images, verbose=0, callbacks=[board])

    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "train"), size_guidance={"tensors": 0})
    events.Reload()
    histograms = [tag for tag in events.Tags()["tensors"] if tag.endswith("histogram")]
    assert len(histograms) == len(model.weights)
    assert all(len(events.Tensors(tag)) == 1 for tag in histograms)


def test_a_saved_model_continues_in_a_new_process(make_model, images, make_dataset, tmp_path):
    never_stopped = make_model()
    never_stopped.fit(make_dataset(), epochs=2, verbose=0)
    never_stopped.save(tmp_path / "digits.keras")
    np.save(tmp_path / "images.npy", images)
    program = """
        import gan  # before Keras, and nothing of it is used
        import keras
        import numpy as np
        import tensorflow as tf

        model = keras.models.load_model("digits.keras")
        model.fit(tf.data.Dataset.from_tensor_slices(np.load("images.npy")).batch(16), epochs=2, verbose=0)
        model.save("more.keras")
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], cwd=tmp_path, check=True, capture_output=True)
    never_stopped.fit(make_dataset(), epochs=2, verbose=0)
    assert_same_state(never_stopped, keras.models.load_model(tmp_path / "more.keras"))


def test_save_and_load_keep_optimizers_schedules_and_loss(make_model, make_dataset, tmp_path):
    model = make_model()
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, decay_steps=7, decay_rate=0.5)
    model.compile(keras.optimizers.Adam(schedule), "rmsprop", loss=gan.losses.BinaryCrossentropy(0.1))
    model.fit(make_dataset(), epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert_same_state(model, loaded)
    assert isinstance(loaded.discriminator_optimizer, keras.optimizers.RMSprop)
    assert loaded.loss.label_smoothing == 0.1
    # 14 steps of a rate that halves every 7.
    assert float(loaded.generator_optimizer.learning_rate) == pytest.approx(1e-3 / 4)


def test_weights_files_keep_the_random_state(make_model, make_dataset, tmp_path):
    model, other = make_model(seed=1), make_model(seed=2)
    model.fit(make_dataset(), verbose=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same_state(model, other)


def test_a_model_with_all_options_continues_from_its_file(make_model, images, tmp_path):
    labels = np.arange(len(images)) % 3
    model = make_model(num_classes=3, averaging=Cosine(0.5, 0.9, steps=8))
    model.compile(
        gan.schedules.Adam(Cosine(1e-2, 1e-3, steps=8), beta_2=Cosine(0.9, 0.99, steps=8)),
        gan.schedules.Adam(Cosine(1e-2, 1e-3, steps=8), beta_2=Cosine(0.9, 0.99, steps=8)),
        discriminator_steps=2,
        augmentation=["translation"],
        regularizers=[gan.regularizers.R1(Cosine(2.0, 0.2, steps=8), interval=2)],
        loss="relativistic",
    )
    model.fit(images, labels, batch_size=20, epochs=1, verbose=0, shuffle=False)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert loaded.num_classes == 3 and loaded.averaging.end == 0.9 and loaded.discriminator_steps == 2
    for one in (model, loaded):
        one.fit(images, labels, batch_size=20, epochs=2, verbose=0, shuffle=False)
    assert_same_state(model, loaded)
    np.testing.assert_array_equal(model.generate(4, seed=0), loaded.generate(4, seed=0))
    # Without its optimizers too it is the average that generates.
    bare = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert bare.sampler is bare.average


def test_metrics_are_saved_with_their_extractor(make_model, images, tmp_path):
    extractor = small_extractor()
    extractor.set_weights([weight + 0.5 for weight in extractor.get_weights()])
    model = make_model(metrics=all_metrics(extractor))
    before = model.evaluate(images, verbose=0, return_dict=True)
    count = len(model.weights)
    model.save(tmp_path / "model.keras")
    loaded = gan.load_model(tmp_path / "model.keras")
    assert loaded.evaluate(images, verbose=0, return_dict=True) == before
    assert len(loaded.weights) == count
    assert len({id(metric.extractor) for metric in loaded.quality_metrics}) == 1
    loaded.save(tmp_path / "again.keras")
    assert gan.load_model(tmp_path / "again.keras").evaluate(images, verbose=0, return_dict=True) == before


def test_files_hold_no_named_extractors_and_no_features(tmp_path):
    sizes = []
    for metrics in (None, gan.metrics.all_metrics("digits", (28, 28, 1))):
        model = gan.GAN(gan.build_generator(5, (8,)), gan.build_discriminator(widths=(8,)))
        model.compile("sgd", "sgd", metrics=metrics)
        model.save(tmp_path / "model.keras")
        sizes.append((tmp_path / "model.keras").stat().st_size)
    assert gan.load_model(tmp_path / "model.keras").quality_metrics[0].extractor_name == "digits"
    assert sizes[1] < sizes[0] + 20_000


def test_load_model_explains_what_it_refuses(tmp_path, make_model):
    with pytest.raises(ValueError, match="there is no model file"):
        gan.load_model(tmp_path / "none.keras")
    make_model().save(tmp_path / "whole.keras")
    whole = (tmp_path / "whole.keras").read_bytes()
    for share in (0.0, 0.3, 0.99):
        (tmp_path / "cut.keras").write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(ValueError, match="damaged"):
            gan.load_model(tmp_path / "cut.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential"):
        gan.load_model(tmp_path / "other.keras")
    assert isinstance(gan.load_model(tmp_path / "whole.keras"), gan.GAN)
