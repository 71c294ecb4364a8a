import os
from pathlib import Path

import pytest

from gan.files import cache_folder, written_whole


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


def test_the_cache_is_below_the_home_folder_by_default(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/gan")
