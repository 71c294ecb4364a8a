"""Model cards: the README.md beside a trained model, in the form that model hubs read."""

import hashlib
import json
import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gan import presets
from gan.callbacks.history import CSVHistory
from gan.exports.usage import USAGES, write_usage
from gan.files import written_whole
from gan.images import save_picture, to_uint8
from gan.runs import DEFAULTS, MODEL_NAMES, find_folder, find_model, read_config
from gan.sheets import draw_grid
from gan.text import format_count, format_names

CARD_NAME = "README.md"
# The last line of a card holds a checksum, which tells whether a person has changed the card.
SEAL = "<!-- Written by a command, which replaces this file as long as nobody changes it. {} -->\n"
ROWS = COLUMNS = 8
MOST_COLUMNS = 16


class _Model(NamedTuple):
    """What a card describes: a model's name and file, how it is used, and a picture beside the card."""

    name: str
    file: Path
    library: str
    code: str
    remarks: str
    picture: str | None


def write_card(folder):
    """Writes the model card of a run: data, preset, figures, versions, a grid of images, and a license to fill in.

    A README.md that a person has changed or written stays as it is.

    Args:
        folder: The run's folder.

    Returns:
        Bool, whether the card was written.

    Raises:
        ValueError: The folder holds no run.

    Example:

    ```python
    from gan import cards, runs

    if runs.read_config("runs/mnist"):
        cards.write_card("runs/mnist")
    ```
    """
    folder = Path(folder)
    config, card = read_config(folder), folder / CARD_NAME
    if config is None:
        raise ValueError(f"{folder} holds no run: it has no config.json.")
    if not _is_ours(card):
        return False
    file = find_model(folder)
    grids = sorted((folder / "images").glob("image_at_epoch_*.png"))
    arguments = "labels=[0, 1, 1]" if config["arguments"].get("conditional") else "16"
    code = f'import gan\n\nmodel = gan.load_model("{file.name}")\nimages = model.generate({arguments}, seed=0)'
    remarks = (
        "The images are floats in [-1, 1]; `gan.images.to_uint8` makes bytes of them. "
        "`config.json` holds all settings of the run."
    )
    picture = f"images/{grids[-1].name}" if grids else None
    _write(card, config, _Model(folder.resolve().name, file, "keras", code, remarks, picture))
    return True


def write_export_card(path, format, model, source, truncation=1.0):
    """Writes the model card of an export, and a picture of what the model generates, beside it.

    A README.md that a person has changed or written, or that is the card of another export, stays as it is.

    Args:
        path: Path of the export.
        format: String, its format.
        model: The `gan.GAN` that was exported.
        source: Path of the model's `.keras` file.
        truncation: Float, by which the export multiplies its latents. Defaults to 1.

    Returns:
        Path of the card, or None if none was written: if it is not ours, if the model belongs to no run, or if hubs
        have no use for the format, a page.
    """
    path, config = Path(path), read_config(find_folder(source))
    card, picture = path.with_name(CARD_NAME), path.with_name(f"{path.stem}.png")
    is_free = _is_ours(card, f'"{path.name}"') and (card.exists() or not picture.exists())
    if config is None or format not in USAGES or not is_free:
        return None
    save_picture(picture, _draw_samples(model, truncation))
    code = write_usage(format, path.name, model.latent_dim, model.num_classes)
    remarks = "The latents are standard normal. The images are floats in [-1, 1], `(batch, height, width, channels)`."
    if truncation != 1:
        remarks += f" The export multiplies the latents by {truncation:g}; the figures below are those without it."
    _write(card, config, _Model(path.stem, Path(source), USAGES[format].library, code, remarks, picture.name))
    return card


def _draw_samples(model, truncation):
    """Returns the picture of a grid of images, a class a column, of the first 16 classes if there are more."""
    columns = min(model.num_classes or COLUMNS, MOST_COLUMNS)
    latents = model.draw_latents(ROWS * columns, seed=0)
    labels = np.arange(len(latents)) % columns if model.num_classes else None
    images = model.generate(latents=latents, labels=labels, truncation=truncation)
    return draw_grid(to_uint8(images), columns, titles=None)


