"""The page in a real browser: every control is used, and its effect on the pixels is asserted."""

import io
import json
import re
import shutil

import numpy as np
import pytest
from browser import download, read_pixels, select, set_number, settle, wait_for_pixels
from PIL import Image, ImageSequence

import gan
from gan.explorer import grids
from gan.locks import locked_folder

pytest.importorskip("gradio", reason="Gradio is not installed")

from gan.explorer.page import opened  # noqa: E402, it needs Gradio


@pytest.fixture(scope="module")
def address(classes_run):
    with opened(classes_run) as (address, _):
        yield address


def show(model, latents, labels):
    return gan.images.to_uint8(model.generate(latents=latents, labels=labels))


@pytest.fixture(scope="module")
def model(classes_run):
    return gan.load_model(classes_run / "model.keras")


NAMES = ["circle", "square", "star"]
LABELS = np.arange(36) % 3


def test_samples_by_seed_class_and_truncation(visit, address, model):
    page = visit(address)
    before = settle(page, "samples")
    set_number(page, "seed", 5)
    pixels = wait_for_pixels(page, "samples", before)
    latents = np.asarray(model.draw_latents(36, 5))
    np.testing.assert_array_equal(pixels, grids.draw(show(model, latents, LABELS), 6, NAMES * 2))
    select(page, "kind", "star")
    pixels = wait_for_pixels(page, "samples", pixels)
    np.testing.assert_array_equal(pixels, grids.draw(show(model, latents, [2] * 36), 6))
    set_number(page, "truncation", 0.5)
    pixels = wait_for_pixels(page, "samples", pixels)
    np.testing.assert_array_equal(pixels, grids.draw(show(model, 0.5 * latents, [2] * 36), 6))
    set_number(page, "seed", -5)
    page.get_by_text("the seed must be between 0 and 2,147,483,647, not -5.").first.wait_for()
    page.locator("#another").click()
    wait_for_pixels(page, "samples", pixels)


def click_cell(page, name, column, row):
    """Clicks on an image of a grid of 6 columns and as many rows, of images of 8x8 without titles."""
    box = page.locator(f"#{name} img").bounding_box()
    scale = box["width"] / (6 * 10 + 2)
    top = box["height"] - scale * (6 * 10 + 2)
    position = {"x": scale * (2 + 10 * column + 4), "y": top + scale * (2 + 10 * row + 4)}
    page.locator(f"#{name} img").click(position=position)


def test_a_click_chooses_a_picture_and_downloads_are_what_is_shown(visit, address, model, tmp_path):
    page = visit(address)
    settle(page, "samples")
    before = settle(page, "chosen")
    click_cell(page, "samples", 4, 2)
    latents = np.asarray(model.draw_latents(36, 0))
    images = show(model, latents, LABELS)
    np.testing.assert_array_equal(wait_for_pixels(page, "chosen", before), grids.draw(images[16:17], 1))
    assert page.locator("#chosen-text").inner_text() == "class square"
    picture = np.asarray(Image.open(download(page, "save-picture").path()))
    np.testing.assert_array_equal(picture, gan.images.enlarge(images[16])[..., 0])
    np.testing.assert_array_equal(np.load(download(page, "save-chosen").path()), latents[16:17])
    picture = np.asarray(Image.open(download(page, "save-grid").path()))
    scale = picture.shape[1] // (6 * 10 - 2)
    bottom = picture[-scale * 8 :: scale, : scale * 8 : scale]
    np.testing.assert_array_equal(bottom, images[30, ..., 0])
    saved = download(page, "save-latents")
    assert saved.suggested_filename == "latents.npy"
    np.testing.assert_array_equal(np.load(saved.path()), latents)
    np.save(tmp_path / "mine.npy", -latents[:6])
    before = read_pixels(page, "#samples img")
    with page.expect_file_chooser() as waiting:
        page.locator("#load-latents").click()
    waiting.value.set_files(tmp_path / "mine.npy")
    pixels = wait_for_pixels(page, "samples", before)
    np.testing.assert_array_equal(pixels, grids.draw(show(model, -latents[:6], LABELS[:6]), 6, NAMES * 2))


