"""How a GAN is saved whole, loaded and exported."""

from pathlib import Path

import keras
import numpy as np
from keras import ops
from packaging.version import Version

import gan
from gan import checks, engines
from gan.compatibility import cache_skipped_attributes
from gan.exports import formats
from gan.exports.sampler import build_sampler
from gan.files import NewerFileError, read_keras_file, written_whole


class Saved:
    """Tells Keras what to save of a `gan.GAN`: networks, settings and the state of every random generator."""

    def export(self, filepath, format="saved_model", truncation=1.0, class_names=None):
        """Exports the sampler, from latents to images, for programs without Keras.

        The sampler is the generator's average if there is one, else the generator. Its inputs are `latents`, float32
        `(batch, latent_dim)`, and for a GAN with `num_classes` also `labels`, int32 `(batch,)`. In a GAN with clusters,
        the latents choose them. Its output is `images`, float32 `(batch, height, width, channels)` in [-1, 1]. It takes
        batches of any size and computes in float32, also what was trained in mixed precision.

        Args:
            filepath: Path of the file, or of the folder of a SavedModel. It is replaced if it exists.
            format: `"saved_model"` for TensorFlow, `"onnx"` (a .onnx file) for ONNX Runtime, `"litert"` (.tflite) for
                LiteRT, once TensorFlow Lite, or `"torch"` (.pt2) for `torch.export.load`. If Keras runs on a backend
                that does not write the format, a process with another backend does. `"html"` (.html) is a page on which
                the generator runs in a browser, without a server; it needs npm once, for ONNX Runtime Web. Default
                `"saved_model"`.
            truncation: As in `generate`. A page starts with it. Default 1: no truncation.
            class_names: List of strings, the names of the classes, which a page shows. Default None: their numbers.

        Raises:
            ImportError: If the format needs a package that is not installed, or that npm cannot download.
            RuntimeError: If the generator holds a layer that the format, or the backend that writes it, does not know.
            ValueError: If the format is unknown, if `filepath` does not suit it, if the truncation is not in (0, 1], or
                if the generator does not take latents.

        Example:

        ```python
        model.export("sampler", truncation=0.8)
        ```
        """
        formats.check(format, filepath)
        checks.check_truncation(truncation)
        checks.check_adapted(self)
        if self.latent_dim is None:
            raise ValueError("the generator takes no latents and cannot be exported.")
        from gan.exports import process  # imports what only exports need

        with written_whole(filepath) as partial:
            if format == "html":
                from gan.exports import page  # imports what only a page needs

                page.write(self, partial, Path(filepath).stem, truncation, class_names)
            else:
                process.write(build_sampler(self, truncation), format, partial)

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the whole model as a `.keras` file, or a folder if `zipped=False`, as `keras.Model.save` does."""
        if zipped is not False and Path(filepath).suffix != ".keras":
            raise ValueError(f"a GAN is saved as a .keras file, which keeps both optimizers, not as {filepath}.")
        super().save(filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Loads a `.weights.h5` file, as `keras.Model.load_weights` does, saved from a GAN built in the same way."""
        parts = {"average": "averaging", "clusters": "clusters", "augmentation": "an AdaptiveAugment in compile"}
        # Other kinds of augmentation have no weights.
        lost = [name for name in parts if not isinstance(getattr(self, name, None), keras.layers.Layer)]
        if not skip_mismatch and str(filepath).endswith(".h5") and (found := _find_parts(filepath, lost)):
            raise ValueError(
                f"{filepath} does not fit this GAN: its {' and '.join(found)} would be lost. Build the GAN with "
                f"{' and '.join(parts[name] for name in found)}, or pass skip_mismatch=True."
            )
        try:
            super().load_weights(filepath, skip_mismatch=skip_mismatch, **kwargs)
        except ValueError as error:
            raise ValueError(
                f"{filepath} does not fit this GAN: build it with the networks, num_classes, clusters, averaging (here "
                f"{self.averaging}) and augmentation of the GAN that it was saved from. Keras says: "
                f"{' '.join(str(error).split())}"
            ) from error

    def get_config(self):
        return {
            **super().get_config(),
            "generator": _without_backend(keras.saving.serialize_keras_object(self.generator)),
            "discriminator": _without_backend(keras.saving.serialize_keras_object(self.discriminator)),
            "seed": self.seed,
            "num_classes": self.num_classes,
            "averaging": keras.saving.serialize_keras_object(self.averaging),
            "clusters": None if self.clusters is None else self.clusters.count,
            "gan_version": gan.__version__,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        # Files of 0.1.0 do not hold their version.
        _check_version(config.pop("gan_version", gan.__version__))
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("generator", "discriminator", "averaging")
        }
        return cls(**{**config, **parts})

    def get_compile_config(self):
        if not self.compiled:
            return {}
        config = keras.saving.serialize_keras_object(
            {
                "generator_optimizer": self.generator_optimizer,
                "discriminator_optimizer": self.discriminator_optimizer,
                "loss": self.loss,
                "metrics": self.quality_metrics,
                "regularizers": self.regularizers,
                "discriminator_steps": self.discriminator_steps,
                "augmentation": self.augmentation,
                "run_eagerly": self.run_eagerly,
                "steps_per_execution": self.steps_per_execution,
                "jit_compile": self.requested_jit_compile,
            }
        )
        return _without_backend(config)

    def compile_from_config(self, config):
        arguments = keras.saving.deserialize_keras_object(config)
        # Metrics that shared an extractor come back with one each, of the same name.
        networks = {}
        for metric in arguments.get("metrics", ()):
            if isinstance(metric.extractor, keras.Model):
                metric.extractor = networks.setdefault(metric.extractor.name, metric.extractor)
        self.compile(**arguments)

    @property
    def _random_states(self):
        """The state of every random generator: the model's own and those of layers such as Dropout."""
        weights = {id(weight) for weight in self.weights}
        return [variable for variable in self.variables if id(variable) not in weights]

    def save_own_variables(self, store):
        # Keras calls this method first, whatever saves the model: `save`, `save_weights` or a callback.
        # It creates variables, and perhaps only one of several processes saves.
        with engines.alone():
            cache_skipped_attributes()
        super().save_own_variables(store)
        for index, state in enumerate(self._random_states):
            store[f"random_state_{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        saved = {name: store[name] for name in store.keys()}  # noqa: SIM118, the store is no dict
        states = [saved.pop(name) for name in sorted(saved, key=_number) if name.startswith("random_state_")]
        if len(states) != len(self._random_states):
            raise ValueError(
                f"the file was saved from a GAN with {len(states)} random generators (its own and those of layers such "
                f"as Dropout), and this one has {len(self._random_states)}: build the same networks and average."
            )
        for state, value in zip(self._random_states, states, strict=True):
            # Backends differ in the type of these numbers.
            state.assign(np.asarray(value).astype(state.dtype))
        super().load_own_variables(saved)


def load_model(filepath):
    """Loads a GAN as `keras.models.load_model` does, with a clear error if it cannot.

    Args:
        filepath: Path of the `.keras` file.

    Returns:
        A `GAN`, compiled if it was when saved.

    Raises:
        ValueError: If the file does not exist, is damaged or holds another model.

    Example:

    ```python
    model = gan.load_model("runs/mnist/model.keras")
    model.generate(16, seed=0).shape  # (16, 28, 28, 1)
    ```
    """
    model = read_keras_file(filepath)
    if not isinstance(model, Saved):
        raise ValueError(f"{filepath} must hold a gan.GAN, and holds a {type(model).__name__}.")
    return model


def _without_backend(config):
    """Removes what only one backend knows.

    For PyTorch, Keras has optimizers of its own and saves their names. Only TensorFlow knows `synchronized`, which is
    set on several devices.
    """
    if isinstance(config, list):
        return [_without_backend(value) for value in config]
    if not isinstance(config, dict):
        return config
    config = {name: _without_backend(value) for name, value in config.items()}
    if str(config.get("module")).startswith("keras.src.backend."):
        config.update(module="keras.optimizers", registered_name=None)
    if config.get("synchronized"):
        config["synchronized"] = False
    return config


def _check_version(version):
    # A patch release changes no format.
    if Version(version).release[:2] > Version(gan.__version__).release[:2]:
        raise NewerFileError(
            f"it was saved by version {version} of this library, and this is version {gan.__version__}: update it."
        )


def _find_parts(filepath, names):
    """Returns those of the names whose weights a `.weights.h5` file holds."""
    if not Path(filepath).is_file():
        return []
    import h5py

    with h5py.File(filepath) as file:
        return [name for name in names if name in file]


def _number(name):
    return int("".join(filter(str.isdigit, name)) or 0)
