import gzip

import numpy as np
import pytest
from image_files import BYTES, encode_idx, write_idx

from gan.datasets import formats


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte", "train-images.idx3-ubyte", "train-images-idx3-ubyte.gz"])
def test_idx_files_under_their_usual_names(tmp_path, name):
    content = encode_idx(BYTES)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (images, labels), test = formats.read_idx_folder(tmp_path)
    np.testing.assert_array_equal(images, BYTES)
    assert labels is None and test is None


def test_idx_files_of_emnist(tmp_path):
    for name, array in (("train", BYTES[:30]), ("test", BYTES[30:])):
        (tmp_path / f"emnist-{name}-images-idx3-ubyte").write_bytes(encode_idx(array))
        labels = encode_idx(np.arange(len(array), dtype="uint8"))
        (tmp_path / f"emnist-{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    for (images, labels), expected in zip(formats.read_idx_folder(tmp_path), (BYTES[:30], BYTES[30:]), strict=True):
        np.testing.assert_array_equal(images, expected)
        np.testing.assert_array_equal(labels, np.arange(len(expected)))


def test_a_folder_of_several_data_sets_is_refused(tmp_path):
    for prefix in ("emnist-digits-", "emnist-letters-"):
        write_idx(tmp_path, prefix, x_train=BYTES)
    with pytest.raises(ValueError, match="holds several data sets: emnist-digits-train.*, emnist-letters-train"):
        formats.read_idx_folder(tmp_path)


def test_a_file_beside_its_gzipped_copy_is_one_data_set(tmp_path):
    write_idx(tmp_path, x_train=BYTES)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode_idx(BYTES)))
    np.testing.assert_array_equal(formats.read_idx_folder(tmp_path)[0][0], BYTES)


def test_a_gzipped_file_that_ends_early_is_refused(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(encode_idx(BYTES))[:-20])
    with pytest.raises(ValueError, match="train-images-idx3-ubyte.gz cannot be read"):
        formats.read_idx_folder(tmp_path)
