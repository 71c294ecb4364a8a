"""Neighbors: pictures near the chosen one."""

import gradio as gr

from gan.explorer import views
from gan.explorer.widgets import choose_from, connect, draw_points, show_pictures, slide

COUNT, COLUMNS = 24, 8


def build(context, tab):
    shown, seed = gr.State(), gr.State(0)
    with gr.Row(equal_height=True):
        distance = slide(
            0, 1, 0.3, 0.02, label="Distance", info="0: the same picture, 1: any picture", elem_id="distance"
        )
        another = gr.Button("Other neighbors", min_width=120, scale=0, elem_id="other-neighbors")
    picture = show_pictures("neighbors", elem_id="neighbors")

    def draw(chosen, distance, seed):
        with context.models.newest() as model:
            found = views.find_neighbors(model, chosen, COUNT, distance, seed)
        return found, draw_points(context, found, COLUMNS)

    def turn(chosen, distance, seed):
        return seed + 1, *draw(chosen, distance, seed + 1)

    inputs, outputs = [context.chosen, distance, seed], [shown, picture]
    connect([tab.select, distance.input], draw, inputs, outputs)
    connect([another.click], turn, inputs, [seed, *outputs])
    choose_from(context, picture, shown, COLUMNS)
