"""The models that all visitors of the page share, each used by one of them at a time."""

import contextlib
import threading

import gan
from gan import runs
from gan.explorer import views
from gan.explorer.points import draw

DIRECTIONS = 6


class Models:
    """The model of a run, a second one that takes the weights of other checkpoints, and one that projects.

    Args:
        path: A run's folder, or a `.keras` file.
    """

    def __init__(self, path):
        self.path = path
        self.file = self.model = self.directions = None
        self.can_mix = False
        self._stamp = None
        self._guard = threading.RLock()
        self._compared = _Copy()
        self._projecting = _Copy()
        self._weights = {}  # of checkpoints

    def refresh(self):
        """Loads the newest model if it is not loaded yet. Returns whether there is one.

        Raises:
            ValueError: The file is damaged, or holds something else than a GAN that takes latents.
        """
        with self._guard:
            try:
                file = runs.find_model(self.path)
            except ValueError:
                return self.model is not None
            stamp = _stamp(file)
            if stamp != self._stamp:
                model = _load(file)
                directions, can_mix = views.find_directions(model, DIRECTIONS), views.can_mix(model)
                for count in (1, 2, 40):  # compiles what the page calls
                    points = draw(model, count, seed=0)
                    views.show(model, points)
                views.walk(model, points.take(0, 2))
                self.file, self.model, self.directions, self.can_mix = file, model, directions, can_mix
                self._stamp = stamp
            return True

    @contextlib.contextmanager
    def newest(self):
        """Yields the model that `refresh` has loaded."""
        with self._guard:
            if self.model is None:
                raise ValueError("this run has no model yet. Reload the page after its first epoch.")
            yield self.model

    @contextlib.contextmanager
    def projecting(self):
        """Yields a model of the same weights, for work that takes long while others use the newest one."""
        with self._projecting.guard:
            yield self._projecting.of(self.file, self._stamp)

    def show(self, checkpoint, points):
        """Returns the uint8 image of each point, as the checkpoint generates it.

        Raises:
            ValueError: The checkpoint is damaged or holds another network.
        """
        with self._compared.guard:
            model = self._compared.of(self.file, self._stamp)
            _set_weights(model, self._read_weights(model, checkpoint))
            return views.show(model, points)

    def _read_weights(self, model, checkpoint):
        stamp = _stamp(checkpoint)
        if self._weights.get(checkpoint, (None, None))[0] != stamp:
            weights = _get_weights(_load(checkpoint))
            if [one.shape for one in weights] != [one.shape for one in _get_weights(model)]:
                raise ValueError(f"{checkpoint} holds another network than {self.file}.")
            self._weights[checkpoint] = stamp, weights
        return self._weights[checkpoint][1]


class _Copy:
    """A model of its own, and the guard of those who use it."""

    def __init__(self):
        self.guard = threading.Lock()
        self.model = self.stamp = None

    def of(self, file, stamp):
        if self.stamp != stamp:
            self.model, self.stamp = _load(file), stamp
        return self.model


def _stamp(file):
    """Identifies the content of a file, which is written whole or not at all."""
    try:
        stat = file.stat()
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}).") from error
    return file, stat.st_mtime_ns, stat.st_size


def _load(file):
    model = gan.load_model(file)
    if model.latent_dim is None:
        raise ValueError(f"{file} holds a GAN whose generator takes no latents: there is nothing to explore.")
    if model.image_shape[-1] not in (1, 3):
        raise ValueError(f"{file} generates images of {model.image_shape[-1]} channels, which cannot be shown.")
    return model


def _parts(model):
    return [model.best_generator, *([] if model.clusters is None else [model.clusters])]


def _get_weights(model):
    return [weight for part in _parts(model) for weight in part.get_weights()]


def _set_weights(model, weights):
    weights = iter(weights)
    for part in _parts(model):
        part.set_weights([next(weights) for _ in part.weights])
