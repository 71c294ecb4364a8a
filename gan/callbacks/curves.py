"""The curves of a training run."""

from pathlib import Path

from gan import engines
from gan import images as image_tools
from gan.callbacks.history import CSVHistory
from gan.callbacks.redraw import Redraw
from gan.losses import BinaryCrossentropy


class Curves(Redraw):
    """Draws the losses, the discriminator's accuracies and the fid over the epochs.

    The picture is written after each validation, after an epoch that ends at least a minute after the last write, and
    when training ends. The values come from the file of a `CSVHistory`, so the curves of a resumed run show all of its
    epochs. Dashed lines mark the losses of an undecided discriminator if the loss is binary cross-entropy without
    label smoothing.

    Place this callback after its `CSVHistory`.

    Args:
        filepath: The PNG file to write.
        history: The `filepath` of a `CSVHistory`.
        title: String, shown above the curves. Defaults to the name of the folder that `filepath` is in.

    Raises:
        ValueError: In `fit`, the history does not exist when the first epoch ends.

    Example:

    ```python
    history = "runs/mnist/history.csv"
    callbacks = [gan.CSVHistory(history), gan.Curves("runs/mnist/curves.png", history)]
    model.fit(dataset, epochs=300, validation_data=test, validation_freq=5, callbacks=callbacks)
    ```
    """

    def __init__(self, filepath, history, title=None):
        super().__init__()
        self.filepath = Path(filepath)
        self.history = Path(history)
        self.title = self.filepath.absolute().parent.name if title is None else title

    def on_epoch_end(self, epoch, logs=None):
        if engines.is_first_process() and not self.history.exists():
            raise ValueError(
                f"gan.Curves reads {self.history}, which does not exist: "
                f"place gan.CSVHistory({str(self.history)!r}) before it in callbacks."
            )
        super().on_epoch_end(epoch, logs)

    def draw(self, is_over):
        if not self.history.exists():
            return
        loss = getattr(self.model, "loss", None)
        metrics = getattr(self.model, "quality_metrics", [])
        image_tools.save_curves(
            self.filepath,
            CSVHistory.read(self.history),
            extractor=metrics[0].extractor_name if metrics else None,
            title=self.title,
            undecided_losses=isinstance(loss, BinaryCrossentropy) and not loss.label_smoothing,
        )
