"""Samples: a grid by seed, class and truncation, from which one picture is chosen."""

import random

import gradio as gr

from gan import images as pictures
from gan import sheets
from gan.explorer import grids, points, views
from gan.explorer.widgets import (
    answering,
    choose_from,
    connect,
    draw_points,
    lay_out,
    offer,
    show_pictures,
    slide,
    write_latents,
)

COUNT = 40
MOST_SEED = 2**31 - 1
ANY = -1


def count_samples(model):
    """Returns about 40: whole rows."""
    columns = grids.choose_columns(model.num_classes or 0)
    return columns * max(2, COUNT // columns)


def build(context):
    """Builds the tab. Returns its components that depend on the model: of the class, and of the grid."""
    with gr.Row(equal_height=True):
        seed = gr.Number(0, label="Seed", precision=0, min_width=100, elem_id="seed")
        kind = gr.Dropdown([("any", ANY)], value=ANY, label="Class", min_width=140, elem_id="kind")
        truncation = slide(0.1, 1, 1, 0.05, label="Truncation", info="lower: more typical", elem_id="truncation")
        another = gr.Button("Other pictures", variant="primary", min_width=120, elem_id="another")
    picture = show_pictures("samples", elem_id="samples")
    with gr.Row():
        save_grid = gr.Button("Download grid", elem_id="save-grid")
        save_latents = gr.Button("Download latents", elem_id="save-latents")
        load_latents = gr.UploadButton("Open latents", file_types=[".npy"], elem_id="load-latents")

    def draw(seed, kind, truncation):
        if not 0 <= seed <= MOST_SEED:
            raise ValueError(f"the seed must be between 0 and {MOST_SEED:,}, not {seed:,}.")
        with context.models.newest() as model:
            kind = None if kind == ANY else kind
            drawn = points.draw(model, count_samples(model), seed, kind, truncation)
        return drawn, draw_points(context, drawn)

    def read(path, kind):
        with context.models.newest() as model:
            opened = points.read(model, path, None if kind == ANY else kind)
        return opened, draw_points(context, opened)

    def write_grid(folder, drawn):
        with context.models.newest() as model:
            images = views.show(model, drawn)
        pictures.save_picture(folder / "grid.png", sheets.draw_grid(images, *lay_out(context, drawn)))
        return folder / "grid.png"

    def draw_others(kind, truncation):
        seed = random.randrange(10**6)
        return seed, *draw(seed, kind, truncation)

    triggers = [seed.input, kind.input, truncation.input]
    connect(triggers, draw, [seed, kind, truncation], [context.grid, picture])
    connect([another.click], draw_others, [kind, truncation], [seed, context.grid, picture])
    load_latents.upload(answering(read), [load_latents, kind], [context.grid, picture])
    choose_from(context, picture, context.grid)
    offer(context, save_grid, write_grid, [context.grid])
    offer(context, save_latents, write_latents, [context.grid])
    return kind, picture
