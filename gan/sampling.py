"""What a GAN generates, and with which network: its generator or the average of its weights."""

import functools

import keras
import numpy as np

from gan import checks
from gan.game import input_shapes
from gan.layers.clusters import MOST_IMAGES, Clusters

BATCH_SIZE = 256


class Sampled:
    """The part of `gan.GAN` that generates images outside of training."""

    @property
    def latent_dim(self):
        """Int, length of a latent vector. None if the generator does not take latents `(batch, latent_dim)`."""
        shape = input_shapes(self.generator)[0]
        return shape[-1] if len(shape) == 2 else None

    @property
    def image_shape(self):
        """`(height, width, channels)` of the images."""
        return tuple(input_shapes(self.discriminator)[0][1:])

    @property
    def sampler(self):
        """The network whose images are shown and measured: the average if there is one, else the generator.

        In a GAN with clusters, it takes latents alone, which choose the clusters.
        """
        return self.best_generator if self.clusters is None else self._choosing_sampler

    @property
    def best_generator(self):
        """The generator's average if there is one, else the generator. Labels or clusters are its second input."""
        return self.generator if self.average is None else self.average

    @functools.cached_property
    def _choosing_sampler(self):
        latents = keras.Input((self.latent_dim,))
        cluster, rest = Split(self.clusters, name="split")(latents)
        return keras.Model(latents, self.best_generator([rest, cluster]), name="sampler")

    def reset_average(self):
        """Sets the average to the generator's weights. Call it after setting these by hand."""
        if self.average is None:
            raise ValueError("there is no average to reset; GAN(..., averaging=0.999) keeps one.")
        self.average.set_weights(self.generator.get_weights())

    def call(self, inputs, training=False):
        return self.sampler(inputs, training=training)

    def generate(self, count=None, latents=None, seed=None, labels=None, truncation=1.0):
        """Generates images.

        It does not affect training: it does not use the model's own random generators.

        Args:
            count: Int, number of images.
            latents: Float array `(count, latent_dim)`, standard normal, instead of a count: one image for each.
            seed: Int. The same seed, count and weights give the same images. Default None: different images in every
                call.
            labels: Int array or list `(count,)`, for a GAN with `num_classes`: the class of each image, instead of a
                count or beside latents. Default None: drawn uniformly at random. For a GAN with `clusters`: the number
                of a cluster. Default None: chosen by the latents.
            truncation: Float in (0, 1]. Latents are multiplied by it: with less, images are more typical and more
                alike, which usually raises precision and lowers recall (Karras et al. 2019, arXiv 1812.04948). Default
                1: no truncation.

        Returns:
            Float32 NumPy array `(count, height, width, channels)` in [-1, 1].

        Raises:
            ValueError: If not exactly one of a count and latents is given (labels replace a count), if the count is
                below 1, if the latents do not have the generator's length, if the labels are not its classes, if
                the truncation is not in (0, 1], or if the generator does not take latents.
        """
        if self.latent_dim is None:
            raise ValueError("the generator takes no latents; use predict with its inputs.")
        checks.check_adapted(self)
        kinds = self.num_classes if self.clusters is None else self.clusters.found
        if labels is not None and kinds is None:
            raise ValueError("labels need a GAN with num_classes or clusters; this one has neither.")
        if (count is None) == (latents is None and labels is None):
            raise ValueError("generate takes either a count or latents, or labels with no count.")
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1, not {count}.")
        checks.check_truncation(truncation)
        if labels is not None:
            labels = np.asarray(labels)
            checks.check_labels(labels, labels.size if latents is None else len(latents), kinds)
        if latents is None:
            latents = self.draw_latents(len(labels) if count is None else count, seed)
        latents = truncation * checks.check_latents(latents, self.latent_dim)
        if self.num_classes is not None and labels is None:
            labels = np.random.default_rng(seed).integers(self.num_classes, size=len(latents))
        if labels is None:
            return self.predict_images(self.sampler, latents)
        return self.predict_images(self.best_generator, latents, labels)

    def predict_images(self, network, *inputs):
        """Calls a network that generates images, batch by batch. Returns a float32 NumPy array."""
        self.synchronize()
        images = []
        for start in range(0, len(inputs[0]), BATCH_SIZE):
            batch = [rows[start : start + BATCH_SIZE] for rows in inputs]
            images.append(self.predict_batch(network, batch if len(batch) > 1 else batch[0]))
        return np.concatenate(images).astype("float32")

    def predict(self, *args, **kwargs):
        checks.check_adapted(self)
        return super().predict(*args, **kwargs)

    def _find_clusters(self, x, batch, steps):
        """Finds the clusters, if there are to be any.

        Args:
            x: What `fit` takes.
            batch: Its first batch, or None if it is unknown.
            steps: Int, the batches of an epoch, or None for all of them.
        """
        if self.clusters is not None and not self.clusters.found:
            checks.check_same_everywhere(x, batch)
            self.clusters.adapt(checks.first_images(self, x, MOST_IMAGES, steps), self.seed)


@keras.saving.register_keras_serializable(package="gan")
class Split(keras.layers.Layer):
    """Splits latents into clusters and what is left, by the layer that knows the clusters."""

    def __init__(self, clusters, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.clusters = clusters

    def call(self, latents):
        return self.clusters.split(latents)

    def get_config(self):
        return {**super().get_config(), "clusters": keras.saving.serialize_keras_object(self.clusters)}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "clusters": keras.saving.deserialize_keras_object(config["clusters"])})


def build_clusters(count, image_shape):
    clusters = Clusters(count, name="clusters")
    clusters.build((None, *image_shape))
    return clusters


def clone(generator):
    """A network like the generator, with names of its own in summaries and in TensorBoard."""
    with keras.name_scope("average"):
        clone = keras.models.clone_model(generator)
    clone.name = f"{generator.name}_average"
    clone.trainable = False
    clone.set_weights(generator.get_weights())
    return clone
