"""Classes: the chosen picture between two classes."""

import gradio as gr
import numpy as np

from gan.explorer import grids, views
from gan.explorer.widgets import answering, show_pictures

STRIP = 9


def build(context):
    """Builds the tab. Returns its two choices of a class."""
    with gr.Row():
        first = gr.Dropdown(label="From", type="index", elem_id="first-kind")
        second = gr.Dropdown(label="To", type="index", elem_id="second-kind")
        share = gr.Slider(0, 100, 50, step=1, label="Share of the second (%)", elem_id="share")
    with gr.Row():
        with gr.Column(min_width=240):
            picture = show_pictures("mixed picture", elem_id="mixed")
        with gr.Column(min_width=240):
            strip = show_pictures("steps between the classes", elem_id="mixed-strip")

    def draw(chosen, first, second, share):
        if first is None or second is None or not context.models.can_mix:
            return gr.skip()
        shares = [share / 100, *np.linspace(0, 1, STRIP)]
        with context.models.newest() as model:
            images = views.mix(model, chosen, first, second, shares)
        nearest = round(share / 100 * (STRIP - 1))
        return grids.draw(images[:1], 1), grids.draw(images[1:], 3, framed=nearest)

    gr.on(
        [context.chosen.change, first.change, second.change, share.input],
        answering(draw),
        [context.chosen, first, second, share],
        [picture, strip],
        show_progress="hidden",
        trigger_mode="always_last",
    )
    return first, second
