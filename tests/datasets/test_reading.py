import io

import numpy as np
import pytest
from PIL import Image

from gan.datasets import pictures

WHITE = (255, 255, 255)
COLORS = np.random.default_rng(0).integers(0, 256, (8, 12, 4), "uint8")
SHAPE = (8, 12, 3)


def read(path, shape=SHAPE, background=WHITE):
    return pictures.read_picture(path, shape, background)


def pixels_of(path, **kwargs):
    reading = read(path, **kwargs)
    assert reading.problem is None
    return reading.pixels


def composite(image, background):
    """What Pillow shows of a transparent picture on a background."""
    image = image.convert("RGBA")
    canvas = Image.new("RGBA", image.size, background)
    canvas.paste(image, mask=image)
    return np.asarray(canvas.convert("RGB"))


def with_color_key():
    image = Image.fromarray(COLORS[..., 0]).quantize(16)
    image.info["transparency"] = 3
    return image


@pytest.mark.parametrize("background", [WHITE, (255, 128, 0)])
@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(COLORS),
        Image.fromarray(COLORS[..., :2], "LA"),
        with_color_key(),
        Image.fromarray(COLORS).quantize(200),
    ],
    ids=["RGBA", "LA", "palette with a transparent color", "palette with alpha"],
)
def test_transparency_is_put_on_the_background_as_pillow_does(tmp_path, image, background):
    image.save(tmp_path / "x.png")
    reading = read(tmp_path / "x.png", background=background)
    difference = reading.pixels.astype(int) - composite(Image.open(tmp_path / "x.png"), background)
    assert np.abs(difference).max() <= 1 and reading.is_transparent


def test_an_opaque_alpha_channel_is_no_transparency(tmp_path):
    opaque = COLORS.copy()
    opaque[..., 3] = 255
    Image.fromarray(opaque).save(tmp_path / "x.png")
    reading = read(tmp_path / "x.png")
    np.testing.assert_array_equal(reading.pixels, COLORS[..., :3])
    assert not reading.is_transparent


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright(tmp_path, orientation):
    """By the definition of EXIF: row 0 and column 0 of what is stored are these sides of what people see."""
    stored = COLORS[..., :3]
    upright = {
        1: stored,
        2: stored[:, ::-1],
        3: stored[::-1, ::-1],
        4: stored[::-1],
        5: stored.transpose(1, 0, 2),
        6: stored.transpose(1, 0, 2)[:, ::-1],
        7: stored.transpose(1, 0, 2)[::-1, ::-1],
        8: stored.transpose(1, 0, 2)[::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "x.png", exif=exif)
    np.testing.assert_array_equal(pixels_of(tmp_path / "x.png", shape=upright.shape), upright)


def test_16_bits_become_8(tmp_path):
    values = np.linspace(0, 65535, 96).reshape(8, 12)
    for name in ("x.png", "x.tiff"):
        Image.fromarray(values.astype("uint16")).save(tmp_path / name)
        np.testing.assert_allclose(pixels_of(tmp_path / name, shape=(8, 12, 1))[..., 0], values / 257, atol=1)


def test_bytes_in_wider_whole_numbers_stay_bytes(tmp_path):
    values = np.arange(96, dtype="int32").reshape(8, 12)
    Image.fromarray(values).save(tmp_path / "x.tiff")
    np.testing.assert_array_equal(pixels_of(tmp_path / "x.tiff", shape=(8, 12, 1))[..., 0], values)


def test_a_failure_without_words_has_a_name(tmp_path, monkeypatch):
    Image.fromarray(COLORS).save(tmp_path / "x.png")

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(pictures.ImageOps, "fit", fail)
    assert read(tmp_path / "x.png").problem == "MemoryError"


def test_cmyk_is_shown_in_its_colors(tmp_path):
    red = Image.new("CMYK", (12, 8), (0, 255, 255, 0))
    for name in ("x.jpg", "x.tiff"):
        red.save(tmp_path / name, **({"quality": 95} if name == "x.jpg" else {}))
        assert np.abs(pixels_of(tmp_path / name).astype(int) - (255, 0, 0)).max() < 6


def test_the_first_frame_of_an_animation_is_read(tmp_path):
    frames = [Image.new("RGB", (12, 8), color) for color in ("red", "blue")]
    for name in ("x.gif", "x.webp", "x.png", "x.tiff"):
        options = {"lossless": True} if name == "x.webp" else {}
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(pixels_of(tmp_path / name), np.broadcast_to((255, 0, 0), SHAPE))


@pytest.mark.parametrize("format", ["bmp", "gif", "jpeg", "png", "tiff", "webp", "heif"])
def test_the_format_follows_from_the_content(tmp_path, format):
    if format == "heif":
        pytest.importorskip("pillow_heif")
    smooth = Image.fromarray(COLORS[..., :3]).resize((120, 80), Image.Resampling.BICUBIC)
    for name in (f"x.{format}", "x.png", "x.txt", "x"):
        smooth.save(tmp_path / name, format)
        expected = np.asarray(smooth.resize((12, 8), Image.Resampling.BICUBIC), int)
        assert np.abs(pixels_of(tmp_path / name) - expected).mean() < 8


def test_a_picture_is_cropped_around_its_center(tmp_path):
    wide = np.zeros((8, 40, 3), "uint8")
    wide[:, 16:24] = COLORS[:, :8, :3]
    Image.fromarray(wide).save(tmp_path / "x.png")
    np.testing.assert_array_equal(pixels_of(tmp_path / "x.png", shape=(8, 8, 3)), COLORS[:, :8, :3])


def test_a_very_large_picture_is_read(tmp_path):
    Image.new("L", (14_000, 14_000), 77).save(tmp_path / "x.png")
    limit = Image.MAX_IMAGE_PIXELS
    np.testing.assert_array_equal(pixels_of(tmp_path / "x.png", shape=(4, 4, 1)), np.full((4, 4, 1), 77))
    assert limit == Image.MAX_IMAGE_PIXELS


def encode(format):
    stream = io.BytesIO()
    Image.fromarray(COLORS[..., :3]).resize((100, 100)).save(stream, format)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.jpg", encode("JPEG")[:-200], "truncated"),
        ("x.png", encode("PNG")[:-200], ""),
        ("x.webp", encode("WEBP")[:-200], ""),
        ("x", encode("JPEG")[:200], ""),
        ("x.gif", b"", "not a picture"),
        ("x.PNG", b"<html>not found</html>", "not a picture"),
        ("x.tiff", encode("TIFF")[:-200], ""),
    ],
)
def test_a_damaged_picture_has_a_problem(tmp_path, name, content, problem):
    (tmp_path / name).write_bytes(content)
    reading = read(tmp_path / name)
    assert reading.pixels is None and problem in reading.problem and len(reading.problem.splitlines()) == 1


