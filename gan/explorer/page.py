"""The page: its layout, what it shows when it is opened, and how it is served."""

import contextlib
import os
import tempfile

import gradio as gr

from gan.explorer import views
from gan.explorer.folder import RunFolder
from gan.explorer.models import Models
from gan.explorer.points import count_kinds, draw, name_kinds
from gan.explorer.tabs import comparison, directions, mixing, neighbors, projection, samples, training, walk
from gan.explorer.widgets import (
    DOWNLOAD_ID,
    Context,
    answering,
    choose,
    draw_points,
    offer,
    show_pictures,
    write_latents,
)
from gan.images import enlarge, save_picture
from gan.kept import find_kept
from gan.text import format_count, format_shape

MOST_UPLOADED = "20mb"
FIRST_STOPS = 4
CSS = """
.pixels img { image-rendering: pixelated; width: 100%; object-fit: contain; }
.caption { text-align: center; opacity: .7; }
.pixels .icon-button-wrapper { opacity: 0; }
.pixels:hover .icon-button-wrapper, .pixels:focus-within .icon-button-wrapper { opacity: 1; }
#another, #other-neighbors { align-self: center; }
#chosen { max-width: 320px; }
#samples img, #neighbors img { cursor: pointer; }
footer { display: none !important; }
"""


def build(path):
    """Builds the page of a run.

    Args:
        path: The run's folder, or a `.keras` file.

    Returns:
        The `gr.Blocks`.
    """
    folder, models = RunFolder(path), Models(path)
    models.refresh()
    with gr.Blocks(title=f"{folder.path.name} - gan", analytics_enabled=False, delete_cache=(600, 1800)) as demo:
        download = gr.DownloadButton(visible="hidden", elem_id=DOWNLOAD_ID)
        header = gr.Markdown(elem_id="header")
        with gr.Row():
            with gr.Column(scale=1, min_width=240, visible=models.model is not None) as side:
                context = _build_chosen(folder, models, download)
            with gr.Column(scale=3, min_width=480), gr.Tabs(selected="samples_tab" if models.model else "training"):
                parts = _build_tabs(context, demo)
        _open(context, demo, header, side, parts)
    return demo


def _build_chosen(folder, models, download):
    """Builds the place of the chosen picture. Returns the `Context` that holds it."""
    gr.Markdown("### Chosen picture\nClick on a picture in Samples or Neighbors to choose it.")
    picture = show_pictures("chosen picture", elem_id="chosen")
    caption = gr.Markdown(elem_id="chosen-text", elem_classes="caption")
    save = gr.Button("Download picture", elem_id="save-picture")
    save_latents = gr.Button("Download its latents", elem_id="save-chosen")
    context = Context(folder, models, gr.State(), gr.State(), picture, caption, download)

    def write(folder, chosen):
        with context.models.newest() as model:
            (image,) = views.show(model, chosen)
        save_picture(folder / "picture.png", enlarge(image))
        return folder / "picture.png"

    offer(context, save, write, [context.chosen])
    offer(context, save_latents, write_latents, [context.chosen])
    return context


def _build_tabs(context, demo):
    """Builds the tabs. Returns those that depend on the model, and their components that do."""
    parts = {}

    def tab(name, label):
        parts[name] = gr.Tab(label, id=name, visible=_is_shown(context.models, name))
        return parts[name]

    with tab("samples_tab", "Samples"):
        parts["kind"], parts["samples"] = samples.build(context)
    with tab("neighbors_tab", "Neighbors") as opened_tab:
        neighbors.build(context, opened_tab)
    with tab("walk_tab", "Walk") as opened_tab:
        parts["stops"] = walk.build(context, opened_tab)
    with tab("directions_tab", "Directions") as opened_tab:
        directions.build(context, opened_tab)
    with tab("mixing_tab", "Mix classes") as opened_tab:
        parts["first"], parts["second"] = mixing.build(context, opened_tab)
    with tab("projection_tab", "Project"):
        projection.build(context)
    with tab("comparison_tab", "Compare") as opened_tab:
        parts["left"], parts["right"] = comparison.build_comparison(context, opened_tab)
    with tab("epochs_tab", "Epochs") as opened_tab:
        parts["epoch"], parts["missing"], parts["of_epoch"] = comparison.build_epochs(context, opened_tab)
    with gr.Tab("Training", id="training"):
        training.build(context, demo)
    return parts


def _is_shown(models, tab):
    """Returns whether the newest model suits a tab."""
    suits = {"directions_tab": models.directions is not None, "mixing_tab": models.can_mix}
    return suits.get(tab, models.model is not None)


