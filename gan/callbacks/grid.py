"""Grids of generated images, one per epoch."""

import time
from pathlib import Path

import keras
import numpy as np
from keras import ops, tree

from gan import engines
from gan import images as image_tools

MAX_COLUMNS = 32


class ImageGrid(keras.callbacks.Callback):
    """Draws a grid of generated images after each epoch, always from the same latents.

    For a conditional GAN, each column shows one class. The callback works in the `fit` of any model that keeps its
    generator in an attribute `generator`. If the model has a `sampler`, such as the averaged generator of a `gan.GAN`,
    its images are drawn. If the model has a method `draw_latents(count, seed)`, the latents come from it.

    Args:
        directory: Folder for the pictures `image_at_epoch_0001.png`, `image_at_epoch_0002.png`, ...
        rows: Int, number of rows. Defaults to 4.
        columns: Int, number of columns. Defaults to 4, or to the model's `num_classes`, but at most 32.
        every: Int, number of epochs from one picture to the next. Defaults to 1.
        seed: Int, seed of the latents, which stay the same for the whole run. Defaults to 0.
        show: Bool, whether to display each picture in a notebook as well. Defaults to False.
        log_dir: Folder of TensorBoard logs, to which each picture is written as well. Defaults to None.
        padding: Int, width of the gray gutter between the images, in pixels of the images. Defaults to 2.
        class_names: List of strings, one per class of a conditional GAN. Each column gets the name of its class as its
            title. Defaults to None: no titles.

    Raises:
        ValueError: `rows`, `columns` or `every` is below 1, or `padding` below 0. In `fit`, before the first epoch:
            the generator does not take latents `(batch, latent_dim)`, its images are not `(height, width, 1 or 3)`,
            or the number of `class_names` is not the model's number of classes.

    Example:

    ```python
    model.fit(dataset, epochs=300, callbacks=[gan.ImageGrid("runs/mnist/images", every=5)])
    ```
    """

    def __init__(
        self,
        directory,
        rows=4,
        columns=None,
        every=1,
        seed=0,
        show=False,
        log_dir=None,
        padding=2,
        class_names=None,
    ):
        super().__init__()
        if min(rows, 1 if columns is None else columns, every) < 1:
            raise ValueError(f"rows, columns and every must be at least 1, not {rows}, {columns} and {every}.")
        if padding < 0:
            raise ValueError(f"padding must be at least 0, not {padding}.")
        self.directory = Path(directory)
        self.rows = rows
        self.columns = columns
        self.every = every
        self.seed = seed
        self.show = show
        self.log_dir = log_dir
        self.padding = padding
        self.class_names = class_names

    def on_train_begin(self, logs=None):
        self.sampler = getattr(self.model, "sampler", self.model.generator)
        num_classes = getattr(self.model, "num_classes", None)
        if self.class_names is not None and len(self.class_names) != (num_classes or 0):
            raise ValueError(
                f"class_names must name each class of the model: it has {num_classes or 'no'} classes, but there are "
                f"{len(self.class_names)} names."
            )
        self.drawn_columns = self.columns or min(num_classes or 4, MAX_COLUMNS)
        count = self.rows * self.drawn_columns
        # NumPy, like the labels: PyTorch takes no mixture of arrays and tensors.
        self.inputs = ops.convert_to_numpy(self._draw_latents(count, input_count=1 if num_classes is None else 2))
        if num_classes is not None:
            self.inputs = [self.inputs, np.arange(count) % self.drawn_columns % num_classes]
        shape = self.sampler.compute_output_spec(tree.map_structure(_spec, self.inputs)).shape[1:]
        if len(shape) != 3 or shape[-1] not in (1, 3):
            raise ValueError(f"ImageGrid draws images (height, width, 1 or 3), but the generator's are {shape}.")

    def _draw_latents(self, count, input_count):
        """Draws latents for a generator that has so many inputs."""
        inputs = getattr(self.sampler, "inputs", None)
        unknown = [(None, getattr(self.model, "latent_dim", None))] * input_count
        shapes = [tensor.shape for tensor in inputs] if inputs else unknown
        if len(shapes) != input_count or len(shapes[0]) != 2 or shapes[0][1] is None:
            raise ValueError(
                f"ImageGrid generates images from latents (batch, latent_dim), but this generator takes inputs of "
                f"{' and '.join(map(str, shapes))}: draw its images in a callback of your own, such as "
                "keras.callbacks.LambdaCallback(on_epoch_end=...), with gan.images.grid and gan.images.save_picture."
            )
        if hasattr(self.model, "draw_latents"):
            return self.model.draw_latents(count, self.seed)
        return keras.random.normal((count, shapes[0][1]), seed=self.seed)

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        # Each replica of a `tf.distribute` strategy returns all images.
        images = self.sampler.predict_on_batch(self.inputs)[: self.rows * self.drawn_columns]
        if not engines.is_first_process():
            return
        images = image_tools.to_uint8(images)
        picture = image_tools.enlarge(image_tools.grid(images, self.drawn_columns, self.padding))
        if self.class_names is not None:
            titles = [self.class_names[column % len(self.class_names)] for column in range(self.drawn_columns)]
            picture = image_tools.add_titles(picture, titles)
        path = self.directory / f"image_at_epoch_{epoch + 1:04d}.png"
        image_tools.save_picture(path, picture)
        if self.show:
            from IPython import display

            display.display(display.Image(path))
        if self.log_dir is not None:
            _write_tensorboard_image(self.log_dir, path, epoch)


def _spec(array):
    return keras.KerasTensor(array.shape, keras.backend.standardize_dtype(array.dtype))


def _write_tensorboard_image(log_dir, path, epoch):
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    image = summary_pb2.Summary.Image(encoded_image_string=path.read_bytes())
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="samples", image=image)])
    writer = EventFileWriter(str(log_dir))
    writer.add_event(event_pb2.Event(wall_time=time.time(), step=epoch, summary=summary))
    writer.close()
