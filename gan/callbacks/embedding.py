"""An embedding of generated images for TensorBoard's projector."""

import math
from pathlib import Path

import keras
import numpy as np

from gan import engines
from gan import images as image_tools
from gan.files import written_whole

FOLDER = "embedding"


class Embedding(keras.callbacks.Callback):
    """Writes the features of generated images for TensorBoard's projector, when training ends.

    The projector shows each image at the place of its features, colored by its class, in two or three dimensions. The
    features are those of the extractor of the model's metrics, so the GAN needs classes and metrics.

    Args:
        log_dir: Folder of TensorBoard logs.
        count: Int, number of images, of all classes in turn. Defaults to 500.
        seed: Int, seed of the latents. Defaults to 0.
        class_names: List of strings, one per class. Defaults to None: the classes have their numbers.

    Raises:
        ValueError: `count` is below 1. In `fit`, before the first epoch: the model has no classes or no metrics, or
            the number of `class_names` is not its number of classes.

    Example:

    ```python
    model = gan.GAN(gan.build_generator(num_classes=10), gan.build_discriminator(num_classes=10), num_classes=10)
    model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance("digits")])
    digits = gan.datasets.load("mnist5k", labels=True)
    model.fit(digits, epochs=10, callbacks=[gan.Embedding("runs/digits/tensorboard")])
    ```
    """

    def __init__(self, log_dir, count=500, seed=0, class_names=None):
        super().__init__()
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}.")
        self.log_dir = Path(log_dir)
        self.count = count
        self.seed = seed
        self.class_names = class_names

    def on_train_begin(self, logs=None):
        num_classes = self.model.num_classes
        if num_classes is None or not self.model.quality_metrics:
            raise ValueError("Embedding needs a GAN with num_classes, compiled with metrics, whose extractor it uses.")
        if self.class_names is not None and len(self.class_names) != num_classes:
            raise ValueError(f"class_names must name {num_classes} classes, not {len(self.class_names)}.")

    def on_train_end(self, logs=None):
        labels = np.arange(self.count) % self.model.num_classes
        images = self.model.generate(labels=labels, seed=self.seed)
        features = keras.ops.convert_to_numpy(self.model.quality_metrics[0].extract(images)["features"])
        if not engines.is_first_process():
            return
        folder = self.log_dir / FOLDER
        names = self.class_names or [str(number) for number in range(self.model.num_classes)]
        _write(folder / "features.tsv", ("\t".join(f"{value:.6g}" for value in row) for row in features))
        _write(folder / "classes.tsv", (" ".join(names[label].split()) for label in labels))
        side = math.ceil(math.sqrt(self.count))  # the projector reads a square of images
        blank = np.full((side**2 - self.count, *images.shape[1:]), -1.0)
        square = image_tools.grid(image_tools.to_uint8(np.concatenate([images, blank])), side, padding=0)
        image_tools.save_picture(folder / "images.png", square)
        height, width, _ = self.model.image_shape
        _write(
            self.log_dir / "projector_config.pbtxt",
            [
                "embeddings {",
                '  tensor_name: "generated images"',
                f'  tensor_path: "{FOLDER}/features.tsv"',
                f'  metadata_path: "{FOLDER}/classes.tsv"',
                f'  sprite {{ image_path: "{FOLDER}/images.png" single_image_dim: [{width}, {height}] }}',
                "}",
            ],
        )


def _write(file, lines):
    with written_whole(file) as partial:
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
