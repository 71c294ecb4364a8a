import os

import numpy as np
import pytest
from image_files import BYTES, write_idx, write_npz, write_photos

import gan


def fingerprint(source, image_shape=None):
    return gan.datasets.open_source(source, image_shape).fingerprint


ARRAYS = {"x_train": BYTES[:30], "y_train": np.arange(30), "x_test": BYTES[30:], "y_test": np.arange(20)}


def test_arrays_have_one_fingerprint_however_they_are_stored(tmp_path):
    npz = fingerprint(write_npz(tmp_path / "one.npz", **ARRAYS))
    assert len(npz) == 64 and int(npz, 16)
    assert npz == fingerprint(write_idx(tmp_path / "idx", **ARRAYS))
    with_channels = {**ARRAYS, "x_train": BYTES[:30, ..., None]}
    assert npz == fingerprint(write_npz(tmp_path / "channels.npz", **with_channels), (4, 5, 1))


@pytest.mark.parametrize("name", ARRAYS)
def test_a_change_in_any_array_changes_the_fingerprint(tmp_path, name):
    changed = ARRAYS[name].copy()
    changed.flat[7] ^= 1
    fingerprints = {
        fingerprint(write_npz(tmp_path / "x.npz", **arrays))
        for arrays in (
            ARRAYS,
            {**ARRAYS, name: changed},
            {**ARRAYS, name: ARRAYS[name][::-1]},
            {key: array for key, array in ARRAYS.items() if key == "x_train" or key != name},
        )
    }
    assert len(fingerprints) == (3 if name == "x_train" else 4)


def test_a_moved_folder_keeps_its_fingerprint(tmp_path):
    photos = write_photos(tmp_path / "photos")
    before = fingerprint(photos)
    moved = photos.rename(tmp_path / "moved")
    (moved / "notes.txt").unlink()
    os.utime(moved / "a.png", (0, 0))
    assert fingerprint(moved, (8, 8, 3)) == fingerprint(str(moved)) == before


def rename(folder):
    (folder / "a.png").rename(folder / "z.png")


def remove(folder):
    (folder / "a.png").unlink()


def add(folder):
    (folder / "d.png").write_bytes((folder / "a.png").read_bytes())


def swap(folder):
    png, jpeg = (folder / "a.png").read_bytes(), (folder / "b.JPG").read_bytes()
    (folder / "a.png").write_bytes(jpeg)
    (folder / "b.JPG").write_bytes(png)


def change_the_end(folder):
    content = (folder / "b.JPG").read_bytes()
    (folder / "b.JPG").write_bytes(content[:-1] + b"\0")


@pytest.mark.parametrize("subfolders", [[], ["cat", "dog"]])
@pytest.mark.parametrize("change", [rename, remove, add, swap, change_the_end])
def test_a_change_of_a_folder_changes_its_fingerprint(tmp_path, change, subfolders):
    photos = write_photos(tmp_path / "photos")
    for name in subfolders:
        write_photos(photos / name)
    before = fingerprint(photos)
    change(photos)
    assert fingerprint(photos) != before


def test_every_byte_of_a_file_counts(tmp_path):
    photos = write_photos(tmp_path / "photos")
    large = (photos / "b.JPG").read_bytes() + bytes(200_000)
    (photos / "b.JPG").write_bytes(large)
    before = fingerprint(photos)
    for position in (len(large) // 2, len(large) - 1):
        changed = bytearray(large)
        changed[position] ^= 1
        (photos / "b.JPG").write_bytes(changed)
        assert fingerprint(photos) != before
    (photos / "b.JPG").write_bytes(large)
    assert fingerprint(photos) == before


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_arrays_in_memory_have_a_fingerprint(dtype):
    images = (BYTES / 255).astype(dtype)
    before = gan.datasets.open_source(images=images, labels=np.arange(50)).fingerprint
    assert before == gan.datasets.open_source(images=images[..., None], labels=np.arange(50, dtype="int32")).fingerprint
    assert before != gan.datasets.open_source(images=images[::-1], labels=np.arange(50)).fingerprint
    assert before != gan.datasets.open_source(images=images).fingerprint


def test_a_class_with_one_image_cannot_be_held_out():
    labels = np.array([0] * 20 + [1] + [2] * 20 + [3] + [4] * 8)
    images = gan.datasets.open_source(images=BYTES, labels=labels)
    images.check_labels()
    for split in ("train", "test"):
        with pytest.raises(ValueError, match="images: the class 1 and 1 others have only one image. Each class needs"):
            images.check_labels(split)
    gan.datasets.open_source(images=BYTES[:41], labels=np.minimum(labels[:41], 1)).check_labels("train")
