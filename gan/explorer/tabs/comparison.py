"""Compare and epochs: other checkpoints of a run on the same latents."""

import gradio as gr

from gan.explorer import grids
from gan.explorer.widgets import connect, lay_out, show_pictures, slide
from gan.kept import find_kept

NONE_KEPT = (
    "This run keeps no models of earlier epochs. `python scripts/train.py --keep-every EPOCHS` keeps one every so many "
    "epochs."
)


def draw(context, checkpoint, points):
    images = context.models.show(checkpoint, points)
    return grids.draw(images, *lay_out(context, points))


def build_comparison(context, tab):
    """Builds the tab that compares two checkpoints. Returns its two choices."""
    choices, pictures = [], []
    with gr.Row():
        for side in ("left", "right"):
            with gr.Column(min_width=260):
                choice = gr.Dropdown(label="Checkpoint", elem_id=f"checkpoint-{side}")
                picture = show_pictures(f"images of the {side} checkpoint", elem_id=f"compared-{side}")
                choices.append(choice)
                pictures.append(picture)

    def compare(name, points):
        checkpoints = context.folder.find_checkpoints()
        if name not in checkpoints:
            raise ValueError(f"there is no checkpoint {name} any more. Reload the page.")
        return draw(context, checkpoints[name], points)

    for choice, picture in zip(choices, pictures, strict=True):
        connect([tab.select, choice.input], compare, [choice, context.grid], [picture], show_progress="minimal")
    return choices


def build_epochs(context, tab):
    """Builds the tab that scrubs through the epochs. Returns its slider and the text where there are none."""
    missing = gr.Markdown(NONE_KEPT, elem_id="none-kept")
    epoch = slide(1, 2, 1, 1, label="Epoch", elem_id="epoch")
    picture = show_pictures("images of the epoch", elem_id="of-epoch")

    def scrub(epoch, points):
        kept = find_kept(context.folder.folder)
        if not kept:
            return gr.skip()
        nearest = min(kept, key=lambda one: abs(one - epoch))
        return draw(context, kept[nearest], points)

    connect([tab.select, epoch.input], scrub, [epoch, context.grid], [picture], show_progress="minimal")
    return epoch, missing, picture
