"""Classes: the chosen picture between two classes."""

import gradio as gr
import numpy as np

from gan.explorer import grids, views
from gan.explorer.widgets import connect, show_pictures, slide

STRIP = 9


def build(context, tab):
    """Builds the tab. Returns its two choices of a class."""
    with gr.Row():
        first = gr.Dropdown(label="From", type="index", elem_id="first-kind")
        second = gr.Dropdown(label="To", type="index", elem_id="second-kind")
        share = slide(0, 100, 50, 1, label="Share of the second (%)", elem_id="share")
    with gr.Row():
        with gr.Column(min_width=240):
            picture = show_pictures("mixed picture", elem_id="mixed")
        with gr.Column(min_width=240):
            strip = show_pictures("steps between the classes", elem_id="mixed-strip")

    def draw(chosen, first, second, share):
        shares = [share / 100, *np.linspace(0, 1, STRIP)]
        with context.models.newest() as model:
            images = views.mix(model, chosen, first, second, shares)
        nearest = round(share / 100 * (STRIP - 1))
        return grids.draw(images[:1], 1), grids.draw(images[1:], 3, framed=nearest)

    triggers = [tab.select, first.input, second.input, share.input]
    connect(triggers, draw, [context.chosen, first, second, share], [picture, strip])
    return first, second
