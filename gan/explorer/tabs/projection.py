"""Project: the generated image that is most similar to a picture."""

import gradio as gr

from gan.explorer import grids, views
from gan.explorer.widgets import answering, choose, draw_points, show_pictures


def build(context):
    with gr.Row():
        with gr.Column(min_width=240):
            upload = gr.File(label="Drop a picture here", height=200, elem_id="upload")
            text = gr.Markdown(elem_id="distance-text")
        with gr.Column(min_width=200):
            picture = show_pictures("picture", elem_id="target")
            gr.Markdown("the picture, as the GAN sees it", elem_classes="caption")
        with gr.Column(min_width=200):
            projection = show_pictures("projection", elem_id="projection")
            gr.Markdown("the most similar generated image, now the chosen one", elem_classes="caption")

    def project(path, progress=gr.Progress()):  # noqa: B008, Gradio finds it there
        progress(0, desc="Waiting")
        with context.models.projecting() as model:
            progress(0, desc="Searching")
            background = context.folder.background
            target, found, distance = views.project(model, path, background, lambda share: progress(share, "Searching"))
        text = f"Root mean square difference of the pixels: {distance:.3f} (0: the same picture, 2: its negative)."
        return grids.draw(target[None], 1), draw_points(context, found, 1), text, *choose(context, found)

    upload.upload(answering(project), upload, [picture, projection, text, *context.choice], show_progress_on=projection)
