"""Directions: the chosen picture, moved along the directions that change images most."""

import gradio as gr

from gan.explorer import views
from gan.explorer.models import DIRECTIONS
from gan.explorer.widgets import choose, connect, draw_points, show_pictures, slide

FARTHEST = 4


def build(context, tab):
    moved = gr.State()
    with gr.Row():
        with gr.Column(min_width=260):
            sliders = [
                slide(-FARTHEST, FARTHEST, 0, 0.1, label=f"Direction {index}", elem_id=f"direction-{index}")
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
            found = views.move(model, chosen, directions, strengths[: len(directions)])
        return found, draw_points(context, found, 1)

    def reset_all(chosen):
        return *[0] * DIRECTIONS, *draw(chosen, *[0] * DIRECTIONS)

    def choose_moved(moved):
        return *choose(context, moved), *reset_all(moved)

    connect([tab.select, *(slider.input for slider in sliders)], draw, [context.chosen, *sliders], [moved, picture])
    connect([reset.click], reset_all, [context.chosen], [*sliders, moved, picture])
    connect([keep.click], choose_moved, [moved], [*context.choice, *sliders, moved, picture])
