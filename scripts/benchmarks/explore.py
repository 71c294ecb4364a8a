"""Measures how fast the page of explore.py answers."""

import shutil
import statistics
from pathlib import Path

import measuring

from gan import cli, options

REPEATS = 16
# What is used on each tab: a control, or two in turn, and the picture that they change.
CONTROLS = {
    "Samples": [("another", "samples"), ("truncation", "samples"), ("samples", "chosen")],
    "Neighbors": [("distance", "neighbors"), ("neighbors", "chosen")],
    "Walk": [("position", "walk"), ("remove-stop add-stop", "stops")],
    "Directions": [("direction-1", "moved")],
    "Mix classes": [("share", "mixed")],
    "Epochs": [("epoch", "of-epoch")],
}
DESCRIPTION = """Measures how fast the page of explore.py answers, in a real browser.

Uses each control 32 times, and prints the median time of the last 16 until the browser has the new picture. It needs
the extras 'explore' and 'browser', and Chromium.
"""
# Moves a slider, clicks on a button or clicks on a picture, and waits until another picture has been loaded.
USE = """async ({control, picture, share}) => {
    const shown = () => document.querySelector(`#${picture} img`);
    const element = document.querySelector(`#${control}`);
    const slider = element.querySelector("input[type=range]");
    const before = shown().src, start = performance.now();
    if (slider) {
        const [low, high, step] = [slider.min, slider.max, slider.step].map(Number);
        const value = low + step * Math.round(share * (high - low) / step);
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(slider, value);
        slider.dispatchEvent(new Event("input", {bubbles: true}));
    } else if (element.querySelector("img")) {
        const image = element.querySelector("img"), box = image.getBoundingClientRect();
        const place = {clientX: box.left + box.width * share, clientY: box.bottom - box.height * share / 2};
        image.dispatchEvent(new MouseEvent("click", {bubbles: true, ...place}));
    } else {
        element.click();
    }
    while (shown().src === before || !shown().complete) {
        if (performance.now() - start > 5000) return null;
        await new Promise(requestAnimationFrame);
    }
    return performance.now() - start;
}"""


def build_parser():
    parser = options.ArgumentParser(description=DESCRIPTION, usage="python scripts/benchmarks/explore.py RUN")
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder, or a .keras file")
    return parser


def parse_arguments(argv=None):
    return build_parser().parse_args(argv)


def measure(page, control, picture):
    """Returns the median milliseconds that a control takes to change a picture; None if it changes nothing."""
    times = []
    for repeat in [*range(REPEATS), *range(REPEATS)]:  # the first time, checkpoints are loaded
        share = 0.1 + 0.8 * (repeat * 0.381966 % 1)  # far from the last one
        used = control.split()[repeat % len(control.split())]
        times.append(page.evaluate(USE, {"control": used, "picture": picture, "share": share}))
        page.wait_for_timeout(300)  # what else the control changes
    times = [time for time in times[REPEATS:] if time is not None]
    return statistics.median(times) if times else None


def run(arguments):
    from playwright.sync_api import sync_playwright

    from gan.explorer.page import opened

    with opened(arguments.run) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(address)
        page.wait_for_selector("#chosen img", timeout=60_000)
        page.wait_for_timeout(3000)
        for tab, controls in CONTROLS.items():
            button = page.get_by_role("tab", name=tab, exact=True)
            if not button.is_visible():
                continue
            button.click()
            page.wait_for_timeout(2000)
            for control, picture in controls:
                if not page.locator(f"#{control.split()[0]}").is_visible():
                    continue
                page.wait_for_selector(f"#{picture} img")
                if found := measure(page, control, picture):
                    print(f"{tab:12} {control:20} {found:6.0f} ms", flush=True)
        browser.close()


def main():
    arguments = parse_arguments()
    with measuring.running(), cli.errors_exit(ValueError, ImportError, status=2):
        run(arguments)


if __name__ == "__main__":
    main()
