"""Animations: their frames, captions and files."""

import io
import math
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gan.files import written_whole
from gan.images.files import to_pillow

FRAME_PIXELS = 272
MAX_BYTES = 5_000_000
GRAY_LEVELS = np.arange(0, 256, 17, dtype="uint8")
CAPTION_SIZE = 12
CAPTION_MARGIN = 3


def to_frame(picture):
    """Reduces a picture to the size of an animation's frame, by averaging blocks of pixels.

    Args:
        picture: uint8 array `(height, width, 1 or 3)`.

    Returns:
        uint8 array of as many channels, with at most about as many pixels as a square of side 272.
    """
    frame = np.asarray(to_pillow(picture).reduce(frame_step(picture)))
    return frame.reshape(*frame.shape[:2], -1)


def frame_step(picture):
    """Returns the side of the blocks that `to_frame` averages."""
    return math.ceil(math.sqrt(math.prod(picture.shape[:2])) / FRAME_PIXELS)


def load_font(size):
    """Loads DejaVu Sans, which Matplotlib brings along."""
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def add_captions(frames, captions):
    """Writes a caption below each frame.

    Args:
        frames: List of uint8 arrays `(height, width, 1 or 3)`.
        captions: List of strings, one per frame.

    Returns:
        List of uint8 arrays `(height, width, channels)` of one shape, which is large enough for every frame and
        caption.
    """
    font = load_font(CAPTION_SIZE)
    top, width, channels = np.max([frame.shape for frame in frames], axis=0)
    width = max(width, *(math.ceil(font.getlength(caption)) + 2 * CAPTION_MARGIN for caption in captions))
    height = top + CAPTION_SIZE + 2 * CAPTION_MARGIN
    captioned = []
    for frame, caption in zip(frames, captions, strict=True):
        canvas = np.full((height, width, channels), 255, "uint8")
        canvas[: frame.shape[0], : frame.shape[1]] = frame
        image = to_pillow(canvas)
        draw = ImageDraw.Draw(image)
        draw.text((CAPTION_MARGIN, height - CAPTION_MARGIN), caption, fill="black", font=font, anchor="ld")
        captioned.append(np.asarray(image).reshape(canvas.shape))
    return captioned


def save_animation(path, frames, seconds_per_frame, last_seconds=None):
    """Writes frames as a GIF that loops forever, or as an MP4 video.

    A GIF has at most 16 gray levels or 256 colors a frame, and at most 5 MB: if it would be larger, every second
    frame is left out and the others are shown twice as long, until it fits.

    Args:
        path: The file to write: `.gif` or `.mp4`. A write that fails leaves no partial file.
        frames: List of uint8 arrays `(height, width, 1 or 3)` of one shape.
        seconds_per_frame: Float, how long each frame is shown.
        last_seconds: Float, how long the last frame is shown. Defaults to `seconds_per_frame`.

    Raises:
        ImportError: MP4 needs imageio's ffmpeg plugin, which the extra `video` of this package installs.
        ValueError: The path has another suffix.

    Example:

    ```python
    waypoints = keras.random.normal((8, 16, model.latent_dim))
    images = [model.generate(latents=latents) for latents in gan.latents.walk(waypoints, steps=16)]
    grids = [gan.images.grid(gan.images.to_uint8(one), columns=4, padding=2) for one in images]
    gan.images.save_animation("walk.gif", grids, seconds_per_frame=0.06)
    ```
    """
    save = {".gif": _save_gif, ".mp4": _save_mp4}.get(Path(path).suffix.lower())
    if save is None:
        raise ValueError(f"an animation must be named .gif or .mp4, not {path}.")
    save(path, frames, seconds_per_frame, seconds_per_frame if last_seconds is None else last_seconds)


def _save_gif(path, frames, seconds_per_frame, last_seconds):
    frames = [_to_palette(frame) for frame in frames]
    milliseconds = round(1000 * seconds_per_frame)
    while True:
        durations = [milliseconds] * (len(frames) - 1) + [max(milliseconds, round(1000 * last_seconds))]
        encoded = io.BytesIO()
        frames[0].save(encoded, "GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)
        if encoded.tell() <= MAX_BYTES or len(frames) == 1:
            break
        # The last frame stays.
        frames, milliseconds = frames[(len(frames) - 1) % 2 :: 2], 2 * milliseconds
    with written_whole(path) as partial:
        partial.write_bytes(encoded.getvalue())


def _to_palette(frame):
    if frame.shape[-1] == 3:
        # The other methods take ten times as long, which a run that draws its animation again and again would notice.
        return Image.fromarray(frame).quantize(method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    levels = np.rint(frame[..., 0] / GRAY_LEVELS[1]).astype("uint8")
    image = Image.fromarray(levels)
    image.putpalette(GRAY_LEVELS.repeat(3).tobytes())
    return image


def _save_mp4(path, frames, seconds_per_frame, last_seconds):
    try:
        import imageio.v3 as imageio
        import imageio_ffmpeg  # noqa: F401
    except ImportError:
        raise ImportError(
            f"{path} needs a video encoder. Run pip install -e '.[video]' in the clone of this library, or name a "
            ".gif file."
        ) from None
    frames = [_to_video(frame) for frame in frames]
    frames += frames[-1:] * (round(last_seconds / seconds_per_frame) - 1)
    with written_whole(path) as partial:
        imageio.imwrite(
            partial, np.stack(frames), plugin="FFMPEG", fps=1 / seconds_per_frame, quality=8, macro_block_size=1
        )


def _to_video(frame):
    height, width, _ = frame.shape
    # The colors of a video have half its resolution, so both of its sides have to be even.
    padded = np.pad(frame, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.broadcast_to(padded, (*padded.shape[:2], 3))
