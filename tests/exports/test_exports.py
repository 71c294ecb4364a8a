"""Exported files, run by their own runtimes in processes without Keras."""

import importlib
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from commands import SCRIPTS
from conftest import BACKEND, only_on_tensorflow

import gan
from gan.exports.formats import FORMATS
from gan.exports.usage import USAGES, write_usage

BENCHMARKS = SCRIPTS / "benchmarks"
# A format that another backend writes, in a process of its own, which takes long: one such format is enough.
FOREIGN = {"tensorflow": "torch", "jax": "saved_model", "torch": "saved_model"}[BACKEND]


def randomize(network, largest=0.4):
    """Gives all weights values that matter."""
    rng = np.random.default_rng(0)
    for weight in network.weights:
        smallest = 0.3 if weight.path.endswith("variance") else -largest
        weight.assign(rng.uniform(smallest, largest, weight.shape))


def make_mlp(num_classes=None):
    generator = gan.build_generator(5, (8, 12), (6, 6, 1), num_classes)
    discriminator = gan.build_discriminator((6, 6, 1), (8,), num_classes=num_classes)
    model = gan.GAN(generator, discriminator, num_classes=num_classes, averaging=0.9)
    randomize(model.average)
    return model


def make_conv(clusters):
    sizes = {"image_shape": (12, 10, 3), "width": 4, "num_classes": clusters}
    networks = gan.build_conv_generator(latent_dim=8, **sizes), gan.build_conv_discriminator(**sizes)
    model = gan.GAN(*networks, clusters=clusters)
    # As small as those of the presets, which enlarges what backends round in another way. So do the weights.
    shares = np.random.default_rng(0).integers(1, 5, clusters)
    model.clusters.shares.assign(shares / shares.sum())
    randomize(model.generator, 0.6)
    return model


def make_residual(num_classes):
    sizes = {"image_shape": (16, 16, 1), "widths": (16, 8, 8), "num_classes": num_classes}
    networks = gan.build_residual_generator(latent_dim=6, **sizes), gan.build_residual_discriminator(**sizes)
    model = gan.GAN(*networks, num_classes=num_classes)
    randomize(model.generator)
    return model


MAKERS = {
    "clusters": lambda: make_conv(100),
    "mlp": make_mlp,
    "classes": lambda: make_mlp(3),
    "residual": lambda: make_residual(4),
}


def draw_inputs(model, count=100):
    inputs = {"latents": np.random.default_rng(0).normal(size=(count, model.latent_dim)).astype("float32")}
    if model.num_classes:
        inputs["labels"] = np.arange(count, dtype="int32") % model.num_classes
    return inputs


def run_exported(format, folder):
    command = [sys.executable, Path(__file__).with_name("run_exported.py"), BENCHMARKS, format, folder]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("format", [format for format in FORMATS if format != "html"])  # which test_page.py opens
