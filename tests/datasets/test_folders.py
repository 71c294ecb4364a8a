import os
from pathlib import Path

import keras
import numpy as np
import pytest
from image_files import BYTES, encode_png, write_photos
from PIL import Image

import gan
from gan.datasets import folders

WHITE = (255, 255, 255)


def write(folder, *names):
    for name, image in zip(names, BYTES, strict=False):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode_png(image))
    return folder


def test_visible_files_of_all_subfolders_are_listed(tmp_path):
    names = ["b.png", "a/c d.png", "a/\N{SNOWMAN}.png", "a/new\nline.png", "x.jpg/in a folder with a suffix.png"]
    write(tmp_path, *names, ".hidden.png", "a/._b.png", ".thumbnails/b.png", "__MACOSX/b.png")
    assert folders.list_files(tmp_path).paths == sorted(names) and folders.list_files(tmp_path).hidden == 4
    assert gan.datasets.open_source(tmp_path).image_count == 5


def test_a_name_that_is_no_unicode_is_fine(tmp_path):
    with open(os.fsencode(tmp_path) + b"/\xff.png", "wb") as file:
        file.write(encode_png(BYTES[0]))
    assert gan.datasets.open_source(tmp_path, (4, 5, 1)).image_count == 1


def test_a_time_beyond_64_bits_is_fine(tmp_path):
    write(tmp_path, "a.png")
    before = folders.list_files(tmp_path).stamps
    os.utime(tmp_path / "a.png", (10**10, 10**10))
    assert (folders.list_files(tmp_path).stamps[0] != before[0]).tolist() == [False, True, True]


def test_linked_folders_are_followed_but_not_in_a_circle(tmp_path):
    elsewhere = write(tmp_path / "elsewhere", "a.png")
    photos = write(tmp_path / "photos", "below/b.png")
    (photos / "link").symlink_to(elsewhere)
    (photos / "below/up").symlink_to(photos)
    (photos / "broken.png").symlink_to(tmp_path / "nowhere")
    (photos / "c.png").symlink_to(elsewhere / "a.png")
    assert folders.list_files(photos).paths == ["below/b.png", "c.png", "link/a.png"]


@pytest.mark.parametrize("count", [2, 3])
def test_classes_are_those_of_keras(tmp_path, count):
    names = ["cat/1.png", "Dog/2.png", "cat/young/0.png", "zebra/1.png"]
    write(tmp_path, *names[: count + 1])
    theirs = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(4, 5), color_mode="grayscale", shuffle=False, batch_size=None, verbose=0
    )
    images, labels = gan.datasets.read(tmp_path, (4, 5, 1))
    assert gan.datasets.open_source(tmp_path, (4, 5, 1)).class_names == theirs.class_names
    pairs = {(bytes(image), int(label)) for image, label in zip(images, labels, strict=True)}
    assert pairs == {(bytes(image.numpy().astype("uint8")), int(label)) for image, label in theirs}


@pytest.mark.parametrize("names", [["a.png", "b.png"], ["all/a.png", "all/b.png"], ["a.png", "x/b.png", "y/c.png"]])
def test_other_folders_have_no_classes(tmp_path, names):
    images = gan.datasets.open_source(write(tmp_path, *names))
    assert images.class_names is None and not images.has_labels


def test_a_picture_beside_the_subfolders_is_named(tmp_path):
    images = gan.datasets.open_source(write(tmp_path, "cat/1.png", "dog/1.png", "new\nline.png"))
    assert "  no classes, because 'new\\nline.png' lies beside the subfolders" in images.describe_pictures()
    with pytest.raises(ValueError, match="has no labels.* lies beside the subfolders: put all pictures into subf"):
        images.check_labels()


def test_a_subfolder_without_pictures_is_no_class(tmp_path):
    write(tmp_path, "cat/1.png", "dog/2.png", "__MACOSX/cat/._1.png")
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/read me.txt").write_text("text")
    assert gan.datasets.open_source(tmp_path).class_names == ["cat", "dog"]


@pytest.mark.parametrize(
    ("sizes", "mode", "shape"),
    [
        ([(28, 28)], "L", (28, 28, 1)),
        ([(64, 64)], "RGB", (64, 64, 3)),
        ([(3000, 2000)], "RGB", (64, 64, 3)),
        ([(50, 90), (51, 33), (300, 400)], "L", (48, 48, 1)),
        ([(3, 3)], "L", (8, 8, 1)),
    ],
)
def test_a_shape_is_chosen_from_the_pictures(tmp_path, sizes, mode, shape):
    for number, size in enumerate(sizes):
        color = (200, 40, 90) if mode == "RGB" else 90
        # Gray pictures are often stored in color.
        Image.new(mode, size, color).convert("RGB").save(tmp_path / f"{number}.jpg")
    (tmp_path / "notes.txt").write_text("text")
    assert gan.datasets.open_source(tmp_path).image_shape == shape
    assert gan.datasets.open_source(tmp_path, (6, 6, 3)).image_shape == (6, 6, 3)


def test_one_picture_in_color_makes_a_folder_colorful(tmp_path):
    write(tmp_path, "a.png", "b.png")
    Image.new("RGBA", (8, 8), (0, 90, 0, 120)).save(tmp_path / "green.png")
    assert folders.suggest_shape(tmp_path, ["a.png", "b.png"], WHITE) == (8, 8, 1)
    assert folders.suggest_shape(tmp_path, ["a.png", "b.png", "green.png"], WHITE) == (8, 8, 3)


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    photos = write_photos(tmp_path / "photos")
    scandir = os.scandir

    def deny(path):
        if Path(path).name == "below":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(ValueError, match="photos/below cannot be read .Permission denied.."):
        gan.datasets.open_source(photos)


def test_labels_follow_the_pictures_that_are_read(tmp_path):
    write(tmp_path, "a/1.png", "a/2.png", "b/1.png", "c/1.png")
    (tmp_path / "a/0.png").write_text("damaged")
    (tmp_path / "b/notes.txt").write_text("no picture")
    images = gan.datasets.open_source(tmp_path, skip_damaged=True)
    assert images.split(None).labels.tolist() == [0, 0, 1, 2] and images.class_names == ["a", "b", "c"]
    assert np.bincount(images.split(None).labels).sum() == images.image_count
