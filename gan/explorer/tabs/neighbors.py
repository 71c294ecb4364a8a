"""Neighbors: pictures near the chosen one."""

import gradio as gr

from gan.explorer import views
from gan.explorer.widgets import answering, choose_from, draw_points, show_pictures

COUNT, COLUMNS = 24, 8


def build(context):
    shown, seed = gr.State(), gr.State(0)
    with gr.Row(equal_height=True):
        distance = gr.Slider(
            0, 1, 0.3, step=0.02, label="Distance", info="0: the same picture, 1: any picture", elem_id="distance"
        )
        another = gr.Button("Other directions", min_width=120, scale=0, elem_id="other-neighbors")
    picture = show_pictures("neighbors", elem_id="neighbors")

    def draw(chosen, distance, seed):
        with context.models.newest() as model:
            found = views.find_neighbors(model, chosen, COUNT, distance, seed)
        return found, draw_points(context, found, COLUMNS)

    gr.on(
        [context.chosen.change, distance.input, seed.change],
        answering(draw),
        [context.chosen, distance, seed],
        [shown, picture],
        show_progress="hidden",
        trigger_mode="always_last",
    )
    another.click(lambda seed: seed + 1, seed, seed, show_progress="hidden")
    choose_from(context, picture, shown, COLUMNS)