def _write(card, config, model):
    text = _describe(config, model)
    with written_whole(card) as partial:
        partial.write_text(text + _seal(text), encoding="utf-8")


def _seal(text):
    return SEAL.format(hashlib.sha256(text.encode()).hexdigest()[:16])


def _is_ours(card, name=""):
    """Returns whether there is no card yet, or one that nobody has changed and that names the file."""
    if not card.exists():
        return True
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return bool(lines) and name in "".join(lines) and lines[-1] == _seal("".join(lines[:-1]))


def _describe(config, model):
    # Settings that are newer than the run have the values of the reference job.
    settings, data = {**DEFAULTS, **presets.resolve(), **config["arguments"]}, config["data"]
    source, extractor = _last_part(settings["data"]), _last_part(settings["extractor"])
    epoch, figures = _find_figures(model.file)
    names = data.get("class_names")
    classes = ""
    if settings["conditional"] and names:
        classes = f", each of a class that you choose by its number, from 0 ({format_names(names)})"
    length = format_count(settings["epochs"], "epoch")
    start = f", from the weights of {_last_part(os.path.dirname(settings['from']))}" if settings["from"] else ""
    sections = {
        model.name: "A generative adversarial network (GAN), trained with Keras, which generates images like "
        f"those of {source}{classes}." + (f"\n\n![Generated images]({model.picture})" if model.picture else ""),
        "Use": f"```python\n{model.code}\n```\n\n{model.remarks}",
        "Data": f"{source}{', mirrored at random' if settings['flip'] else ''}. "
        f"SHA-256 of the images: `{data.get('fingerprint')}`.",
        "Training": f"The preset `{settings['preset']}`{start}; {length} in batches of "
        f"{settings['batch_size']:,}, seed {settings['seed']}.",
        "Figures": _table(figures, epoch, extractor),
        "Versions": ", ".join(f"{package} {version}" for package, version in config["versions"].items()) + ".",
        "License": "Fill in the license of the model, here and in the first lines of this file, and that of the data.",
    }
    text = "\n\n## ".join(f"{title}\n\n{content}" for title, content in sections.items())
    return f"{_front_matter(model, source, figures, extractor)}\n\n# {text}\n\n"


def _last_part(path):
    """The last part of a path, if it is one: where it lay on a machine is nobody's concern."""
    return os.path.basename(path or "") or path


def _find_figures(file):
    """Returns the epoch of a run's best model and its figures by name. Those of other models are not recorded."""
    history_file = file.with_name("history.csv")
    history = CSVHistory.read(history_file) if file.name == MODEL_NAMES[0] and history_file.exists() else {}
    measured = [row for row, fid in enumerate(history.get("val_fid", ())) if math.isfinite(fid)]
    if not measured:
        return None, {}
    best = min(measured, key=lambda row: history["val_fid"][row])
    # What is logged in training too are losses and accuracies, which say little about the images.
    names = [name for name in history if name.startswith("val_") and name.removeprefix("val_") not in history]
    figures = {name.removeprefix("val_"): float(history[name][best]) for name in names}
    return int(history["epoch"][best]), {name: value for name, value in figures.items() if math.isfinite(value)}


def _table(figures, epoch, extractor):
    if not figures:
        return "Not measured."
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in figures.items())
    return (
        f"Measured after epoch {epoch:,} on images that were not trained on, with the features of the extractor "
        f"`{extractor}`. A lower fid is better; precision, recall and coverage are at best 1:\n\n"
        f"| figure | value |\n| --- | --- |\n{rows}"
    )


def _front_matter(model, source, figures, extractor):
    """Returns the lines that model hubs read. JSON is YAML too."""
    rounded = {name: float(f"{value:.4g}") for name, value in figures.items()}
    metrics = [{"type": key, "name": f"{key} ({extractor})", "value": value} for key, value in rounded.items()]
    task = {"type": "unconditional-image-generation"}
    results = [{"task": task, "dataset": {"type": source, "name": source}, "metrics": metrics}]
    entries = {
        "library_name": model.library,
        "pipeline_tag": task["type"],
        "tags": ["gan", "image-generation"],
        "license": "other",
        **({"model-index": [{"name": model.name, "results": results}]} if metrics else {}),
    }
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in entries.items()), "---"])
