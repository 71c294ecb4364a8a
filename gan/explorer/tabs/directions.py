"""Directions: the chosen picture, moved along the directions that change images most."""

import gradio as gr

from gan.explorer import views
from gan.explorer.models import DIRECTIONS
from gan.explorer.widgets import answering, draw_points, show_pictures

FARTHEST = 4


def build(context):
    moved = gr.State()
    with gr.Row():
        with gr.Column(min_width=260):
            sliders = [
                gr.Slider(-FARTHEST, FARTHEST, 0, step=0.1, label=f"Direction {index}", elem_id=f"direction-{index}")
                for index in range(1, DIRECTIONS + 1)
            ]
            with gr.Row():
                reset = gr.Button("Reset", min_width=80, elem_id="reset")
                keep = gr.Button("Choose this picture", variant="primary", min_width=120, elem_id="keep")
        with gr.Column(min_width=260):
            picture = show_pictures("moved picture", elem_id="moved")

    def draw(chosen, *strengths):
        with context.models.newest() as model:
            directions = context.models.directions
            if directions is None:
                return gr.skip()
            found = views.move(model, chosen, directions, strengths[: len(directions)])
        return found, draw_points(context, found, 1)

    gr.on(
        [context.chosen.change, *(slider.change for slider in sliders)],
        answering(draw),
        [context.chosen, *sliders],
        [moved, picture],
        show_progress="hidden",
        trigger_mode="always_last",
    )
    reset.click(lambda: [0] * DIRECTIONS, None, sliders, show_progress="hidden")
    keep.click(lambda moved: [moved, *[0] * DIRECTIONS], moved, [context.chosen, *sliders], show_progress="hidden")
