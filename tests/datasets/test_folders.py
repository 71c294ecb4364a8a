import pytest
from image_files import BYTES, encode_png, write_photos

from gan.datasets import folders


def test_images_are_found_in_subfolders_and_other_files_are_counted(tmp_path):
    photos = write_photos(tmp_path / "photos")
    assert [path.name for path in folders.find_images(photos)] == ["a.png", "b.JPG", "c.gif"]
    assert folders.count_others(photos) == 1


def test_a_file_that_has_changed_is_checked_again(tmp_path):
    file = tmp_path / "cat.png"
    file.write_bytes(encode_png(BYTES[0]))
    folders.find_images(tmp_path)
    file.write_bytes(encode_png(BYTES[0])[:-30])
    with pytest.raises(ValueError, match="cat.png is not an image, or it is damaged"):
        folders.find_images(tmp_path)
