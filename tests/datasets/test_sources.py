import subprocess
import sys

import numpy as np
import pytest
from image_files import BYTES, encode_idx, encode_png, write_idx, write_npz, write_photos

import gan

PNG = encode_png(BYTES[0])


def test_reading_does_not_import_tensorflow():
    program = (
        "import sys, gan; gan.datasets.open_source('mnist5k'); assert not {'keras', 'tensorflow'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_published_test_images_are_the_test_split(tmp_path):
    arrays = {"x_train": BYTES[:30], "y_train": np.arange(30), "x_test": BYTES[30:], "y_test": np.arange(20)}
    npz, folder = write_npz(tmp_path / "x.npz", **arrays), write_idx(tmp_path / "idx", **arrays)
    for source in (npz, folder):
        for split, expected in ((None, BYTES[:30]), ("train", BYTES[:30]), ("test", BYTES[30:])):
            images, labels = gan.datasets.read(source, split=split)
            np.testing.assert_array_equal(images[..., 0], expected)
            np.testing.assert_array_equal(labels, np.arange(len(expected)))
    with pytest.raises(ValueError, match="split must be 'train', 'test' or None, not 'validation'"):
        gan.datasets.read(npz, split="validation")


def test_a_tenth_of_each_class_of_mnist5k_is_held_out():
    images, labels = gan.datasets.read("mnist5k")
    splits = {split: gan.datasets.read("mnist5k", split=split) for split in ("train", "test")}
    assert np.bincount(splits["train"][1]).tolist() == [450] * 10
    assert np.bincount(splits["test"][1]).tolist() == [50] * 10
    label_of = dict(zip(map(bytes, images), labels, strict=True))
    assert all(label_of[bytes(image)] == label for pair in splits.values() for image, label in zip(*pair, strict=True))
    assert not set(map(bytes, splits["train"][0])) & set(map(bytes, splits["test"][0]))


def test_the_same_tenth_of_a_folder_is_held_out_every_time(tmp_path):
    for number in range(20):
        (tmp_path / f"{number:02}.png").write_bytes(encode_png(BYTES[number]))
    train, test = (gan.datasets.read(tmp_path, (4, 5, 1), split)[0] for split in ("train", "test"))
    everything = sorted(map(bytes, [*train, *test]))
    assert len(test) == 2 and everything == sorted(map(bytes, BYTES[:20]))
    np.testing.assert_array_equal(gan.datasets.read(tmp_path, (4, 5, 1), "test")[0], test)
    for path in sorted(tmp_path.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ValueError, match="at least two images"):
        gan.datasets.read(tmp_path, split="train")


def test_arrays_are_not_resized(tmp_path):
    source = write_npz(tmp_path / "x.npz", x_train=BYTES)
    with pytest.raises(ValueError, match="x.npz holds images of 4x5x1, but image_shape is 8x8x1"):
        gan.datasets.read(source, image_shape=(8, 8, 1))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 2), (0, 8, 1), (8, 8, 4), (8.0, 8, 3), ("8", 8, 3), 64])
def test_folder_of_images_becomes_gray_or_rgb_only(tmp_path, shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width, 1 or 3\)"):
        gan.datasets.read(write_photos(tmp_path / "photos"), image_shape=shape)


def test_images_are_counted(tmp_path):
    def counts(**arrays):
        images = gan.datasets.open_source(write_npz(tmp_path / "x.npz", **arrays))
        return images.image_count, images.held_out_count

    assert counts(x_train=BYTES[:30], x_test=BYTES[30:]) == (50, 20)
    assert counts(x_train=BYTES[:1]) == (1, 0)
    mnist5k = gan.datasets.open_source("mnist5k")
    assert (mnist5k.image_count, mnist5k.held_out_count) == (5000, 500)


