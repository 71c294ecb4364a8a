"""The GAN as keras-tuner builds and trains it."""

import keras
import keras_tuner
import numpy as np

import gan
from tuning import space as spaces


class GANHyperModel(keras_tuner.HyperModel):
    """The space of GANs that a tuner searches for the lowest `val_fid`.

    Works in any tuner of keras-tuner. What `search` takes is what `GAN.fit` takes, but for a `batch_size`, which is
    searched: a dataset is batched anew in each trial.

    Args:
        image_shape: `(height, width, channels)` of the images. Default `(28, 28, 1)`.
        space: Dict of what is to be different from `tuning.SPACES`: names of settings to entries. Default none.
        extractor: `"digits"` (default), `"inception_v3"`, or a `keras.Model`, as in `gan.metrics.FrechetDistance`.
        seed: Int, seed of the weights, latents and everything else random in each trial. Default 0.
        preset: As in `gan.presets.resolve`, for all settings that are not searched. Default `"reference"`.
        num_classes: Int, number of classes of a conditional preset. Default None.

    Raises:
        ValueError: The space has an unknown name, or an entry that cannot be.

    Example:

    ```python
    tuner = keras_tuner.RandomSearch(
        tuning.GANHyperModel(space={"batch_size": 128}),
        objective=keras_tuner.Objective("val_fid", "min"),
        max_trials=5,
        directory="sweeps",
    )
    tuner.search(
        gan.datasets.load("mnist5k", split="train"),
        validation_data=gan.datasets.load("mnist5k", split="test"),
        epochs=10,
    )
    tuner.get_best_hyperparameters()[0].values
    ```
    """

    def __init__(
        self, image_shape=(28, 28, 1), space=None, extractor="digits", seed=0, preset="reference", num_classes=None
    ):
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.space = spaces.complete(space, preset)
        self.extractor = extractor
        self.seed = seed
        self.preset = preset
        self.num_classes = num_classes

    def build(self, hp):
        """A compiled `gan.GAN` with the hyperparameters that `hp` holds."""
        settings = gan.presets.resolve(self.preset, spaces.choose(hp, self.space))
        keras.utils.set_random_seed(self.seed)
        metrics = [gan.metrics.FrechetDistance(self.extractor)]
        return gan.presets.build(settings, self.image_shape, self.num_classes, self.seed, metrics)

    def fit(self, hp, model, x, callbacks=(), **kwargs):
        """Trains the model.

        Args:
            hp: The `keras_tuner.HyperParameters` it was built with.
            model: What `build` returned.
            x: Float images in [-1, 1], an array or a `tf.data.Dataset` of batches.
            callbacks: A list of Keras callbacks.
            **kwargs: What else `keras.Model.fit` takes; `validation_data` is needed.

        Returns:
            Dict of the metrics of the epoch with the lowest `val_fid`, among the epochs that were validated.

        Raises:
            ValueError: There is no `validation_data`, or `x` is something else.
            FloatingPointError: The training has diverged, in whichever epoch.
        """
        batch_size = spaces.choose(hp, self.space)["batch_size"]
        if kwargs.get("validation_data") is None:
            raise ValueError("search needs validation_data, images to measure val_fid on.")
        if isinstance(x, np.ndarray):
            kwargs["batch_size"] = batch_size
        elif hasattr(x, "rebatch"):
            x = gan.datasets.rebatch(x, batch_size)
        else:
            raise ValueError(f"search needs images as an array or a tf.data.Dataset, not as a {type(x).__name__}.")
        history = model.fit(x, callbacks=[*callbacks, keras.callbacks.TerminateOnNaN()], **kwargs).history
        for name in ("loss", "val_fid"):
            if not np.isfinite(history[name]).all():
                raise FloatingPointError(f"training has diverged: {name} was {history[name][-1]}.")
        best = np.argmin(history["val_fid"])
        return {name: values[best] for name, values in history.items() if name.startswith("val_")}
