import subprocess
import sys

import numpy as np
import pytest
from image_files import BYTES, encode_idx, encode_png, write_idx, write_npz, write_photos

import gan

PNG = encode_png(BYTES[0])


def test_reading_does_not_import_tensorflow():
    program = (
        "import sys, gan; gan.datasets.count_images('mnist5k'); assert not {'keras', 'tensorflow'} & {*sys.modules}"
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
        (tmp_path / f"{number}.png").write_bytes(encode_png(BYTES[number]))
    train, test = (gan.datasets.read(tmp_path, split=split)[0] for split in ("train", "test"))
    assert len(test) == 2 and sorted(train + test) == sorted(tmp_path.iterdir())
    assert gan.datasets.read(tmp_path, split="test")[0] == test
    for path in sorted(tmp_path.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ValueError, match="at least two images"):
        gan.datasets.read(tmp_path, split="train")


def test_arrays_are_not_resized(tmp_path):
    source = write_npz(tmp_path / "x.npz", x_train=BYTES)
    with pytest.raises(ValueError, match="x.npz holds images of 4x5x1, but image_shape is 8x8x1"):
        gan.datasets.read(source, image_shape=(8, 8, 1))


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 2), (0, 8, 1)])
def test_folder_of_images_becomes_gray_or_rgb_only(tmp_path, shape):
    with pytest.raises(ValueError, match=r"image_shape must be \(height, width, 1 or 3\)"):
        gan.datasets.read(write_photos(tmp_path / "photos"), image_shape=shape)


def test_count_images_of_a_folder_counts_what_it_skips(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.png").write_bytes(PNG)
    (tmp_path / "below").mkdir()
    for name in ("notes.txt", "below/picture.webp"):
        (tmp_path / name).write_text("not an image")
    assert gan.datasets.count_images(tmp_path, (8, 8, 3)) == (20, 2, 2)


def test_count_images_of_arrays_counts_published_test_images(tmp_path):
    counts = gan.datasets.count_images(write_npz(tmp_path / "x.npz", x_train=BYTES[:30], x_test=BYTES[30:]))
    assert counts == (50, 20, 0) and counts.found - counts.held_out == 30
    assert gan.datasets.count_images("mnist5k") == (5000, 500, 0)
    assert gan.datasets.count_images(write_npz(tmp_path / "one.npz", x_train=BYTES[:1])) == (1, 0, 0)


def test_count_classes(tmp_path):
    assert gan.datasets.count_classes(write_npz(tmp_path / "x.npz", x_train=BYTES, y_train=np.arange(50))) == 50
    negative = write_npz(tmp_path / "negative.npz", x_train=BYTES, y_train=np.arange(50) - 1)
    for source in (write_photos(tmp_path / "photos"), negative):
        with pytest.raises(ValueError, match="has no labels from 0 on"):
            gan.datasets.count_classes(source)
    ids = write_npz(tmp_path / "ids.npz", x_train=BYTES, y_train=np.arange(50) + 5_000_000_000)
    with pytest.raises(ValueError, match="has 50 images, but labels up to 5,000,000,049. Number its classes from 0"):
        gan.datasets.count_classes(ids)


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
        (lambda path: path, "holds no images"),
        (file("notes.txt", b"text"), "holds no images"),
        (file("notes.txt", b"text", source="notes.txt"), "notes.txt is not a source of images"),
        (file("cat.png", b"text"), "cat.png is not an image, or it is damaged"),
        (file("cat.png", PNG[:-30]), "cat.png is not an image, or it is damaged"),
        (file("cat.png", PNG.replace(b"PNG", b"PNX")), "cat.png is not an image, or it is damaged"),
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
