import gzip
import hashlib
import socket
import types

import keras
import numpy as np
import pytest
from image_files import BYTES, write_idx

import gan

MNIST_TRAIN_SIZES = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)
MNIST_TEST_SIZES = (980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)


def make_set(train_sizes, test_sizes):
    """Arrays with the shapes and labels of a published set."""
    arrays = {}
    for split, sizes in (("train", train_sizes), ("test", test_sizes)):
        labels = np.random.default_rng(0).permutation(np.repeat(np.arange(10, dtype="uint8"), sizes))
        images = np.zeros((len(labels), 28, 28), "uint8")
        images[:, 0, 0] = labels
        arrays |= {f"x_{split}": images, f"y_{split}": labels}
    return arrays


MNIST = make_set(MNIST_TRAIN_SIZES, MNIST_TEST_SIZES)
FASHION = make_set([6000] * 10, [1000] * 10)
SETS = {"mnist": MNIST, "fashion_mnist": FASHION}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The empty folder of data sets of this test."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras/datasets").mkdir(parents=True)
    return tmp_path / "keras/datasets"


@pytest.fixture(autouse=True)
def downloads(monkeypatch):
    """Replaces the downloads of Keras: they return `results` or fail, and append the timeout to `timeouts`."""

    downloads = types.SimpleNamespace(results={}, timeouts=[])

    def download(name):
        downloads.timeouts.append(socket.getdefaulttimeout())
        result = downloads.results.get(name, Exception("URL fetch failure"))
        if isinstance(result, Exception):
            raise result
        return (result, np.zeros(len(result), "uint8")), (result[:2], np.zeros(2, "uint8"))

    for name in SETS:
        monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda name=name: download(name))
    return downloads


def content_of(folder):
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.name: hashlib.sha256(path.read_bytes()).digest() for path in files}


def check_local(name, folder, downloads):
    before = content_of(folder)
    images, labels = gan.datasets.read(name)
    np.testing.assert_array_equal(images[..., 0], SETS[name]["x_train"])
    np.testing.assert_array_equal(labels, SETS[name]["y_train"])
    assert len(gan.datasets.read(name, split="test")[0]) == 10_000
    assert content_of(folder) == before and not downloads.timeouts


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_local_npz_is_used_whatever_its_compression(folder, downloads, save):
    save(folder / "mnist.npz", **MNIST)
    check_local("mnist", folder, downloads)
    assert gan.datasets.resolve("auto") == "mnist"


@pytest.mark.parametrize(
    ("name", "place"),
    [("mnist", "mnist"), ("fashion_mnist", "fashion_mnist"), ("fashion_mnist", "fashion-mnist")],
)
def test_a_local_folder_of_idx_files_is_used(folder, downloads, name, place):
    write_idx(folder / place, **SETS[name])
    images = folder / place / "train-images-idx3-ubyte"
    images.with_suffix(".gz").write_bytes(gzip.compress(images.read_bytes(), compresslevel=1))
    images.unlink()
    check_local(name, folder, downloads)


def test_a_local_copy_is_found_in_the_home_folder(tmp_path, monkeypatch, downloads):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras/datasets").mkdir(parents=True)
    np.savez(tmp_path / ".keras/datasets/fashion_mnist.npz", **FASHION)
    check_local("fashion_mnist", tmp_path / ".keras", downloads)


def write_cut(folder):
    np.savez_compressed(folder / "mnist.npz", **MNIST)
    (folder / "mnist.npz").write_bytes((folder / "mnist.npz").read_bytes()[:-5000])
    return "mnist.npz is damaged or not an .npz file"


def write_fashion_for_mnist(folder):
    write_idx(folder / "mnist", **FASHION)
    return "mnist is not MNIST: it must hold 60,000 training and 10,000 test images of 28x28"


def write_changed(change):
    """Writes arrays like those of MNIST, except for some change."""

    def write(folder):
        np.savez(folder / "mnist.npz", **change(MNIST))
        return "mnist.npz is not MNIST"

    return write


@pytest.mark.parametrize(
    "write",
    [
        write_cut,
        write_fashion_for_mnist,
        write_changed(lambda arrays: {name: arrays[name] for name in ("x_train", "y_train")}),
        write_changed(lambda arrays: {name: arrays[name] for name in ("x_train", "x_test")}),
        write_changed(lambda arrays: {name: array[::2] for name, array in arrays.items()}),
        write_changed(lambda arrays: {name: array[:, :8] for name, array in arrays.items() if array.ndim == 3}),
        write_changed(lambda arrays: {**arrays, "y_train": (arrays["y_train"] + 1) % 10}),
    ],
)
def test_a_local_file_that_is_not_mnist_is_refused_and_kept(folder, downloads, write):
    sentence = write(folder)
    before = content_of(folder)
    for source in ("mnist", "auto", "stacked_mnist"):
        with pytest.raises(ValueError, match=sentence) as error:
            gan.datasets.read(source)
        assert str(error.value).endswith("Replace it, or remove it to download MNIST.")
        assert str(folder) in str(error.value) and len(str(error.value).splitlines()) == 1
    assert content_of(folder) == before and not downloads.timeouts


def test_keras_completes_a_folder_that_it_has_begun(folder, downloads):
    write_idx(folder / "fashion-mnist", x_train=FASHION["x_train"])
    downloads.results["fashion_mnist"] = BYTES
    np.testing.assert_array_equal(gan.datasets.read("fashion_mnist")[0][..., 0], BYTES)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_downloads_have_a_timeout(downloads, request, name):
    request.addfinalizer(lambda: socket.setdefaulttimeout(None))
    socket.setdefaulttimeout(77)
    downloads.results[name] = BYTES
    np.testing.assert_array_equal(gan.datasets.read(name)[0][..., 0], BYTES)
    assert 1 <= downloads.timeouts[0] <= 10
    assert socket.getdefaulttimeout() == 77


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_a_failed_download_says_where_to_put_a_copy(folder, name):
    with pytest.raises(ValueError, match=f"{name} could not be downloaded .URL fetch failure") as error:
        gan.datasets.read(name)
    assert f"put {name}.npz, or a folder {name} with the IDX files of" in str(error.value)
    assert f"into {folder}" in str(error.value)


def test_auto_is_mnist_if_it_can_be_downloaded(downloads, capsys):
    downloads.results["mnist"] = BYTES
    np.testing.assert_array_equal(gan.datasets.read("auto")[0][..., 0], BYTES)
    assert capsys.readouterr().err == ""


def test_auto_falls_back_to_mnist5k_and_says_so(capsys):
    assert gan.datasets.read("auto")[0].shape == (5000, 28, 28, 1)
    (line,) = capsys.readouterr().err.splitlines()
    assert "Using mnist5k, with only 5,000 digits" in line and "put mnist.npz" in line