def _open(context, demo, header, side, parts):
    """Fills the page when a browser opens it: with the newest model, or without one."""

    def fill():
        try:
            has_model = context.models.refresh()
        except ValueError as error:
            gr.Warning(str(error))
            has_model = context.models.model is not None
        updates = {header: _describe(context), side: gr.update(visible=has_model)}
        tabs = [name for name in parts if name.endswith("_tab")]
        updates |= {parts[name]: gr.update(visible=_is_shown(context.models, name)) for name in tabs}
        return {**updates, **(_fill_from_model(context, parts) if has_model else {})}

    outputs = [header, side, context.grid, *context.choice, *parts.values()]
    demo.load(answering(fill), None, outputs, show_progress="hidden")


def _describe(context):
    folder, model = context.folder, context.models.model
    title = f"# {folder.path.resolve().name}"
    if model is None:
        return f"{title}\nThis run has no model yet. Reload the page after its first epoch."
    arguments = (folder.config or {"arguments": {}})["arguments"]
    kinds = count_kinds(model)
    facts = [
        *([f"preset {arguments['preset']}"] if "preset" in arguments else []),
        f"images of {format_shape(model.image_shape)}",
        *([format_count(kinds, "class", "classes") if model.num_classes else f"{kinds} clusters"] if kinds else []),
        f"model {context.models.file.name}",
    ]
    return f"{title}\n{' · '.join(facts)}"


def _fill_from_model(context, parts):
    with context.models.newest() as model:
        points = draw(model, samples.count_samples(model), seed=0)
        names = name_kinds(model, context.folder.class_names)
    noun = "Class" if model.num_classes else "Cluster"
    kinds = [("any", samples.ANY), *((name, index) for index, name in enumerate(names))]
    checkpoints = list(context.folder.find_checkpoints())
    epochs = list(find_kept(context.folder.folder))
    has_epochs = len(epochs) > 1
    first, last = (epochs[0], epochs[-1]) if has_epochs else (1, 2)
    # The best model beside the one that differs most: the first that is kept, or else the last one.
    early, best = (checkpoints[-len(epochs) if epochs else -1], checkpoints[0]) if checkpoints else (None, None)
    step = min((b - a for a, b in zip(epochs, epochs[1:], strict=False)), default=1)
    mixed = {"choices": names, "label": None}
    return {
        context.grid: points,
        **dict(zip(context.choice, choose(context, points.take(0, 1)), strict=True)),
        parts["samples"]: draw_points(context, points, framed=0),
        parts["stops"]: points.take(0, FIRST_STOPS),
        parts["kind"]: gr.update(choices=kinds, value=samples.ANY, label=noun, visible=bool(names)),
        parts["first"]: gr.update(**mixed | {"value": names[0] if names else None, "label": f"From {noun.lower()}"}),
        parts["second"]: gr.update(**mixed | {"value": names[-1] if names else None, "label": f"To {noun.lower()}"}),
        parts["left"]: gr.update(choices=checkpoints, value=early),
        parts["right"]: gr.update(choices=checkpoints, value=best),
        parts["epoch"]: gr.update(minimum=first, maximum=last, step=step, value=last, visible=has_epochs),
        parts["missing"]: gr.update(visible=not epochs),
        parts["of_epoch"]: gr.update(visible=bool(epochs)),
    }


@contextlib.contextmanager
def opened(path, host="127.0.0.1", port=None, share=False):
    """Serves the page of a run for as long as the block runs.

    Args:
        path: The run's folder, or a `.keras` file.
        host: String, the address to listen on. Defaults to `"127.0.0.1"`: only this machine.
        port: Int. Defaults to None: the first free one from 7860.
        share: Bool, whether to ask Gradio for a public address. Defaults to False.

    Yields:
        The address, and the public one or None.

    Raises:
        ValueError: There is no run, or its model is damaged or foreign.
        OSError: The port is in use.
    """
    with tempfile.TemporaryDirectory() as files:
        os.environ["GRADIO_TEMP_DIR"] = files
        demo = build(path)
        theme = gr.themes.Soft(
            primary_hue="violet", font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]
        )
        _, address, public = demo.launch(
            server_name=host,
            server_port=port,
            share=share,
            theme=theme,
            css=CSS,
            max_file_size=MOST_UPLOADED,
            prevent_thread_lock=True,
            quiet=True,
            show_error=True,
            ssr_mode=False,
            footer_links=[],
        )
        try:
            yield address, public
        finally:
            demo.close(verbose=False)
