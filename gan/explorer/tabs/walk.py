"""Walk: on a way through several pictures."""

import gradio as gr

from gan import images as pictures
from gan import sheets
from gan.explorer import grids, views
from gan.explorer.widgets import connect, draw_points, offer, show_pictures, slide

MOST_STOPS = 8


def build(context, tab):
    """Builds the tab. Returns the `gr.State` of the points that it walks through."""
    stops, frames = gr.State(), gr.State()
    with gr.Row():
        with gr.Column(min_width=240):
            picture = show_pictures("walk", elem_id="walk")
        with gr.Column(min_width=300):
            position = slide(0, 100, 0, 0.5, label="Position (%)", elem_id="position")
            strip = show_pictures("pictures of the walk", elem_id="stops")
            with gr.Row():
                add = gr.Button("Add chosen picture", variant="primary", elem_id="add-stop")
                remove = gr.Button("Remove the last", elem_id="remove-stop")
                save = gr.Button("Download GIF", elem_id="save-walk")

    def walk(stops, position):
        with context.models.newest() as model:
            images = views.walk(model, stops)
        return images, draw_frame(images, position), draw_points(context, stops, MOST_STOPS)

    def draw_frame(images, position):
        index = round(position / 100 * len(images)) % len(images)  # the way is a loop
        return grids.draw(images[index][None], 1)

    def extend(stops, position, chosen):
        if len(stops) == MOST_STOPS:
            raise ValueError(f"a walk has at most {MOST_STOPS} pictures: remove one first.")
        stops = stops.join(chosen)
        return stops, *walk(stops, position)

    def shorten(stops, position):
        if len(stops) == 2:
            raise ValueError("a walk needs two pictures or more: add one first.")
        stops = stops.take(0, len(stops) - 1)
        return stops, *walk(stops, position)

    def write(folder, images):
        shown = [pictures.to_frame(sheets.draw_grid(image[None], 1, None)) for image in images]
        sheets.save_walk(folder / "walk.gif", shown)
        return folder / "walk.gif"

    connect([tab.select], walk, [stops, position], [frames, picture, strip])
    connect([position.input], draw_frame, [frames, position], [picture])
    connect([add.click], extend, [stops, position, context.chosen], [stops, frames, picture, strip])
    connect([remove.click], shorten, [stops, position], [stops, frames, picture, strip])
    offer(context, save, write, [frames])
    return stops