def test_neighbors_are_as_far_as_the_distance(visit, address, model):
    page = visit(address, "Neighbors")
    before = settle(page, "neighbors")
    set_number(page, "distance", 0)
    pixels = wait_for_pixels(page, "neighbors", before)
    (chosen,) = show(model, np.asarray(model.draw_latents(36, 0))[:1], [0])
    spread = np.abs(pixels.astype(int) - grids.draw(np.repeat(chosen[None], 24, 0), 8)).max()
    assert spread <= 1
    set_number(page, "distance", 0.5)
    pixels = wait_for_pixels(page, "neighbors", pixels)
    page.locator("#other-neighbors").click()
    wait_for_pixels(page, "neighbors", pixels)
    chosen = read_pixels(page, "#chosen img")
    page.locator("#neighbors img").click(position={"x": 200, "y": 60})
    wait_for_pixels(page, "chosen", chosen)


def test_a_walk_visits_its_pictures(visit, address, model, tmp_path):
    page = visit(address, "Walk")
    first = settle(page, "walk")
    stops = settle(page, "stops")
    latents = np.asarray(model.draw_latents(36, 0))
    images = show(model, latents, LABELS)
    set_number(page, "position", 25)
    pixels = wait_for_pixels(page, "walk", first)
    assert np.abs(pixels.astype(int) - grids.draw(images[1:2], 1)).max() <= 1
    page.locator("#remove-stop").click()
    stops = wait_for_pixels(page, "stops", stops)
    page.locator("#add-stop").click()
    stops = wait_for_pixels(page, "stops", stops)
    assert np.abs(stops.astype(int) - grids.draw(images[[0, 1, 2, 0]], 8)).max() <= 1
    saved = Image.open(download(page, "save-walk").path())
    assert saved.format == "GIF"
    assert sum(frame.info["duration"] for frame in ImageSequence.Iterator(saved)) == 4 * 16 * 60
    for _ in range(2):
        page.locator("#remove-stop").click()
        stops = wait_for_pixels(page, "stops", stops)
    page.locator("#remove-stop").click()
    page.get_by_text("a walk needs two pictures or more: add one first.").wait_for()


def test_directions_move_the_chosen_picture(visit, address, model):
    page = visit(address, "Directions")
    before = settle(page, "moved")
    set_number(page, "direction-2", 3)
    pixels = wait_for_pixels(page, "moved", before)
    latents = np.asarray(model.draw_latents(36, 0))[:1]
    moved = gan.latents.move(model, latents, gan.latents.directions(model, 2)[1], [3])[0]
    expected = grids.draw(show(model, moved, [0]), 1)
    np.testing.assert_array_equal(pixels, expected)
    page.locator("#keep").click()
    np.testing.assert_array_equal(wait_for_pixels(page, "chosen", before), expected)
    settle(page, "moved")
    set_number(page, "direction-1", -2)
    pixels = wait_for_pixels(page, "moved", expected)
    page.locator("#reset").click()
    np.testing.assert_array_equal(wait_for_pixels(page, "moved", pixels), expected)


def test_classes_are_mixed(visit, address, model):
    page = visit(address, "Mix classes")
    before = settle(page, "mixed")
    strip = settle(page, "mixed-strip")
    set_number(page, "share", 100)
    pixels = wait_for_pixels(page, "mixed", before)
    latents = np.asarray(model.draw_latents(36, 0))[:1]
    assert np.abs(pixels.astype(int) - grids.draw(show(model, latents, [2]), 1)).max() <= 1
    select(page, "second-kind", "square")
    pixels = wait_for_pixels(page, "mixed", pixels)
    assert np.abs(pixels.astype(int) - grids.draw(show(model, latents, [1]), 1)).max() <= 1
    strip = wait_for_pixels(page, "mixed-strip", strip)
    select(page, "first-kind", "square")
    wait_for_pixels(page, "mixed-strip", strip)


