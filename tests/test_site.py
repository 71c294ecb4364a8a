"""The site of the documentation is complete and needs no other host."""

import inspect
import re
import subprocess
import sys
import zlib

import pytest
from reduced import REPOSITORY

import gan
import tuning

pytest.importorskip("mkdocs")
pytest.importorskip("mkdocstrings")
ELEMENT = re.compile(r"<(?:script|img|link|iframe)\b[^>]*?(?:src|href)=\"(https?://[^\"]+)\"")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return folder


def test_pages_load_nothing_from_other_hosts(site):
    loaded = {address for page in site.rglob("*.html") for address in ELEMENT.findall(page.read_text())}
    assert not loaded


def public_objects():
    """Every public class and function of the library: pairs of the name that users know and the object."""
    for package in (gan, tuning):
        for name in package.__all__:
            value = getattr(package, name)
            if inspect.ismodule(value):
                yield from ((f"{value.__name__}.{inner}", getattr(value, inner)) for inner in names_in(value))
            else:
                yield f"{package.__name__}.{name}", value


def names_in(module):
    if hasattr(module, "__all__"):
        return module.__all__
    values = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    return [name for name, value in values.items() if getattr(value, "__module__", None) == module.__name__]


def test_reference_covers_the_public_api(site):
    # The format of Sphinx: four lines of a header, then compressed lines that each start with a name.
    compressed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    documented = {line.split()[0] for line in zlib.decompress(compressed).decode().splitlines()}
    missing = [
        name
        for name, value in public_objects()
        if callable(value) and not {name, f"{value.__module__}.{value.__qualname__}"} & documented
    ]
    assert not missing
