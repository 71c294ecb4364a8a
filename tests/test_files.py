import os

import pytest

from gan.files import written_whole


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "folder" / "notes.txt"
    with written_whole(path) as partial:
        assert partial.suffix == ".txt" and not path.exists()
        partial.write_text("first")
    assert path.read_text() == "first"
    with pytest.raises(ZeroDivisionError), written_whole(path) as partial:
        partial.write_text("half of the sec")
        1 / 0  # noqa: B018
    assert path.read_text() == "first"
    assert os.listdir(path.parent) == ["notes.txt"]
