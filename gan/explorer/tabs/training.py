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
    pictures = []
    with gr.Row():
        for name in ("newest", "curves"):
            with gr.Column(min_width=300):
                pictures.append(
                    gr.Image(
                        interactive=False,
                        format="png",
                        show_label=False,
                        container=False,
                        buttons=["fullscreen"],
                        elem_id=name,
                    )
                )
    timer = gr.Timer(SECONDS_BETWEEN_LOOKS)

    def look(seen):
        progress = watch.look()
        files = progress.grid, progress.curves
        stamps = tuple(file and (str(file), file.stat().st_mtime_ns) for file in files)
        shown = [
            gr.skip() if stamp == before else file and to_pillow(read_picture(file))
            for file, stamp, before in zip(files, stamps, seen or (None, None), strict=True)
        ]
        return progress.sentence, *shown, stamps

    gr.on(
        [demo.load, timer.tick],
        answering(look),
        seen,
        [sentence, *pictures, seen],
        show_progress="hidden",
        concurrency_limit=None,
    )
