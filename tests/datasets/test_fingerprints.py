import os

import numpy as np
import pytest
from image_files import BYTES, write_idx, write_npz, write_photos

import gan

ARRAYS = {"x_train": BYTES[:30], "y_train": np.arange(30), "x_test": BYTES[30:], "y_test": np.arange(20)}


def test_arrays_have_one_fingerprint_however_they_are_stored(tmp_path):
    npz = gan.datasets.fingerprint(write_npz(tmp_path / "one.npz", **ARRAYS))
    assert len(npz) == 64 and int(npz, 16)
    assert npz == gan.datasets.fingerprint(write_idx(tmp_path / "idx", **ARRAYS))
    with_channels = {**ARRAYS, "x_train": BYTES[:30, ..., None]}
    assert npz == gan.datasets.fingerprint(write_npz(tmp_path / "channels.npz", **with_channels), (4, 5, 1))


@pytest.mark.parametrize("name", ARRAYS)
def test_a_change_in_any_array_changes_the_fingerprint(tmp_path, name):
    changed = ARRAYS[name].copy()
    changed.flat[7] ^= 1
    fingerprints = {
        gan.datasets.fingerprint(write_npz(tmp_path / "x.npz", **arrays))
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
    before = gan.datasets.fingerprint(photos)
    moved = photos.rename(tmp_path / "moved")
    (moved / "notes.txt").unlink()
    os.utime(moved / "a.png", (0, 0))
    assert gan.datasets.fingerprint(moved, (8, 8, 3)) == gan.datasets.fingerprint(str(moved)) == before


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


@pytest.mark.parametrize("change", [rename, remove, add, swap, change_the_end])
def test_a_change_of_a_folder_changes_its_fingerprint(tmp_path, change):
    photos = write_photos(tmp_path / "photos")
    before = gan.datasets.fingerprint(photos)
    change(photos)
    assert gan.datasets.fingerprint(photos) != before


def test_both_ends_of_a_large_file_count(tmp_path):
    photos = write_photos(tmp_path / "photos")
    large = (photos / "b.JPG").read_bytes() + bytes(200_000)
    (photos / "b.JPG").write_bytes(large)
    before = gan.datasets.fingerprint(photos)
    for position in (200, len(large) - 1, len(large) - 30_000):
        changed = bytearray(large)
        changed[position] ^= 1
        (photos / "b.JPG").write_bytes(changed)
        assert gan.datasets.fingerprint(photos) != before
    (photos / "b.JPG").write_bytes(large)
    assert gan.datasets.fingerprint(photos) == before
