import numpy as np
import pytest

from gan.explorer import grids

IMAGES = np.random.default_rng(0).integers(0, 256, (10, 8, 6, 3), "uint8")


@pytest.mark.parametrize("titles", [None, ["one", "two", "three", "four"]])
def test_the_cell_at_a_position_is_the_image_there(titles):
    picture = grids.draw(IMAGES, 4, titles)
    opaque = (picture[..., 3] == 255) & (picture[..., :3] != grids.TITLE_COLOR).any(-1)
    seen = set()
    for y in range(0, picture.shape[0], 7):
        for x in range(0, picture.shape[1], 7):
            cell = grids.find_cell((x, y), IMAGES.shape[1:], 10, 4, titles)
            if opaque[y, x]:
                assert (IMAGES[cell] == picture[y, x, :3]).all(-1).any()
                seen.add(cell)
    assert seen == set(range(10))


def test_gutters_are_transparent_and_the_chosen_image_has_a_frame():
    plain, framed = grids.draw(IMAGES, 4), grids.draw(IMAGES, 4, framed=5)
    changed = (plain != framed).any(-1)
    assert (framed[changed] == [*grids.FRAME_COLOR, 255]).all() and (plain[changed][:, 3] == 0).all()
    ys, xs = np.nonzero(changed)
    middle = ((xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2)
    assert grids.find_cell(middle, (8, 6, 3), 10, 4) == 5


def test_each_class_gets_columns_of_its_own():
    assert [grids.choose_columns(kinds) for kinds in (0, 3, 10, 16, 50)] == [8, 6, 10, 16, 8]
