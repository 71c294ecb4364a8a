"""Training: the newest grid, the curves and the time left of a run."""

import gradio as gr

from gan.explorer.progress import Watch
from gan.explorer.widgets import answering
from gan.images.files import read_picture, to_pillow

SECONDS_BETWEEN_LOOKS = 2


def build(context, demo):
    watch = Watch(context.folder.folder)
    seen = gr.State(())
    sentence = gr.Markdown(elem_id="progress")
    with gr.Row():
        grid, curves = (
            gr.Image(label=label, interactive=False, format="png", buttons=["fullscreen"], elem_id=name)
            for label, name in (("Newest images", "newest"), ("Curves", "curves"))
        )
    timer = gr.Timer(SECONDS_BETWEEN_LOOKS)

    def look(seen):
        progress = watch.look()
        files = progress.grid, progress.curves
        stamps = tuple(file and (str(file), file.stat().st_mtime_ns) for file in files)
        pictures = [
            gr.skip() if stamp == before else file and to_pillow(read_picture(file))
            for file, stamp, before in zip(files, stamps, seen or (None, None), strict=True)
        ]
        return progress.sentence, *pictures, stamps

    gr.on(
        [demo.load, timer.tick],
        answering(look),
        seen,
        [sentence, grid, curves, seen],
        show_progress="hidden",
        concurrency_limit=None,
    )
