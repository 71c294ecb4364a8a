"""The files of ONNX Runtime Web. npm is replaced by a script that does what each test needs."""

import hashlib
import os
import tarfile

import pytest

from gan.exports import runtime
from gan.files import cache_folder

CONTENT = {"one.mjs": b"module", "two.wasm": b"binary"}


@pytest.fixture(autouse=True)
def release(monkeypatch, tmp_path):
    """A release of two small files, and empty folders for the cache and for npm."""
    monkeypatch.setattr(runtime, "DIGESTS", {name: hashlib.sha256(text).hexdigest() for name, text in CONTENT.items()})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def install_npm(folder, command):
    npm = folder / "bin" / "npm"
    npm.write_text(f"#!/bin/sh\n{command}\n")
    npm.chmod(0o755)


def pack(folder, content):
    """Installs an npm that downloads a package of these files."""
    for name, text in content.items():
        (folder / name).write_bytes(text)
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        for name in content:
            archive.add(folder / name, f"package/dist/{name}")
    install_npm(folder, f'exec /bin/cp "{folder}/package.tgz" "$4"')


def test_the_files_are_downloaded_once(tmp_path, capsys):
    pack(tmp_path, CONTENT)
    assert runtime.read() == CONTENT
    assert "with npm, 31 MB, once" in capsys.readouterr().err
    os.remove(tmp_path / "bin" / "npm")
    assert runtime.read() == CONTENT and capsys.readouterr().err == ""


def test_a_damaged_file_of_the_cache_is_downloaded_again(tmp_path):
    pack(tmp_path, CONTENT)
    runtime.read()
    (file,) = cache_folder().rglob("one.mjs")
    file.write_bytes(b"mod")
    assert runtime.read() == CONTENT and file.read_bytes() == b"module"


def test_other_files_than_those_of_the_release_are_refused(tmp_path):
    pack(tmp_path, {**CONTENT, "two.wasm": b"evil"})
    with pytest.raises(ImportError, match="npm downloaded another two.wasm than the release has"):
        runtime.read()
    assert not cache_folder().exists()


def test_a_page_without_npm_or_network_is_a_sentence(tmp_path):
    with pytest.raises(ImportError, match="Install Node.js, which brings npm, or copy one.mjs and two.wasm from"):
        runtime.read()
    install_npm(tmp_path, "echo 'npm error network ENOTFOUND' >&2; exit 1")
    with pytest.raises(ImportError, match=r"npm cannot download \(npm error network ENOTFOUND\)"):
        runtime.read()
