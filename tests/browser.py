"""A real browser for tests: Chromium, which Debian's package `chromium` installs, driven by Playwright."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture(scope="module")  # while it runs, nothing else can use asyncio
def browser():
    """Chromium. Skips the test if Playwright or the browser is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=path, args=OPTIONS.split())
        yield browser
        browser.close()


def read_pixels(page, selector):
    """Returns the pixels of an `<img>` as a uint8 array, as the browser has got them."""
    source = page.locator(selector).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())))
