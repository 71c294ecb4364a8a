import numpy as np
import pytest

import gan

NAMES = (
    "activities animals_nature component flags food_drink objects people_body smileys_emotion symbols travel_places"
).split()


def make_grid(size, columns, channels):
    images = np.random.default_rng(0).integers(0, 256, (4 * columns, size, size, channels), "uint8")
    return gan.images.enlarge(gan.images.grid(images, columns, padding=2))


def find_ink(titled, grid, columns):
    """The rows and the columns of pixels that have ink, relative to the strip above each column of the grid."""
    strip = titled[: len(titled) - len(grid)]
    assert (strip == strip[..., :1]).all()  # black on white in all channels
    edges = np.linspace(0, strip.shape[1], columns + 1).round().astype(int)
    return [np.nonzero(strip[:, left:right, 0] < 128) for left, right in zip(edges, edges[1:], strict=False)]


@pytest.mark.parametrize(("size", "channels"), [(28, 1), (64, 3)])
@pytest.mark.parametrize("columns", [3, 10])
def test_long_titles_are_vertical_and_each_stays_above_its_column(size, channels, columns):
    grid = make_grid(size, columns, channels)
    titled = gan.images.add_titles(grid, NAMES[-columns:])
    assert titled.dtype == np.uint8 and titled.shape[1:] == grid.shape[1:]
    np.testing.assert_array_equal(titled[-len(grid) :], grid)
    # The longer the name, the higher its ink; all start at the same distance from the images.
    heights = {}
    for name, (rows, across) in zip(NAMES[-columns:], find_ink(titled, grid, columns), strict=True):
        assert np.ptp(across) < np.ptp(rows)
        middle = (across.min() + across.max()) / 2 * columns / grid.shape[1]
        assert 0.3 < middle < 0.7
        heights[name] = np.ptp(rows)
    assert max(heights, key=heights.get) == "smileys_emotion"


def test_short_titles_are_horizontal():
    grid = make_grid(28, 5, 1)
    titled = gan.images.add_titles(grid, ["1", "22", "Ωmega", "Жук", "é"])
    rows, across = find_ink(titled, grid, 5)[2]
    assert np.ptp(across) > 2 * np.ptp(rows)
    assert len(titled) - len(grid) < 50


@pytest.mark.parametrize(("size", "columns", "rows"), [(28, 3, 4), (28, 10, 4), (64, 10, 4), (64, 32, 4), (28, 32, 32)])
def test_titles_are_readable_in_the_frames_of_an_animation(size, columns, rows):
    images = np.zeros((rows * columns, size, size, 1), "uint8")
    grid = gan.images.enlarge(gan.images.grid(images, columns, padding=2))
    frame = gan.images.to_frame(gan.images.add_titles(grid, (NAMES * 4)[:columns]))
    strip = frame[: np.argmax((frame < 200).all(axis=1))]
    inked = np.nonzero((strip < 200).any(axis=(1, 2)))[0]
    # The longest name has 15 letters of some 6 pixels at a size of 10, and of 4 pixels at two thirds of it.
    assert 3 * 15 < np.ptp(inked) < 7 * 15


@pytest.mark.parametrize(("columns", "title"), [(4, "x"), (10, "x"), (10, "smileys_emotion"), (8, "smileys_emotion")])
def test_titles_leave_the_pixels_of_usual_frames_whole(columns, title):
    images = np.random.default_rng(0).integers(0, 256, (4 * columns, 28, 28, 1), "uint8")
    grid = gan.images.grid(images, columns, padding=2)
    frame = gan.images.to_frame(gan.images.add_titles(gan.images.enlarge(grid), [title] * columns))
    scale = frame.shape[1] // grid.shape[1]
    np.testing.assert_array_equal(frame[-scale * len(grid) :], np.kron(grid, np.ones((scale, scale, 1), int)))


def test_a_very_long_title_is_shortened_and_line_breaks_are_spaces():
    grid = make_grid(28, 2, 1)

    def title(text):
        return gan.images.add_titles(grid, [text, ""])

    np.testing.assert_array_equal(title("a" * 200), title("a" * 23 + "…"))
    assert len(title("a" * 24)) >= len(title("a" * 23)) > len(title("a"))
    np.testing.assert_array_equal(title("a\n b\t"), title("a b"))


def test_titles_of_columns_of_a_pixel_are_drawn():
    assert gan.images.add_titles(np.zeros((8, 40, 3), "uint8"), ["name"] * 40).shape[1:] == (40, 3)
