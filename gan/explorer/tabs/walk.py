"""Walk: on a way through several pictures."""

import gradio as gr

from gan import images as pictures
from gan import sheets
from gan.explorer import grids, views
from gan.explorer.widgets import answering, draw_points, offer, show_pictures

MOST_STOPS = 8


def build(context):
    """Builds the tab. Returns the `gr.State` of the points that it walks through."""
    stops, frames = gr.State(), gr.State()
    with gr.Row():
        with gr.Column(min_width=240):
            picture = show_pictures("walk", elem_id="walk")
        with gr.Column(min_width=300):
            position = gr.Slider(0, 100, 0, step=0.5, label="Position (%)", elem_id="position")
            strip = show_pictures("pictures of the walk", elem_id="stops")
            with gr.Row():
                add = gr.Button("Add chosen picture", variant="primary", elem_id="add-stop")
                remove = gr.Button("Remove the last", elem_id="remove-stop")
                save = gr.Button("Download GIF", elem_id="save-walk")

    def walk(stops, position):
        if len(stops) < 2:
            raise ValueError("a walk needs two pictures or more: choose one, and add it.")
        with context.models.newest() as model:
            images = views.walk(model, stops)
        return images, draw_frame(images, position), draw_points(context, stops, MOST_STOPS)

    def draw_frame(images, position):
        index = round(position / 100 * len(images)) % len(images)  # the way is a loop
        return grids.draw(images[index][None], 1)

    def extend(stops, chosen):
        if len(stops) == MOST_STOPS:
            raise ValueError(f"a walk has at most {MOST_STOPS} pictures: remove one first.")
        return stops.join(chosen)

    def shorten(stops):
        if len(stops) == 2:
            raise ValueError("a walk needs two pictures or more: add one first.")
        return stops.take(0, len(stops) - 1)

    def write(folder, images):
        shown = [pictures.to_frame(sheets.draw_grid(image[None], 1, None)) for image in images]
        sheets.save_walk(folder / "walk.gif", shown)
        return folder / "walk.gif"

    quickly = {"show_progress": "hidden", "trigger_mode": "always_last"}
    stops.change(answering(walk), [stops, position], [frames, picture, strip], **quickly)
    position.input(answering(draw_frame), [frames, position], picture, **quickly)
    add.click(answering(extend), [stops, context.chosen], stops, show_progress="hidden")
    remove.click(answering(shorten), stops, stops, show_progress="hidden")
    offer(context, save, write, [frames])
    return stops
