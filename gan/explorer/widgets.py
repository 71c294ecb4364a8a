"""Parts of the page that several tabs use."""

import functools
import os
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
        picture: What shows the chosen picture.
        caption: What shows its class.
        download: The hidden button whose file the browser saves.
    """

    folder: Any
    models: Any
    grid: Any
    chosen: Any
    picture: Any
    caption: Any
    download: Any

    @property
    def choice(self):
        """The components that `choose` fills."""
        return [self.chosen, self.picture, self.caption]


def answering(function):
    """Makes a function answer what a user can cause by a sentence on the page, and wait for what is not there yet."""

    @functools.wraps(function)
    def answer(*args, **kwargs):
        if any(value is None for value in args):
            return gr.skip()
        try:
            return function(*args, **kwargs)
        except (ValueError, TypeError, OSError) as error:
            raise gr.Error(_shorten(str(error), args), print_exception=False) from error

    return answer


def _shorten(message, args):
    """Leaves out where the server keeps an uploaded file."""
    for path in filter(None, (arg for arg in args if isinstance(arg, str))):
        message = message.replace(path, Path(path).name)
    return message


def connect(triggers, function, inputs, outputs, show_progress="hidden"):
    """Calls a function whenever something happens. Of what happens while it runs, only the last counts.

    It skips Gradio's queue, which takes longer than most of these functions. Gradio shows errors of the queue only, so
    a call that fails is repeated there.
    """
    answer, shown = answering(function), {"show_progress": show_progress}
    called = gr.on(triggers, answer, inputs, outputs, trigger_mode="always_last", queue=False, **shown)
    called.failure(answer, inputs, outputs, **shown)


def slide(low, high, value, step, **kwargs):
    """A slider. It lacks Gradio's button that resets it, which answers no event that dragging it does."""
    return gr.Slider(low, high, value, step=step, buttons=[], **kwargs)


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


def choose(context, point):
    """Returns the values of `Context.choice` that choose a picture."""
    with context.models.newest() as model:
        names = name_kinds(model, context.folder.class_names)
    caption = "" if point.labels is None else f"class {names[point.labels[0]]}"
    return point, draw_points(context, point, 1), caption


def lay_out(context, points, columns=None):
    """Returns the number of columns of a grid of points, and their titles or None, as if the number was given."""
    model = context.models.model
    if columns:
        return columns, None
    columns = grids.choose_columns(model.num_classes or 0)
    if points.labels is None or len(set(points.labels)) == 1:
        return columns, None
    return columns, sheets.find_titles(name_kinds(model, context.folder.class_names), points.labels, columns)


def choose_from(context, picture, points, columns=None):
    """Lets a click on a grid choose a picture, which gets a frame.

    Args:
        context: `Context`.
        picture: The component that shows the grid.
        points: `gr.State` of the points that it shows.
        columns: Int, number of its columns. Defaults to that of `lay_out`.
    """

    def click(points, event: gr.SelectData):
        shape = context.models.model.image_shape
        index = grids.find_cell(event.index, shape, len(points), *lay_out(context, points, columns))
        if index is None:
            return gr.skip()
        return *choose(context, points.take(index, index + 1)), draw_points(context, points, columns, framed=index)

    connect([picture.select], click, [points], [*context.choice, picture])


def offer(context, button, write, inputs):
    """Lets a button download a file.

    Args:
        context: `Context`.
        button: `gr.Button`.
        write: Function from a new folder and the values of `inputs` to the path of the file that it wrote there.
        inputs: List of components.
    """

    def make(*values):
        return str(write(Path(tempfile.mkdtemp(dir=os.environ["GRADIO_TEMP_DIR"])), *values))

    written = button.click(answering(make), inputs, context.download, show_progress="minimal")
    written.success(None, js=CLICK_DOWNLOAD)


def write_latents(folder, points):
    """Writes the latents of points for `generate.py --latents`. Returns the path."""
    sheets.save_array(folder / "latents.npy", points.latents)
    return folder / "latents.npy"
