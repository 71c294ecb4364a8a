"""How a program without Keras runs an export, as its model card shows it."""

from typing import NamedTuple


class Usage(NamedTuple):
    """How the files of a format are used.

    Attributes:
        library: What model hubs call the library that runs them.
        imports: Line of Python that imports it.
        code: Lines of Python from the arrays `inputs` to `images`, with the place of a file's name.
    """

    library: str
    imports: str
    code: str


USAGES = {
    "saved_model": Usage(
        "tensorflow",
        "import tensorflow as tf",
        'generate = tf.saved_model.load("{file}").signatures["serving_default"]\n'
        'images = generate(**{{name: tf.constant(array) for name, array in inputs.items()}})["images"]',
    ),
    "onnx": Usage(
        "onnx",
        "import onnxruntime",
        'session = onnxruntime.InferenceSession("{file}")\n(images,) = session.run(["images"], inputs)',
    ),
    "litert": Usage(
        "tflite",
        "from ai_edge_litert.interpreter import Interpreter",
        'generate = Interpreter("{file}").get_signature_runner()\nimages = generate(**inputs)["images"]',
    ),
    "torch": Usage(
        "pytorch",
        "import torch",
        'generate = torch.export.load("{file}").module()\n'
        'images = generate(**{{name: torch.tensor(array) for name, array in inputs.items()}})["images"].detach()',
    ),
}


def write_usage(format, file, latent_dim, num_classes=None):
    """Returns lines of Python that generate sixteen images.

    Args:
        format: Name of the format.
        file: Name of the exported file or folder.
        latent_dim: Int, the length of a latent vector.
        num_classes: Int. Defaults to None: the export takes no labels.
    """
    usage = USAGES[format]
    lines = [
        "import numpy as np",
        usage.imports,
        "",
        f'inputs = {{"latents": np.random.default_rng(0).normal(size=(16, {latent_dim})).astype("float32")}}',
        *([f'inputs["labels"] = np.arange(16, dtype="int32") % {num_classes}'] if num_classes else []),
        usage.code.format(file=file),
    ]
    return "\n".join(lines)