def test_an_export_generates_what_the_model_does_without_keras(format, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    for module in filter(None, (FORMATS[format].package, importlib.import_module("runtimes").MODULES[format])):
        pytest.importorskip(module)
    is_own = FORMATS[format].backend == BACKEND
    if not is_own and format != FOREIGN:
        pytest.skip(f"written as {FOREIGN} is")
    names = list(MAKERS) if is_own else ["clusters"]
    expected = {}
    for name in names:
        model = MAKERS[name]()
        inputs = draw_inputs(model)
        np.savez(tmp_path / f"{name}.npz", **inputs)
        expected[name] = model.generate(**inputs, truncation=0.7)
        model.export(tmp_path / f"{name}{FORMATS[format].suffix}", format, truncation=0.7)
        assert np.std(expected[name], axis=0).max() > 0.01
    run_exported(format, tmp_path)
    for name, images in expected.items():
        for count in (1, 3, 100):
            exported = np.load(tmp_path / f"{name}-{count}.npy")
            assert exported.dtype == np.float32
            np.testing.assert_allclose(exported, images[:count], rtol=0, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("format", USAGES)
def test_the_code_of_a_model_card_runs_without_keras(format, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    for module in filter(None, (FORMATS[format].package, importlib.import_module("runtimes").MODULES[format])):
        pytest.importorskip(module)
    if FORMATS[format].backend != BACKEND:
        pytest.skip("its backend tests it")
    model, file = make_mlp(3), f"sampler{FORMATS[format].suffix}"
    model.export(tmp_path / file, format)
    code = write_usage(format, file, model.latent_dim, model.num_classes)
    code = f"import sys\nsys.modules['keras'] = None\n{code}\nnp.save('images.npy', images)"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    latents, labels = np.random.default_rng(0).normal(size=(16, 5)).astype("float32"), np.arange(16) % 3
    expected = model.generate(latents=latents, labels=labels)
    np.testing.assert_allclose(np.load(tmp_path / "images.npy"), expected, rtol=0, atol=1e-5)


@only_on_tensorflow("loads a SavedModel")
@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_networks_of_another_precision_are_exported_in_float32(set_dtype_policy, tmp_path, dtype):
    import tensorflow as tf

    single = make_residual(4)
    set_dtype_policy(dtype)
    model = make_residual(4)
    model.generator.set_weights(single.generator.get_weights())
    model.export(tmp_path / "sampler")
    assert model.generator.compute_dtype == keras.dtype_policies.get(dtype).compute_dtype  # the model stays as it is
    inputs = draw_inputs(model)
    program = tf.saved_model.load(tmp_path / "sampler").signatures["serving_default"]
    images = program(**{name: tf.constant(array) for name, array in inputs.items()})["images"]
    np.testing.assert_allclose(images, single.generate(**inputs), rtol=0, atol=1e-5)


@only_on_tensorflow("writes two SavedModels, which takes long from another backend")
def test_a_saved_model_is_replaced_and_nothing_else_is(make_model, tmp_path):
    model = make_model()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    for path in (tmp_path / "mine", tmp_path / "mine/notes.txt"):
        with pytest.raises(ValueError, match="is not a SavedModel, and is not replaced"):
            model.export(path)
    model.export(tmp_path / "sampler")
    (tmp_path / "sampler/old").touch()
    model.export(tmp_path / "sampler")
    assert not (tmp_path / "sampler/old").exists() and (tmp_path / "sampler/saved_model.pb").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "sampler"]
    assert (tmp_path / "mine/notes.txt").read_text() == "mine"


def test_what_cannot_be_exported_is_refused(make_model, tmp_path, monkeypatch):
    model = make_model()
    for sentence, arguments in {
        "format must be one of saved_model, onnx, litert, torch, html, not 'tflite'": ("sampler", "tflite"),
        "a file of the format litert must end in .tflite": ("sampler.onnx", "litert"),
        "truncation must be above 0 and at most 1, not 2": ("sampler", "saved_model", 2),
    }.items():
        with pytest.raises(ValueError, match=sentence):
            model.export(tmp_path / arguments[0], *arguments[1:])
    (tmp_path / "folder.tflite").mkdir()
    with pytest.raises(ValueError, match="is an existing folder, and the format litert is a file"):
        model.export(tmp_path / "folder.tflite", "litert")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"needs the extra 'onnx'. Run: pip install -e '.\[onnx\]'"):
        model.export(tmp_path / "sampler.onnx", "onnx")
    with pytest.raises(ValueError, match="the clusters are not known yet"):
        networks = (gan.build_generator(num_classes=3), gan.build_discriminator(num_classes=3))
        gan.GAN(*networks, clusters=3).export(tmp_path / "sampler")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.tflite"]


class Sharpening(keras.layers.Layer):
    """A layer that only this process knows, of an operation that LiteRT does not have."""

    def call(self, inputs):
        return keras.ops.erfinv(0.9 * inputs)

    def compute_output_shape(self, input_shape):
        return input_shape


@only_on_tensorflow("which has the operation and writes LiteRT")
@pytest.mark.parametrize("format", ["litert", "torch"])
def test_a_layer_that_a_format_does_not_know_is_named_in_one_line(format, tmp_path):
    pytest.importorskip(FORMATS[format].package or FORMATS[format].backend)
    generator = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(36), Sharpening(), keras.layers.Reshape((6, 6, 1))]
    )
    model = gan.GAN(generator, gan.build_discriminator((6, 6, 1), (8,)))
    path = tmp_path / f"sampler{FORMATS[format].suffix}"
    path.write_text("old")
    with pytest.raises(RuntimeError) as caught:
        model.export(path, format)
    assert {"litert": "the operation Erfinv", "torch": "with KERAS_BACKEND=torch."}[format] in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