def test_a_picture_is_projected_and_what_is_none_is_a_sentence(visit, address, model, tmp_path):
    page = visit(address, "Project")
    chosen = settle(page, "chosen")
    (tmp_path / "notes.txt").write_text("no picture")
    upload = page.locator("#upload input[type=file]")
    upload.set_input_files(tmp_path / "notes.txt")
    page.get_by_text(re.compile("^notes.txt cannot be read")).wait_for()
    page.reload()
    page.get_by_role("tab", name="Project", exact=True).click()
    settle(page, "chosen")
    image = show(model, np.asarray(model.draw_latents(1, 77)), [1])
    gan.images.save_picture(tmp_path / "picture.png", image[0])
    upload.set_input_files(tmp_path / "picture.png")
    page.wait_for_selector("#projection img", timeout=300_000)
    np.testing.assert_array_equal(read_pixels(page, "#target img"), grids.draw(image, 1))
    error = np.abs(read_pixels(page, "#projection img").astype(int) - grids.draw(image, 1)).mean()
    assert error < 10
    wait_for_pixels(page, "chosen", chosen)
    assert "Root mean square" in page.locator("#distance-text").inner_text()
    page.reload()
    page.get_by_role("tab", name="Project", exact=True).click()
    (tmp_path / "large.png").write_bytes(bytes(50_000_000))
    upload.set_input_files(tmp_path / "large.png")
    page.get_by_text(re.compile("exceeds|too large|maximum", re.IGNORECASE)).first.wait_for()


def test_checkpoints_side_by_side_and_epoch_after_epoch(visit, address, classes_run, model):
    latents = np.asarray(model.draw_latents(36, 0))
    early = gan.load_model(classes_run / "checkpoints/epoch_0001.keras")
    expected = [grids.draw(show(one, latents, LABELS), 6, NAMES * 2) for one in (early, model)]
    page = visit(address, "Compare")
    np.testing.assert_array_equal(settle(page, "compared-left"), expected[0])
    np.testing.assert_array_equal(settle(page, "compared-right"), expected[1])
    select(page, "checkpoint-right", "epoch 1")
    np.testing.assert_array_equal(wait_for_pixels(page, "compared-right", expected[1]), expected[0])
    select(page, "checkpoint-left", "model.keras")
    np.testing.assert_array_equal(wait_for_pixels(page, "compared-left", expected[0]), expected[1])
    page.get_by_role("tab", name="Epochs", exact=True).click()
    np.testing.assert_array_equal(settle(page, "of-epoch"), expected[1])
    set_number(page, "epoch", 1)
    np.testing.assert_array_equal(wait_for_pixels(page, "of-epoch", expected[1]), expected[0])


def test_a_run_is_watched_while_it_trains(visit, classes_run, tmp_path):
    folder = tmp_path / "run"
    (folder / "images").mkdir(parents=True)
    first, second = sorted((classes_run / "images").iterdir())
    with locked_folder(folder):
        (folder / "config.json").write_text(json.dumps({"arguments": {"epochs": 9}}))
        with opened(folder) as (address, _):
            page = visit(address)
            page.get_by_text("This run has no model yet.").wait_for()
            page.get_by_text("Training: epoch 1 of 9.").wait_for()
            assert page.get_by_role("tab").all_inner_texts() == ["Training"]
            for name in ("history.csv", "curves.png"):
                shutil.copy(classes_run / name, folder / name)
            shutil.copy(first, folder / "images")
            page.get_by_text("Training: 2 of 9 epochs are finished").wait_for()
            before = wait_for_pixels(page, "newest")
            np.testing.assert_array_equal(before, np.asarray(Image.open(io.BytesIO(first.read_bytes()))))
            wait_for_pixels(page, "curves")
            shutil.copy(second, folder / "images")
            wait_for_pixels(page, "newest", before)
            shutil.copy(classes_run / "model.keras", folder / "model.keras")
            page.reload()
            page.wait_for_selector("#chosen img")
            page.get_by_role("tab", name="Samples", exact=True).click()
            settle(page, "samples")
            page.get_by_role("tab", name="Epochs", exact=True).click()
            page.get_by_text("--keep-every EPOCHS").wait_for()


def test_visitors_do_not_disturb_one_another(visit, address, model):
    pages = [visit(address) for _ in range(3)]
    before = [settle(page, "samples") for page in pages]
    for seed, page in enumerate(pages, start=1):
        set_number(page, "seed", seed)
    pages[0].close()  # in the middle of its work
    for seed, page in enumerate(pages[1:], start=2):
        expected = show(model, np.asarray(model.draw_latents(36, seed)), LABELS)
        pixels = wait_for_pixels(page, "samples", before[seed - 1])
        np.testing.assert_array_equal(pixels, grids.draw(expected, 6, NAMES * 2))
