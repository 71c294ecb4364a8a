"""Pictures that are redrawn while a model trains."""

import time

import keras

from gan import engines

SECONDS_BETWEEN_DRAWINGS = 60


class Redraw(keras.callbacks.Callback):
    """Base class of callbacks that keep a picture of the training up to date.

    `draw` is called after each validation, after an epoch that ends at least a minute after the last drawing, and when
    training ends. A run that is interrupted or killed keeps its last drawing.
    """

    def draw(self, is_over):
        """Draws the picture.

        Args:
            is_over: Bool, whether training has ended.
        """
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        self.drawn_at = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        is_validated = any(name.startswith("val_") for name in logs or ())
        if engines.is_first_process() and (
            is_validated or time.monotonic() - self.drawn_at >= SECONDS_BETWEEN_DRAWINGS
        ):
            self.draw(is_over=False)
            self.drawn_at = time.monotonic()

    def on_train_end(self, logs=None):
        if engines.is_first_process():
            self.draw(is_over=True)
