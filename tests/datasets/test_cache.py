import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from image_files import BYTES, encode_png, write_photos

import gan
from gan.datasets import cache, decoding, pictures

SHAPE = (4, 5, 1)


@pytest.fixture(autouse=True)
def cached(tmp_path, monkeypatch):
    """The folder of decoded pictures."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/gan"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    for index, image in enumerate(BYTES):
        (tmp_path / f"photos/{index:02}.png").write_bytes(encode_png(image))
    return tmp_path / "photos"


def forbid_reading(monkeypatch):
    monkeypatch.setattr(decoding, "read_picture", lambda *_: pytest.fail("a picture is decoded again"))


def files_in(cached):
    return sorted(path.name for path in cached.iterdir())


def test_a_folder_is_decoded_once(folder, cached, monkeypatch, capsys):
    images, _ = gan.datasets.read(folder, SHAPE)
    np.testing.assert_array_equal(images[..., 0], BYTES)
    (file,) = cached.iterdir()
    assert f"50 files decoded into {file}, 0.0 MB" in capsys.readouterr().err
    forbid_reading(monkeypatch)
    again = gan.datasets.open_source(str(folder), SHAPE)
    np.testing.assert_array_equal(gan.datasets.read(again)[0], images)
    assert again.pictures.file == file and f"read from {file}" in again.describe_pictures()[0]
    assert "decoded" not in capsys.readouterr().err


def test_each_shape_and_background_has_a_file_of_its_own(folder, cached):
    for shape, background in ((SHAPE, "white"), (SHAPE, "#ffffff"), ((8, 8, 3), "white"), (SHAPE, "black")):
        gan.datasets.open_source(folder, shape, background)
    assert len(files_in(cached)) == 3


def touch_content(folder):
    """Changes a file but neither its size nor its time of modification."""
    file = folder / "07.png"
    status = file.stat()
    file.write_bytes(encode_png(BYTES[7])[::-1][::-1].replace(b"IEND", b"IEND"))
    content = bytearray(file.read_bytes())
    content[45] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def replace(folder):
    (folder / "07.png").write_bytes(encode_png(255 - BYTES[7]))


@pytest.mark.parametrize(
    "change",
    [
        replace,
        touch_content,
        lambda folder: (folder / "07.png").unlink(),
        lambda folder: (folder / "50.png").write_bytes(encode_png(BYTES[0])),
        lambda folder: (folder / "07.png").rename(folder / "99.png"),
    ],
)
def test_a_folder_that_changes_is_decoded_again_and_its_old_file_removed(folder, cached, change):
    before = gan.datasets.open_source(folder, SHAPE, skip_damaged=True)
    old = files_in(cached)
    change(folder)
    after = gan.datasets.open_source(folder, SHAPE, skip_damaged=True)
    assert before.fingerprint != after.fingerprint and len(files_in(cached)) == 1 and files_in(cached) != old
    # What is in use stays readable.
    np.testing.assert_array_equal(gan.datasets.read(before)[0][..., 0], BYTES)


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content[100:], lambda content: b""])
def test_an_incomplete_file_is_not_used(folder, cached, damage):
    gan.datasets.open_source(folder, SHAPE)
    (file,) = cached.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    np.testing.assert_array_equal(gan.datasets.read(folder, SHAPE)[0][..., 0], BYTES)


def test_all_damaged_pictures_are_named_at_once(folder, monkeypatch):
    for index in range(12):
        (folder / f"{index:02}.png").write_bytes(encode_png(BYTES[index])[:40])
    (folder / "00.png").rename(folder / "new\nline.png")
    (folder / "notes.txt").write_text("text")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"holds 12 pictures that cannot be read: 01.png \(.*10.png .* and 2 more"):
            gan.datasets.open_source(folder, SHAPE)
        forbid_reading(monkeypatch)
    images = gan.datasets.open_source(folder, SHAPE, skip_damaged=True)
    np.testing.assert_array_equal(gan.datasets.read(images)[0][..., 0], BYTES[12:])
    assert images.describe_pictures()[1:] == [
        "  skipped 12 damaged pictures",
        "  skipped 1 file that is no picture (.txt)",
    ]


def test_only_damaged_pictures_are_refused(tmp_path):
    (tmp_path / "new\nline.png").write_text("text")
    for skip in (False, True):
        with pytest.raises(ValueError, match=r"1 picture that cannot be read, and no others: 'new\\nline.png'"):
            gan.datasets.open_source(tmp_path, skip_damaged=skip)


def test_a_picture_that_could_not_be_read_for_another_reason_is_tried_again(folder, monkeypatch):
    read = pictures.read_picture

    def fail(path, *arguments):
        return read(path, *arguments) if Path(path).name != "07.png" else pictures.Reading(problem="MemoryError")

    monkeypatch.setattr(decoding, "read_picture", fail)
    images = gan.datasets.open_source(folder, SHAPE, skip_damaged=True)
    assert images.image_count == 49 and images.pictures.damaged == {"07.png": "MemoryError"}
    monkeypatch.setattr(decoding, "read_picture", read)
    np.testing.assert_array_equal(gan.datasets.read(folder, SHAPE)[0][..., 0], BYTES)


def test_a_shape_is_chosen_once(folder, monkeypatch):
    assert gan.datasets.open_source(folder).image_shape == (8, 8, 1)
    forbid_reading(monkeypatch)
    monkeypatch.setattr(cache.folders, "read_picture", lambda *_: pytest.fail("a picture is looked at again"))
    assert gan.datasets.open_source(folder).image_shape == (8, 8, 1)


def test_several_processes_decode_as_one(folder, monkeypatch):
    monkeypatch.setattr(decoding, "FILES_PER_REQUEST", 7)
    monkeypatch.setattr(decoding, "count_cores", lambda: 3)
    np.testing.assert_array_equal(gan.datasets.read(folder, SHAPE)[0][..., 0], BYTES)


def test_a_decoding_process_that_dies_is_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(decoding, "FILES_PER_REQUEST", 7)
    monkeypatch.setattr(decoding, "count_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(
        ValueError, match="process that decodes pictures of .* has died between [0-9]+.png and [0-9]+.png"
    ):
        gan.datasets.open_source(folder, SHAPE)


def start(folder, program):
    """Starts a program that opens a folder in a process of its own."""
    program = f"import sys, time, gan; from gan.datasets import decoding; {program}"
    return subprocess.Popen([sys.executable, "-c", program, folder], stderr=subprocess.PIPE, text=True)


SLOW = """
read = decoding.read_picture
def slowly(*arguments):
    time.sleep(0.02)
    return read(*arguments)
