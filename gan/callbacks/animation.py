"""The GIF of a training run."""

from pathlib import Path

import numpy as np

from gan import images as image_tools
from gan.callbacks.redraw import Redraw

MAX_FRAMES = 300
MAX_FRAMES_WHILE_RUNNING = 50
SLOWEST_FRAME_SECONDS = 0.2
LAST_FRAME_SECONDS = 1.5


class Animation(Redraw):
    """Turns the pictures of `ImageGrid` into a looping GIF.

    Each frame shows the number of its epoch below the images. The last frame is shown for 1.5 seconds.

    The GIF is written after each validation, after an epoch that ends at least a minute after the last write, and when
    training ends. It has at most 50 frames while training continues, which take a fraction of a second to write, and
    at most 300 at the end. They are chosen evenly from all pictures in the folder, so the GIF of a resumed run shows
    its earlier epochs too. If the file would exceed 5 MB, every second frame is left out.

    Place this callback after its `ImageGrid`.

    Args:
        filepath: The GIF to write.
        images: Folder of the pictures, the `directory` of an `ImageGrid`.
        seconds: Float, the longest duration of the GIF before its last frame. Defaults to 15. No other frame is
            shown for more than 0.2 seconds.

    Example:

    ```python
    callbacks = [gan.ImageGrid("runs/mnist/images"), gan.Animation("runs/mnist/training.gif", "runs/mnist/images")]
    model.fit(dataset, epochs=300, callbacks=callbacks)
    ```
    """

    def __init__(self, filepath, images, seconds=15):
        super().__init__()
        self.filepath = filepath
        self.images = Path(images)
        self.seconds = seconds

    def draw(self, is_over):
        epochs = {int(path.stem.split("_")[-1]): path for path in self.images.glob("image_at_epoch_*.png")}
        if not epochs:
            return
        count = min(len(epochs), MAX_FRAMES if is_over else MAX_FRAMES_WHILE_RUNNING)
        chosen = [sorted(epochs)[index] for index in np.linspace(0, len(epochs) - 1, count).round().astype(int)]
        frames = [image_tools.to_frame(image_tools.read_picture(epochs[epoch])) for epoch in chosen]
        frames = image_tools.add_captions(frames, [f"epoch {epoch}" for epoch in chosen])
        seconds_per_frame = min(SLOWEST_FRAME_SECONDS, self.seconds / len(frames))
        image_tools.save_animation(self.filepath, frames, seconds_per_frame, LAST_FRAME_SECONDS)