@pytest.mark.parametrize("name", ["Thumbs.db", "notes.txt", "movie.mp4", "photo.jpg.aae"])
def test_other_files_are_no_pictures(tmp_path, name):
    (tmp_path / name).write_bytes(b"\0\0\0\x18ftypmp42 something else")
    assert read(tmp_path / name) == pictures.Reading()


def test_heic_without_its_package_names_it(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "FORMATS", ("JPEG", "PNG"))
    (tmp_path / "x.HEIC").write_bytes(b"\0\0\0\x18ftypheic....")
    assert "pillow-heif, which the extra 'heic' installs" in read(tmp_path / "x.HEIC").problem
    monkeypatch.setattr(pictures, "FORMATS", ("JPEG", "HEIF"))
    assert read(tmp_path / "x.HEIC").problem == "a damaged HEIC picture"


def test_a_file_that_is_gone_has_a_problem(tmp_path):
    assert read(tmp_path / "x.png").problem == "No such file or directory"


@pytest.mark.parametrize("name", ["whitish", "#ggg", "", None, 7])
def test_a_background_that_is_no_color_is_refused(name):
    with pytest.raises(ValueError, match="background must be a color such as white or #ff8000, not "):
        pictures.parse_color(name)


def test_pictures_are_read_together_or_refused(tmp_path):
    Image.fromarray(COLORS).save(tmp_path / "a.png")
    Image.fromarray(COLORS[::-1]).save(tmp_path / "b.png")
    (tmp_path / "c.png").write_text("no picture")
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    together = pictures.read_pictures(paths, SHAPE, "#ff8000")
    for path, image in zip(paths, together, strict=True):
        np.testing.assert_array_equal(image, pixels_of(path, background=(255, 128, 0)))
    for arguments, sentence in (
        (([*paths, tmp_path / "c.png"], SHAPE), r"c.png cannot be read: not a picture"),
        ((paths, SHAPE, "no color"), "background must be a color"),
        ((str(paths[0]), SHAPE), "paths must be a list of at least one path"),
        (([], SHAPE), "paths must be a list of at least one path"),
        ((paths, (8, 12, 4)), r"image_shape must be \(height, width, 1 or 3\), not \(8, 12, 4\)"),
    ):
        with pytest.raises(ValueError, match=sentence):
            pictures.read_pictures(*arguments)
