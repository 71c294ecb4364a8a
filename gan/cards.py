"""Model cards: the README.md beside a trained model, in the form that model hubs read."""

import hashlib
import json
import math
import os
from pathlib import Path

from gan.callbacks.history import CSVHistory
from gan.files import written_whole
from gan.runs import find_model, read_config
from gan.text import format_names

CARD_NAME = "README.md"
# The last line of a card holds a checksum, which tells whether a person has changed the card.
SEAL = "<!-- Written by the run, which replaces this file as long as nobody changes it. {} -->\n"


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
    from gan import cards

    cards.write_card("runs/mnist")
    ```
    """
    folder = Path(folder)
    file = folder / CARD_NAME
    if file.exists() and not _is_unchanged(file):
        return False
    text = _describe(folder)
    with written_whole(file) as partial:
        partial.write_text(text + _seal(text), encoding="utf-8")
    return True


def _seal(text):
    return SEAL.format(hashlib.sha256(text.encode()).hexdigest()[:16])


def _is_unchanged(file):
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return bool(lines) and lines[-1] == _seal("".join(lines[:-1]))


def _describe(folder):
    config = read_config(folder)
    if config is None:
        raise ValueError(f"{folder} holds no run: it has no config.json.")
    settings, data = config["arguments"], config["data"]
    name, source, extractor = folder.resolve().name, _last_part(settings["data"]), _last_part(settings["extractor"])
    epoch, figures = _find_figures(folder)
    names = data.get("class_names")
    classes = f", each of a class that you choose ({format_names(names)})" if settings["conditional"] and names else ""
    grids = sorted((folder / "images").glob("image_at_epoch_*.png"))
    start = f", from the weights of {_last_part(os.path.dirname(settings['from']))}" if settings.get("from") else ""
    sections = {
        f"# {name}": f"A generative adversarial network (GAN) in Keras, which generates images like {source}{classes}."
        + (f"\n\n![Generated images](images/{grids[-1].name})" if grids else ""),
        "Use": "```python\nimport gan\n\n"
        f'model = gan.load_model("{find_model(folder).name}")\n'
        f"images = model.generate({'labels=[0, 1, 1]' if settings['conditional'] else '16'}, seed=0)\n```\n\n"
        "The images are floats in [-1, 1]; `gan.images.to_uint8` makes bytes of them.",
        "Data": f"{source}{', mirrored at random' if settings.get('flip') else ''}. "
        f"SHA-256 of the images: `{data.get('fingerprint')}`.",
        "Training": f"The preset `{settings['preset']}`{start}; {settings['epochs']:,} epochs in batches of "
        f"{settings['batch_size']:,}, seed {settings['seed']}. `config.json` holds all settings.",
        "Figures": _table(figures, epoch, extractor),
        "Versions": ", ".join(f"{package} {version}" for package, version in config["versions"].items()) + ".",
        "License": "Fill in the license of the model, here and in the first lines of this file, and that of the data.",
    }
    text = "\n\n".join(f"{title}\n\n{content}" for title, content in sections.items())
    return f"{_front_matter(name, source, figures, extractor)}\n\n{text}\n\n"


def _last_part(path):
    """The last part of a path, if it is one: where it lay on a machine is nobody's concern."""
    return os.path.basename(path or "") or path


def _find_figures(folder):
    """Returns the epoch with the lowest fid, and its figures: a dict from names to numbers, empty if there are none."""
    file = folder / "history.csv"
    history = CSVHistory.read(file) if file.exists() else {}
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
        f"`{extractor}`:\n\n| figure | value |\n| --- | --- |\n{rows}"
    )


def _front_matter(name, source, figures, extractor):
    """Returns the lines that model hubs read. JSON is YAML too."""
    metrics = [{"type": key, "name": f"{key} ({extractor})", "value": value} for key, value in figures.items()]
    task = {"type": "unconditional-image-generation"}
    results = [{"task": task, "dataset": {"type": source, "name": source}, "metrics": metrics}]
    entries = {
        "library_name": "keras",
        "pipeline_tag": task["type"],
        "tags": ["gan", "image-generation"],
        "license": "other",
        **({"model-index": [{"name": name, "results": results}]} if metrics else {}),
    }
    return "\n".join(["---", *(f"{key}: {json.dumps(value)}" for key, value in entries.items()), "---"])