decoding.read_picture = slowly
gan.datasets.open_source(sys.argv[1], (4, 5, 1))
"""


def wait_for_partial_file(cached):
    for _ in range(500):
        if list(cached.glob(".partial.*")):
            return
        time.sleep(0.02)
    raise TimeoutError


def test_what_a_killed_process_leaves_is_never_used(folder, cached):
    process = start(folder, f"exec({SLOW!r})")
    wait_for_partial_file(cached)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    np.testing.assert_array_equal(gan.datasets.read(folder, SHAPE)[0][..., 0], BYTES)
    assert len(files_in(cached)) == 1


def test_a_second_process_waits_for_the_first(folder, cached, monkeypatch, capsys):
    process = start(folder, f"exec({SLOW!r})")
    wait_for_partial_file(cached)
    forbid_reading(monkeypatch)
    np.testing.assert_array_equal(gan.datasets.read(folder, SHAPE)[0][..., 0], BYTES)
    assert f"Another process decodes {folder}: waiting for it." in capsys.readouterr().err
    assert process.wait() == 0
    process.communicate()


@pytest.mark.parametrize("number", [28, 13])
def test_a_full_disk_or_a_cache_without_permission_is_a_sentence(folder, cached, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ValueError, match=f"cannot be decoded into {cached} .{os.strerror(number)}.. To use another"):
        gan.datasets.open_source(folder, SHAPE)
    assert files_in(cached) == []


def test_facts_about_a_folder_are_told(tmp_path):
    photos = write_photos(tmp_path / "photos")
    pictures.Image.new("RGBA", (80, 80), (9, 9, 9, 9)).save(photos / "clear.png")
    (photos / ".hidden").write_text("text")
    images = gan.datasets.open_source(photos, background="#ff0000")
    assert images.describe_pictures()[1:] == [
        "  size and channels chosen from the pictures; --image-shape sets others",
        "  2 pictures of other proportions, cropped around the center",
        "  1 transparent picture put on #ff0000; --background sets another color",
        "  skipped 2 files that are no pictures (.txt)",
    ]
    assert Path(images.name) == photos and gan.datasets.open_source("mnist5k").describe_pictures() == []


def test_a_disk_that_becomes_full_is_a_sentence_whichever_process_writes(folder, cached):
    program = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (700, 700))
decoding.FILES_PER_REQUEST, decoding.count_cores = 7, lambda: 3
gan.datasets.open_source(sys.argv[1], (4, 5, 1))
"""
    _, err = start(folder, f"exec({program!r})").communicate()
    assert f"ValueError: the pictures of {folder} cannot be decoded into {cached} ({os.strerror(27)})" in err
    assert files_in(cached) == []