def test_classes_are_counted(tmp_path):
    def count(labels):
        return gan.datasets.open_source(write_npz(tmp_path / "x.npz", x_train=BYTES, y_train=labels)).num_classes

    assert count(np.arange(50)) == 50
    with pytest.raises(ValueError, match="has no labels that count from 0. Use an .npz file with y_train"):
        count(np.arange(50) - 1)
    with pytest.raises(ValueError, match="has 50 images, but labels up to 5,000,000,049. Number its classes from 0"):
        count(np.arange(50) + 5_000_000_000)
    with pytest.raises(
        ValueError, match="no labels that count from 0. Put all pictures into subfolders, one for each of at"
    ):
        gan.datasets.open_source(write_photos(tmp_path / "photos")).num_classes  # noqa: B018


def test_an_open_source_has_one_shape(tmp_path):
    photos = gan.datasets.open_source(write_photos(tmp_path / "photos"), (8, 8, 3))
    assert gan.datasets.read(photos)[0].shape == gan.datasets.read(photos, (8, 8, 3))[0].shape == (3, 8, 8, 3)
    with pytest.raises(ValueError, match="photos was opened with an image_shape of 8x8x3, not 4x4x3"):
        gan.datasets.read(photos, (4, 4, 3))


def write_cut_npz(path):
    write_npz(path / "x.npz", x_train=BYTES)
    (path / "x.npz").write_bytes((path / "x.npz").read_bytes()[:700])
    return path / "x.npz"


def write_npy(path):
    np.save(path / "x.npy", BYTES)
    return (path / "x.npy").rename(path / "x.npz")


def npz(**arrays):
    return lambda path: write_npz(path / "x.npz", **arrays)


def file(name, content, source="."):
    def write(path):
        (path / name).write_bytes(content)
        return path / source

    return write


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path / "nowhere", "there is no file or folder .*nowhere.*auto, mnist, fashion_mnist, mnist5k"),
        (lambda path: path, "holds no pictures"),
        (file("notes.txt", b"text"), "holds no pictures"),
        (file("notes.txt", b"text", source="notes.txt"), "notes.txt is not a source of images"),
        (file("cat.png", b"text"), "holds 1 picture that cannot be read, and no others: cat.png .not a"),
        (file("cat.png", PNG[:-30]), "cat.png .Truncated File Read"),
        (file("cat.png", PNG.replace(b"PNG", b"PNX")), "cat.png .not a picture"),
        (write_cut_npz, "x.npz is damaged or not an .npz file"),
        (write_npy, "x.npz is damaged or not an .npz file"),
        (file("x.npz", b"text", source="x.npz"), "x.npz is damaged or not an .npz file"),
        (npz(), "must hold an array x_train. It holds no array"),
        (npz(images=BYTES), "must hold an array x_train. It holds images"),
        (npz(x_train=BYTES / 255.0), "training images as bytes .uint8. from 0 to 255, not as float64"),
        (npz(x_train=BYTES, x_test=BYTES / 255.0), "test images as bytes"),
        (npz(x_train=BYTES, y_train=np.arange(49)), "label of each training image. It holds 50 images and 49 labels"),
        (npz(x_train=BYTES, y_train=np.ones(50)), "It holds 50 images and 50 labels of float64"),
        (npz(x_train=BYTES[:1], y_train=np.ones(1)), "It holds 1 image and 1 label of float64"),
        (npz(x_train=BYTES[0]), r"must hold images .* not \(4, 5\)"),
        (npz(x_train=BYTES[:, :0]), r"must hold images .* not \(50, 0, 5, 1\)"),
        (npz(x_train=np.zeros((5, 4, 4, 2), "uint8")), r"1 or 3\), not \(5, 4, 4, 2\)"),
        (file("train-images-idx3-ubyte", encode_idx(BYTES)[:-7]), "damaged: .* 50x4x5 bytes, but 993 follow"),
        (file("train-images-idx3-ubyte", encode_idx(BYTES)[:9]), "not an IDX file of images"),
        (file("train-images-idx3-ubyte", encode_idx(BYTES[:0])), r"not \(0, 4, 5, 1\)"),
        (file("train-images-idx3-ubyte", b"text"), "not an IDX file of images"),
        (file("train-images-idx3-ubyte.gz", b"text"), "idx3-ubyte.gz cannot be read"),
    ],
)
def test_a_source_that_cannot_be_read_is_refused_in_one_line(tmp_path, make, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        gan.datasets.read(make(tmp_path))
    assert len(str(error.value).splitlines()) == 1
