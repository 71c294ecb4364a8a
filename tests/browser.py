"""A real browser for tests: Chromium, which Debian's package `chromium` installs, driven by Playwright."""

import io
import re
import shutil
import time

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


@pytest.fixture
def visit(browser):
    """Opens pages; asserts at the end that they asked no other host for anything."""
    contexts, foreign = [], []

    def visit(address, tab=None):
        context = browser.new_context(viewport={"width": 1280, "height": 1000})
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: None if is_local(request.url) else foreign.append(request.url))
        page.goto(address)
        if tab:
            page.wait_for_selector("#chosen img")
            page.get_by_role("tab", name=tab, exact=True).click()
        return page

    yield visit
    for context in contexts:
        context.close()
    assert foreign == []


def read_pixels(page, selector):
    """Returns the pixels of an `<img>` as a uint8 array, as the browser has got them."""
    source = page.locator(selector).get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(page.request.get(source).body())))


def is_local(url):
    return re.match(r"(http://127\.0\.0\.1:|data:|blob:)", url)


def wait_for_pixels(page, name, before=None):
    """Returns the pixels of a picture once it is there and others than before."""
    selector = f"#{name} img"
    page.wait_for_selector(selector)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pixels = read_pixels(page, selector)
        if before is None or pixels.shape != before.shape or (pixels != before).any():
            return pixels
        page.wait_for_timeout(50)
    raise AssertionError(f"{name} has not changed")


def settle(page, name):
    """Returns the pixels of a picture once they stay the same."""
    pixels = wait_for_pixels(page, name)
    while True:
        page.wait_for_timeout(600)
        after = read_pixels(page, f"#{name} img")
        if after.shape == pixels.shape and (after == pixels).all():
            return pixels
        pixels = after


def set_number(page, name, value):
    field = page.locator(f"#{name} input[type=number]").first
    field.fill(str(value))
    field.press("Enter")


def select(page, name, option):
    page.locator(f"#{name} input").click()
    page.get_by_role("option", name=option, exact=True).click()
    page.get_by_role("option").first.wait_for(state="detached")  # the list fades away


def download(page, name):
    with page.expect_download() as waiting:
        page.locator(f"#{name}").click()
    return waiting.value
