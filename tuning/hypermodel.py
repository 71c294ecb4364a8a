"""The GAN as a hypermodel of keras-tuner."""

import math

import keras
import keras_tuner
import numpy as np

import gan
from tuning import space as spaces


class GANHyperModel(keras_tuner.HyperModel):
    """A hypermodel of GANs that a tuner searches for the lowest `val_fid`.

    It works with every tuner of keras-tuner. Pass to `search` what `GAN.fit` takes, except for `batch_size`, which is
    searched: each trial rebatches the dataset.

    With `executions_per_trial=2` or more, the executions of a trial differ in weights and latents, but are measured
    with the same latents. A search with the same seed repeats the same trials with the same results.

    Args:
        image_shape: Tuple `(height, width, channels)`. Shape of the images. Defaults to `(28, 28, 1)`.
        space: Dict of changes to `tuning.SPACES`. It maps names of settings to entries or to fixed values. Defaults
            to None: no changes.
        extractor: `"digits"`, `"stacked_digits"`, `"inception_v3"`, or a `keras.Model`, as in
            `gan.metrics.FrechetDistance`. Defaults to `"digits"`.
        seed: Int. Seed of the weights, latents and all other randomness of a trial. Defaults to 0.
        preset: Name of the preset, as in `gan.presets.resolve`, for all settings that are not searched. Defaults to
            `"reference"`.
        num_classes: Int. Number of classes for a conditional preset. Defaults to None.
        images_seen: Int. Number of images that the whole training of a trial sees: epochs times training images. Only
            needed for a preset with settings that move over the training. Defaults to None.

    Raises:
        ValueError: The space has an unknown name or an invalid entry. In `build`: `images_seen` is needed.

    Example:

    ```python
    import keras_tuner
    import tuning

    tuner = keras_tuner.RandomSearch(
        tuning.GANHyperModel(space={"generator_widths": [32], "discriminator_widths": [32]}),
        objective=keras_tuner.Objective("val_fid", "min"),
        max_trials=2,
        directory="sweeps",
    )
    tuner.search(
        gan.datasets.load("mnist5k", split="train"),
        validation_data=gan.datasets.load("mnist5k", split="test"),
        epochs=1,
    )
    tuner.get_best_hyperparameters()[0].values
    ```
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        space=None,
        extractor="digits",
        seed=0,
        preset="reference",
        num_classes=None,
        images_seen=None,
    ):
        super().__init__()
        self.image_shape = tuple(image_shape)
        self.space = spaces.complete(space, preset)
        self.extractor = extractor
        self.seed = seed
        self.preset = preset
        self.num_classes = num_classes
        self.images_seen = images_seen
        # keras-tuner does not number the executions of a trial, but passes the same `hp` to all of them.
        self._last_hp, self._last_executions = None, 0

    def build(self, hp):
        """Builds the GAN of a trial.

        Args:
            hp: A `keras_tuner.HyperParameters`.

        Returns:
            A compiled `gan.GAN`. It is the same in every call until `fit` is called with the same `hp`.
        """
        settings = gan.presets.resolve(self.preset, spaces.choose(hp, self.space))
        execution = self._executions_of(hp)
        seed = (self.seed + 1_000_003 * execution) % 2**32
        keras.utils.set_random_seed(seed)
        metrics = [gan.metrics.FrechetDistance(self.extractor)]
        moves = any(isinstance(settings[name], list) for name in gan.presets.SCHEDULED)
        if moves and self.images_seen is None:
            raise ValueError(f"{self.preset} has settings that move over the training: pass images_seen, its length.")
        steps = math.ceil((self.images_seen or 0) / settings["batch_size"]) or None
        model = gan.presets.build(settings, self.image_shape, self.num_classes, self.seed, metrics, steps)
        if execution:
            # Only the latents of training differ: the model's own seed also fixes the latents of its evaluation.
            model.training_noise.state.assign(keras.random.SeedGenerator(seed).state)
        return model

    def _executions_of(self, hp):
        return self._last_executions if hp is self._last_hp else 0

    def fit(self, hp, model, x, callbacks=(), **kwargs):
        """Trains the model of a trial.

        Args:
            hp: The `keras_tuner.HyperParameters` that the model was built with.
            model: The `gan.GAN` that `build` returned.
            x: Float images in [-1, 1]: an array, or a `tf.data.Dataset` of batches.
            callbacks: List of Keras callbacks. Defaults to none.
            **kwargs: Other arguments of `keras.Model.fit`. `validation_data` is required.

        Returns:
            A dict with the validation metrics of the epoch with the lowest `val_fid`.

        Raises:
            ValueError: `validation_data` is missing, or `x` has another type.
            FloatingPointError: The loss or the fid of an epoch is not finite.
        """
        self._last_hp, self._last_executions = hp, self._executions_of(hp) + 1
        batch_size = spaces.choose(hp, self.space)["batch_size"]
        if kwargs.get("validation_data") is None:
            raise ValueError("search needs validation_data: the real images that val_fid compares with.")
        if isinstance(x, np.ndarray):
            kwargs["batch_size"] = batch_size
        elif hasattr(x, "rebatch"):
            x = gan.datasets.rebatch(x, batch_size)
        else:
            raise ValueError(f"images must be a NumPy array or a tf.data.Dataset, not {type(x).__name__}.")
        history = model.fit(x, callbacks=[*callbacks, keras.callbacks.TerminateOnNaN()], **kwargs).history
        for name in ("loss", "val_fid"):
            if not np.isfinite(history[name]).all():
                raise FloatingPointError(f"training has diverged: {name} is {history[name][-1]}.")
        best = np.argmin(history["val_fid"])
        return {name: values[best] for name, values in history.items() if name.startswith("val_")}
