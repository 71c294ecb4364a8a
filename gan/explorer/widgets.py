"""Parts of the page that several tabs use."""

import functools
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from gan import sheets
from gan.explorer import grids, views
from gan.explorer.points import name_kinds

DOWNLOAD_ID = "download"
# The browser gets the file once the hidden link has its address.
CLICK_DOWNLOAD = f"""() => {{
    const link = document.querySelector("#{DOWNLOAD_ID}");
    setTimeout(() => (link.querySelector("a") ?? link.closest("a") ?? link).click(), 100);
}}"""


class Context(NamedTuple):
    """What all tabs share.

    Attributes:
        folder: `gan.explorer.folder.RunFolder`.
        models: `gan.explorer.models.Models`.
        grid: `gr.State` of the `Points` of the grid of samples.
        chosen: `gr.State` of the `Points` of the chosen picture.
        download: The hidden button whose file the browser saves.
    """

    folder: Any
    models: Any
    grid: Any
    chosen: Any
    download: Any


def answering(function):
    """Makes a function answer what a user can cause by a sentence on the page."""

    @functools.wraps(function)
    def answer(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


def show_pictures(label, **kwargs):
    """A place for generated pictures, which are never blurred."""
    return gr.Image(
        format="png",
        interactive=False,
        show_label=False,
        container=False,
        buttons=["fullscreen"],
        elem_classes="pixels",
        alt_text=label,
        label=label,
        **kwargs,
    )


def draw_points(context, points, columns=None, framed=None):
    """Returns the grid of points, with the names of classes above it if each column shows one."""
    with context.models.newest() as model:
        images = views.show(model, points)
    columns, titles = lay_out(context, points, columns)
    return grids.draw(images, columns, titles, framed)


def lay_out(context, points, columns=None):
    """Returns the number of columns of a grid of points, and their titles or None."""
    model = context.models.model
    columns = columns or grids.choose_columns(model.num_classes or 0)
    if points.labels is None or len(points) < columns:
        return columns, None
    in_columns = [set(points.labels[column::columns]) for column in range(columns)]
    if len(set(points.labels)) == 1 or any(len(kinds) > 1 for kinds in in_columns):
        return columns, None
    names = name_kinds(model, context.folder.class_names)
    return columns, [names[next(iter(kinds))] for kinds in in_columns]


def choose_from(context, picture, points, columns=None):
    """Lets a click on a grid choose a picture, which gets a frame.

    Args:
        context: `Context`.
        picture: The component that shows the grid.
        points: `gr.State` of the points that it shows.
        columns: Int, number of its columns. Defaults to that of `lay_out`.
    """

    def choose(points, shown, event: gr.SelectData):
        count, _ = lay_out(context, points, columns)
        shape = context.models.model.image_shape
        index = grids.find_cell(event.index, shown.shape, shape, len(points), count)
        if index is None:
            return gr.skip()
        return points.take(index, index + 1), draw_points(context, points, columns, framed=index)

    picture.select(answering(choose), [points, picture], [context.chosen, picture], show_progress="hidden")


def offer(context, button, write, inputs):
    """Lets a button download a file.

    Args:
        context: `Context`.
        button: `gr.Button`.
        write: Function from a new folder and the values of `inputs` to the path of the file that it wrote there.
        inputs: List of components.
    """

    def make(*values):
        return str(write(Path(tempfile.mkdtemp(dir=tempfile.gettempdir())), *values))

    written = button.click(answering(make), inputs, context.download, show_progress="minimal")
    written.success(None, js=CLICK_DOWNLOAD)


def write_latents(folder, points):
    """Writes the latents of points for `generate.py --latents`. Returns the path."""
    sheets.save_array(folder / "latents.npy", points.latents)
    return folder / "latents.npy"
