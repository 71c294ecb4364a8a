"""A page of its own: one HTML file in which a generator runs in a browser, without a server."""

import base64
import gzip
import html
import json
import re
import tempfile
from pathlib import Path

from keras import ops

from gan.exports import process, runtime
from gan.exports.half import halve
from gan.exports.sampler import build_mixing_sampler

WEB = Path(__file__).parent / "web"


def write(model, path, title, truncation=1.0, class_names=None):
    """Writes the page.

    Args:
        model: A `gan.GAN` whose generator takes latents.
        path: `pathlib.Path` of the file.
        title: String, the title of the page.
        truncation: Float in (0, 1], at which the page starts. Defaults to 1.
        class_names: List of strings, for a GAN with `num_classes`. Defaults to None: their numbers.

    Raises:
        ImportError: ONNX Runtime Web cannot be had.
        RuntimeError: The generator holds a layer that ONNX does not know.
        ValueError: The GAN does not have as many classes as there are names.
    """
    _check_names(class_names, model.num_classes)
    files = runtime.read()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sampler.onnx"
        process.write(build_mixing_sampler(model), "onnx", file)
        network = halve(file.read_bytes())
    path.write_text(
        _fill(
            (WEB / "page.html").read_text(encoding="utf-8"),
            title=html.escape(title),
            style=(WEB / "page.css").read_text(encoding="utf-8"),
            script="\n".join((WEB / name).read_text(encoding="utf-8") for name in ("network.js", "page.js")),
            # A name could end the element.
            facts=json.dumps(_describe(model, truncation, class_names)).replace("<", "\\u003c"),
            version=runtime.VERSION,
            license=html.escape((WEB / "onnxruntime_license.txt").read_text(encoding="utf-8")),
            model=_pack(network),
            runtime=_pack(files[runtime.MODULE]),
            binary=_pack(files[runtime.BINARY]),
        ),
        encoding="utf-8",
    )


def _check_names(class_names, num_classes):
    if class_names is not None and len(class_names) != num_classes:
        raise ValueError(
            f"class_names must name each class of a GAN with num_classes: {len(class_names)} names for "
            f"num_classes={num_classes}."
        )


def _fill(template, **values):
    """Replaces each `{{name}}` of a template."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], template)


def _pack(content):
    return base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()


def _describe(model, truncation, class_names):
    """Returns what the page knows about the model."""
    names = shares = None
    if model.num_classes is not None:
        names = list(class_names or map(str, range(model.num_classes)))
    if model.clusters is not None:
        shares = ops.convert_to_numpy(model.clusters.shares).tolist()
    return {
        "latentDim": model.latent_dim,
        "shape": model.image_shape,
        "names": names,
        "shares": shares,
        "truncation": truncation,
    }
