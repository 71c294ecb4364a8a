"""The GAN: a `keras.Model` whose `train_step` carries out the adversarial update."""

import collections.abc
import inspect
import numbers
import random

import keras
import numpy as np
import tensorflow as tf
from keras import ops, tree

from gan import augmentation as augmentations
from gan import images as image_tools
from gan import losses
from gan.compatibility import cache_skipped_attributes
from gan.files import read_keras_file
from gan.metrics import ClassAgreement, FeatureMetric, figures_of
from gan.regularizers import GradientRegularizer

LOGGED = ("loss", "g_loss", "d_loss", "real_accuracy", "fake_accuracy")


@keras.saving.register_keras_serializable(package="gan")
class GAN(keras.Model):
    """A generator and a discriminator that train each other through `fit`.

    Both losses come from one forward pass, and both networks are updated from it (Goodfellow et al. 2014,
    arXiv 1406.2661, with simultaneous updates); `compile` has alternating updates too. `fit` takes float images in
    [-1, 1], and their labels where there are `num_classes` (it ignores them where not), and logs `g_loss`, `d_loss`,
    `real_accuracy` and `fake_accuracy` (the share of real and of generated images that the discriminator tells
    rightly), and as `loss` the sum of both losses, for callbacks such as `keras.callbacks.TerminateOnNaN` that know no
    other. `evaluate` and `validation_data` report the same without dropout or updates, and the metrics that `compile`
    was given, of as many generated images as there are real ones. They draw from noise of their own, the same in every
    evaluation.

    `save` and `keras.models.load_model` keep all of it: networks, the generator's average, optimizers, loss and the
    state of every random generator, so that a loaded model goes on as if it had never been stopped.

    Args:
        generator: A built `keras.Model` from latents `(batch, latent_dim)` to images in [-1, 1].
        discriminator: A built `keras.Model` from such images to logits `(batch, 1)`.
        seed: Int, seed of the latents in training. By default drawn from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        num_classes: Int, number of classes of a conditional GAN (Mirza and Osindero 2014, arXiv 1411.1784): both
            networks take labels `(batch,)` beside their first input then, as `gan.networks` builds them. Default
            None.
        averaging: Float in [0, 1), decay of an average of the generator's weights over its updates, which is what
            `generate`, `gan.ImageGrid` and the metrics use (Yazici et al. 2018, arXiv 1806.04498). Over the first `t`
            updates it is at most `(1 + t) / (10 + t)`. Default None: there is no average.
        **kwargs: `name`, `dtype` and what else `keras.Model` takes.

    Raises:
        ValueError: A network is not built, the two do not fit each other or `num_classes`, or `averaging` lies outside
            of [0, 1).

    Example:

    ```python
    model = gan.GAN(gan.build_generator(), gan.build_discriminator())
    model.compile(
        generator_optimizer=keras.optimizers.Adam(1e-4),
        discriminator_optimizer=keras.optimizers.Adam(1e-4),
    )
    model.fit(gan.datasets.load("mnist5k"), epochs=2)
    model.generate(16, seed=0).shape  # (16, 28, 28, 1)
    ```
    """

    def __init__(self, generator, discriminator, seed=None, num_classes=None, averaging=None, **kwargs):
        super().__init__(**kwargs)
        _check_networks(generator, discriminator, num_classes)
        if averaging is not None and not (isinstance(averaging, numbers.Real) and 0 <= averaging < 1):
            raise ValueError(f"averaging must lie in [0, 1), not {averaging!r}.")
        self.generator = generator
        self.discriminator = discriminator
        self.num_classes = num_classes
        self.averaging = averaging
        self.average = None if averaging is None else keras.models.clone_model(generator)
        if self.average is not None:
            self.average.set_weights(generator.get_weights())
            self.average.trainable = False
        self.seed = random.getrandbits(31) if seed is None else seed
        self.training_noise = keras.random.SeedGenerator(self.seed)
        self.evaluation_noise = keras.random.SeedGenerator(self.seed + 1)
        self.quality_metrics = []
        # Whether the metrics hold the real images that are about to be evaluated on.
        self.reals_are_known = tf.Variable(False, trainable=False)
        self.built = True

    @property
    def latent_dim(self):
        """Int, length of a latent vector."""
        return _input_shapes(self.generator)[0][-1]

    @property
    def image_shape(self):
        """`(height, width, channels)` of the images."""
        return _input_shapes(self.discriminator)[0][1:]

    @property
    def sampler(self):
        """The network that makes the images to look at and to measure: the average, or the generator without one."""
        return self.generator if self.average is None else self.average

    def call(self, inputs, training=False):
        return self.sampler(inputs, training=training)

    def compile(
        self,
        generator_optimizer,
        discriminator_optimizer,
        loss="binary_crossentropy",
        metrics=None,
        regularizers=None,
        discriminator_steps=None,
        augmentation=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Chooses how the networks are trained.

        Args:
            generator_optimizer: A Keras optimizer, its name or its config. A learning-rate schedule
                (`keras.optimizers.schedules`) is given to the optimizer as its `learning_rate`.
            discriminator_optimizer: Another one, for the discriminator.
            loss: A `gan.losses.AdversarialLoss`, its name or its config. Default `"binary_crossentropy"`.
            metrics: A list of `gan.metrics`, how good generated images are, measured in `evaluate` and validation.
                Default None. Their real side is computed once a `fit`.
            regularizers: A list of `gan.regularizers`, penalties on the discriminator's gradient with respect to the
                images. They are added to what it minimises, but not to the `d_loss` that is logged. Default None.
            discriminator_steps: Int, how many updates the discriminator gets before each update of the generator, all
                on the same real images, which are augmented anew, but each against generated images from latents of
                its own, as the generator's update too. An epoch has as many updates of the generator as the data have
                batches. Default None: both networks are updated at once, from one forward pass.
            augmentation: A list of names of `gan.augmentation`, or a `gan.augmentation.DiffAugment`: what is done at
                random to all images, real and generated, before the discriminator sees them in training. Default
                None: nothing.
            run_eagerly: As in `keras.Model.compile`. Default False.
            steps_per_execution: As in `keras.Model.compile`. Default 1.
            jit_compile: As in `keras.Model.compile`. Default `"auto"`: XLA where there is a GPU.

        Raises:
            ValueError: Both optimizers are one and the same object, or one, the loss, a metric or a regularizer cannot
                be interpreted or does not take these images.
        """
        metrics = metrics or []
        self._build_metrics(metrics)
        super().compile(
            optimizer=None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )
        self.generator_optimizer = keras.optimizers.get(generator_optimizer)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if self.generator_optimizer is self.discriminator_optimizer:
            raise ValueError(
                "generator_optimizer and discriminator_optimizer must be two optimizers, not one object: "
                "each keeps slots for its own network."
            )
        # Slots that do not exist yet could not be filled when a saved model is loaded.
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.discriminator_optimizer.build(self.discriminator.trainable_variables)
        self.optimizer = _OptimizerPair([self.generator_optimizer, self.discriminator_optimizer])
        self.loss = losses.get(loss)
        regularizers = regularizers or []
        is_list = isinstance(regularizers, (list, tuple))
        if not is_list or not all(isinstance(one, GradientRegularizer) for one in regularizers):
            raise ValueError(f"regularizers must be a list of those of gan.regularizers, not {regularizers!r}.")
        self.regularizers = list(regularizers)
        is_count = isinstance(discriminator_steps, numbers.Integral) and discriminator_steps > 0
        if discriminator_steps is not None and not is_count:
            raise ValueError(f"discriminator_steps must be a positive whole number, not {discriminator_steps!r}.")
        self.discriminator_steps = discriminator_steps
        self.augmentation = augmentations.get(augmentation)
        self.logged = [keras.metrics.Mean(name) for name in LOGGED]
        self.quality_metrics = list(metrics)

    def _build_metrics(self, metrics):
        if not isinstance(metrics, (list, tuple)):
            raise ValueError(f"metrics must be a list of metrics of gan.metrics, not {metrics!r}.")
        networks = {}
        for metric in metrics:
            if not isinstance(metric, FeatureMetric):
                raise ValueError(f"metrics must be metrics of gan.metrics, not {metric!r}.")
            if isinstance(metric, ClassAgreement) and self.num_classes is None:
                raise ValueError(f"{metric.name} is for a GAN with num_classes; this one is asked for no class.")
            metric.build(self.image_shape)
            name = metric.extractor_name
            if networks.setdefault(name, metric.extractor) != metric.extractor:
                raise ValueError(f"two extractors have the name {name!r}; figures of which one would not be known.")
        figures = [*LOGGED, *(figure for metric in metrics for figure in metric.figures or [metric.name])]
        if len(set(figures)) < len(figures):
            raise ValueError(f"metrics must log under different names, not {', '.join(figures)}.")

    def get_compile_config(self):
        if not self.compiled:
            return {}
        return keras.saving.serialize_keras_object(
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
                "jit_compile": self.jit_compile,
            }
        )

    def compile_from_config(self, config):
        arguments = keras.saving.deserialize_keras_object(config)
        # Metrics that shared an extractor came back with one each, of one name.
        networks = {}
        for metric in arguments.get("metrics", ()):
            if isinstance(metric.extractor, keras.Model):
                metric.extractor = networks.setdefault(metric.extractor.name, metric.extractor)
        self.compile(**arguments)

    @property
    def metrics(self):
        return [*self.logged, *self.quality_metrics] if self.compiled else []

    def reset_metrics(self):
        for metric in self.logged:
            metric.reset_state()
        for metric in self.quality_metrics:
            if self.reals_are_known:
                metric.reset_fake()
            else:
                metric.reset_state()

    def get_metrics_result(self):
        """What a step logs. The metrics of `compile` have their price, and `evaluate` adds them once, at its end."""
        return {metric.name: metric.result() for metric in self.logged}

    def train_step(self, data):
        images, labels = self._unpack(data)
        if self.discriminator_steps is None:
            figures = self._update(images, labels, ("generator", "discriminator"))
        else:
            for _ in range(self.discriminator_steps):
                figures = self._update(images, labels, ("discriminator",))
            figures["g_loss"] = self._update(images, labels, ("generator",))["g_loss"]
        self._update_average()
        return self._log(figures, images)

    def _unpack(self, data):
        """The images of a batch and, where the GAN is conditional, their labels."""
        images, labels, _ = keras.utils.unpack_x_y_sample_weight(data)
        labels = None if self.num_classes is None else ops.convert_to_tensor(labels, "int32")
        return ops.convert_to_tensor(images), labels

    def _update(self, images, labels, players):
        """Plays one game over a batch, with latents of its own, and updates those of the two who are players."""
        with tf.GradientTape(persistent=True) as tape:
            figures, fakes = self._play(images, labels, self.generator, self.training_noise, training=True)
            losses_of = {"generator": figures["g_loss"], "discriminator": figures["d_loss"]}
            if "discriminator" in players:
                for regularizer in self.regularizers:
                    losses_of["discriminator"] += self._penalize(regularizer, images, fakes, labels)
            scaled = {name: getattr(self, f"{name}_optimizer").scale_loss(losses_of[name]) for name in players}
        gradients = {name: tape.gradient(scaled[name], getattr(self, name).trainable_variables) for name in players}
        for name in players:
            optimizer = getattr(self, f"{name}_optimizer")
            optimizer.apply(gradients[name], getattr(self, name).trainable_variables)
        return figures

    def _play(self, images, labels, generator, noise, training):
        """One forward pass of both networks over a batch: what it is worth to whom, and the fakes."""
        latents = keras.random.normal((ops.shape(images)[0], self.latent_dim), seed=noise)
        fakes = generator(self._with_labels(latents, labels), training=training)
        real_logits = self._judge(images, labels, training)
        fake_logits = self._judge(fakes, labels, training)
        figures = {
            "g_loss": self.loss.generator(real_logits, fake_logits) + sum(self.generator.losses),
            "d_loss": self.loss.discriminator(real_logits, fake_logits) + sum(self.discriminator.losses),
            "real_accuracy": _share(real_logits > 0),
            "fake_accuracy": _share(fake_logits < 0),
        }
        return figures, fakes

    def _judge(self, images, labels, training):
        """The discriminator's logits for images, which in training it sees augmented."""
        if training and self.augmentation is not None:
            images = self.augmentation(images, self.training_noise)
        return self.discriminator(self._with_labels(images, labels), training=training)

    def _with_labels(self, inputs, labels):
        """What a network takes: the labels too, where the GAN is conditional."""
        return inputs if self.num_classes is None else [inputs, labels]

    def _penalize(self, regularizer, real_images, fake_images, labels):
        """What a regularizer adds to the discriminator's loss in this step."""

        def penalty():
            points = regularizer.points(real_images, tf.stop_gradient(fake_images), self.training_noise)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(points)
                logits = self._judge(points, labels, training=True)
            return regularizer.weight * regularizer.interval * regularizer.penalty(tape.gradient(logits, points))

        is_due = self.discriminator_optimizer.iterations % regularizer.interval == 0
        return tf.cond(is_due, penalty, lambda: 0.0)

    def _update_average(self):
        if self.average is None:
            return
        # An average over the first steps alone follows them closely, instead of clinging to the random start.
        steps = ops.cast(self.generator_optimizer.iterations, "float32")
        decay = ops.minimum(self.averaging, (1 + steps) / (10 + steps))
        # Not the trained weights only: the averages of the moments in BatchNormalization belong to them.
        for average, weight in zip(self.average.weights, self.generator.weights, strict=True):
            share = ops.cast(1 - decay, weight.dtype)
            average.assign_add(share * (ops.convert_to_tensor(weight) - average))

    def _log(self, figures, images):
        """Adds what a game was worth to the means over the epoch, and returns these."""
        values = {"loss": figures["g_loss"] + figures["d_loss"], **figures}
        for metric in self.logged:
            metric.update_state(values[metric.name], sample_weight=ops.shape(images)[0])
        return self.get_metrics_result()

    def test_step(self, data):
        images, labels = self._unpack(data)
        figures, fakes = self._play(images, labels, self.sampler, self.evaluation_noise, training=False)
        for metric, outputs in self._extract(fakes, labels):
            metric.update_fake(outputs)

        def update_real():
            for metric, outputs in self._extract(images, labels):
                metric.update_real(outputs)

        tf.cond(self.reals_are_known, lambda: None, update_real)
        return self._log(figures, images)

    def _extract(self, images, labels):
        """Each metric of `compile` with what its extractor finds in the images; no extractor runs twice."""
        extract = {metric.extractor_name: metric.extract for metric in self.quality_metrics}
        outputs = {name: {**extract[name](images), "labels": labels} for name in extract}
        return [(metric, outputs[metric.extractor_name]) for metric in self.quality_metrics]

    def fit(self, x=None, *args, **kwargs):
        """Trains as `keras.Model.fit` does, after a look at the images.

        Arrays are checked whole, a `tf.data.Dataset` or `keras.utils.PyDataset` by its first batch; what a generator
        yields is not checked. Each epoch over a dataset of `gan.datasets` is the pass of that number, so that with
        the `initial_epoch` at which a run was stopped it goes on with the batches that it would have seen.

        Raises:
            TypeError: `x` is nothing that holds images, or the images are not floats.
            ValueError: The images have another shape than the networks, lie outside of [-1, 1], are not finite or
                are none; a conditional GAN gets no labels, or others than its classes; or `batch_size` is below 1 or
                above the number of images.
        """
        arguments = dict(inspect.signature(super().fit).bind(x, *args, **kwargs).arguments)
        self._check_data(x, arguments.get("y"), arguments.get("batch_size"))
        if arguments.get("validation_data") is not None:
            validation_data = arguments["validation_data"]
            self._check_data(
                *(validation_data[:2] if isinstance(validation_data, (tuple, list)) else [validation_data])
            )
        if isinstance(x, tf.data.Dataset):
            # Keras would warn that it leaves the shuffling to the dataset.
            arguments["shuffle"] = False
        callbacks = [self._measuring_callback()]
        if isinstance(getattr(x, "epoch", None), tf.Variable):
            callbacks.append(keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: x.epoch.assign(epoch)))
        arguments["callbacks"] = [*callbacks, *tree.flatten(arguments.get("callbacks") or [])]
        self.reals_are_known.assign(False)
        return super().fit(**arguments)

    def evaluate(self, x=None, y=None, *args, callbacks=None, return_dict=False, **kwargs):
        """Evaluates as `keras.Model.evaluate` does, after the look at the images that `fit` takes.

        The same model and data give the same figures every time: each evaluation draws the same latents.
        """
        is_validation_of_fit = kwargs.get("_use_cached_eval_dataset", False)
        if not is_validation_of_fit:
            self._check_data(x, y)
            callbacks = [self._measuring_callback(), *tree.flatten(callbacks or [])]
            self.reals_are_known.assign(False)
        self.evaluation_noise.state.assign([self.seed + 1, 0])
        logs = super().evaluate(x, y, *args, callbacks=callbacks, return_dict=True, **kwargs)
        logs.update(self.quality)
        self.reals_are_known.assign(is_validation_of_fit)
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    def _measuring_callback(self):
        """Has the metrics of `compile` measured once, at the end of an evaluation, and tells all callbacks."""

        def on_test_end(logs):
            self.quality = figures_of(self.quality_metrics)
            logs.update(self.quality)

        return keras.callbacks.LambdaCallback(on_test_end=on_test_end)

    def _check_data(self, x, labels=None, batch_size=None):
        if isinstance(x, (tf.data.Dataset, keras.utils.PyDataset)):
            batches = iter(x.take(1)) if isinstance(x, tf.data.Dataset) else (x[i] for i in range(len(x)))
            batch = next(batches, None)
            if batch is None:
                raise ValueError("the dataset must hold at least one batch of images, and it is empty.")
            x, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        elif isinstance(x, collections.abc.Iterator):
            return
        if not hasattr(x, "shape"):
            raise TypeError(
                "images must be an array or a dataset of batches, (images, labels) or images alone, "
                f"not {type(x).__name__}."
            )
        image_tools.check(np.asarray(x), self.image_shape)
        if self.num_classes is not None:
            self._check_labels(labels, len(x))
        if batch_size is not None and not 1 <= batch_size <= len(x):
            raise ValueError(f"batch_size must lie between 1 and the number of images, {len(x)}, not {batch_size}.")

    def _check_labels(self, labels, count):
        if labels is None:
            raise ValueError(
                f"a GAN of {self.num_classes} classes takes labels too, as in fit(images, labels), "
                "gan.datasets.load(..., labels=True) or generate(labels=[3, 1]), and there are none."
            )
        if not hasattr(labels, "shape"):
            raise ValueError(f"labels must be an array, not a {type(labels).__name__}.")
        labels = np.asarray(labels)
        if labels.shape != (count,) or not count or not np.issubdtype(labels.dtype, np.integer):
            raise ValueError(
                f"labels must be whole numbers, one for each of {count:,} images, not {labels.dtype} of {labels.shape}."
            )
        if labels.min() < 0 or labels.max() >= self.num_classes:
            raise ValueError(
                f"labels must lie in 0 to {self.num_classes - 1}, not in {labels.min()} to {labels.max()}."
            )

    def generate(self, count=None, latents=None, seed=None, labels=None):
        """Generates images.

        Training is not touched by it: the latents are not drawn from the model's own noise.

        Args:
            count: Int, how many images.
            latents: Instead of a count, a float array `(count, latent_dim)`, standard normal: an image for each.
            seed: Int. The same seed, count and weights give the same images. By default each call gives others.
            labels: Of a GAN with `num_classes`, ints `(count,)`, the class of each image, instead of a count or beside
                latents. Default: drawn at random, all classes alike.

        Returns:
            float32 NumPy array `(count, height, width, channels)` in [-1, 1].

        Raises:
            ValueError: A count is given beside latents or labels, or nothing is; it is below 1; the latents have
                another length than the generator takes; or the labels are no classes of it.
        """
        is_conditional = self.num_classes is not None
        if labels is not None and not is_conditional:
            raise ValueError("labels are for a GAN with num_classes; this one has none.")
        if (count is None) == (latents is None and labels is None):
            raise ValueError(
                "generate takes a count of images or their latents, and just one of the two, or labels with no count."
            )
        if count is not None and count < 1:
            raise ValueError(f"count must be at least 1, not {count}.")
        if labels is not None:
            labels = np.asarray(labels)
            self._check_labels(labels, labels.size if latents is None else len(latents))
        if latents is None:
            count = len(labels) if count is None else count
            latents = keras.random.normal((count, self.latent_dim), seed=seed)
        latents = np.asarray(latents, "float32")
        if latents.shape[1:] != (self.latent_dim,) or not len(latents):
            raise ValueError(
                f"latents must have the shape (count, {self.latent_dim}) that the generator takes, not {latents.shape}."
            )
        if is_conditional and labels is None:
            labels = np.random.default_rng(seed).integers(self.num_classes, size=len(latents))
        batches = (slice(start, start + 256) for start in range(0, len(latents), 256))
        return np.concatenate(
            [
                self.sampler.predict_on_batch(
                    self._with_labels(latents[batch], labels[batch] if is_conditional else None)
                )
                for batch in batches
            ]
        )

    def get_config(self):
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "seed": self.seed,
            "num_classes": self.num_classes,
            "averaging": self.averaging,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        networks = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("generator", "discriminator")
        }
        return cls(**{**config, **networks})

    @property
    def _random_states(self):
        """The state of every random generator: the model's own and those of layers such as Dropout."""
        weights = {id(weight) for weight in self.weights}
        return [variable for variable in self.variables if id(variable) not in weights]

    def save_own_variables(self, store):
        # Keras calls this method first, whatever saves the model: `save`, `save_weights` or a callback.
        cache_skipped_attributes()
        super().save_own_variables(store)
        for index, state in enumerate(self._random_states):
            store[f"random_state_{index}"] = ops.convert_to_numpy(state)

    def load_own_variables(self, store):
        saved = {name: store[name] for name in store.keys()}  # noqa: SIM118, the store is no dict
        for index, state in enumerate(self._random_states):
            state.assign(saved.pop(f"random_state_{index}"))
        super().load_own_variables(saved)


def load_model(filepath):
    """Loads a GAN as `keras.models.load_model` does, and says in a sentence why where it cannot.

    Args:
        filepath: The `.keras` file.

    Returns:
        A `GAN`, compiled if it was.

    Raises:
        ValueError: The file does not exist, is damaged or holds another model.

    Example:

    >>> gan.load_model("runs/mnist/model.keras").generate(16, seed=0).shape
    (16, 28, 28, 1)
    """
    model = read_keras_file(filepath)
    if not isinstance(model, GAN):
        raise ValueError(f"{filepath} must hold a gan.GAN, and holds a {type(model).__name__}.")
    return model


class _OptimizerPair:
    """`model.optimizer` of a model that has two, as far as Keras's callbacks ask for it."""

    built = True

    def __init__(self, optimizers):
        self.optimizers = optimizers

    @property
    def iterations(self):
        return self.optimizers[0].iterations

    @property
    def variables(self):
        return [variable for optimizer in self.optimizers for variable in optimizer.variables]


def _share(condition):
    return ops.mean(ops.cast(condition, "float32"))


def _input_shapes(network):
    shape = network.input_shape
    return shape if isinstance(shape, list) else [shape]


def _check_networks(generator, discriminator, num_classes):
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        if not isinstance(network, keras.Model) or not network.built:
            raise ValueError(
                f"{name} must be a keras.Model with a known input shape (start it with keras.Input), not {network!r}."
            )
    is_conditional = num_classes is not None
    if is_conditional and (not isinstance(num_classes, numbers.Integral) or num_classes < 1):
        raise ValueError(f"num_classes must be a positive whole number, not {num_classes!r}.")
    for name, network in (("generator", generator), ("discriminator", discriminator)):
        shapes = _input_shapes(network)
        if [len(shape) for shape in shapes[1:]] != [1] * is_conditional:
            takes = "labels (batch,) too" if is_conditional else "no labels"
            raise ValueError(f"with num_classes {num_classes} the {name} must take {takes}; it takes {shapes}.")
    latents_shape, images_shape = _input_shapes(generator)[0], _input_shapes(discriminator)[0]
    if len(latents_shape) != 2:
        raise ValueError(f"generator must take latents (batch, latent_dim), not {latents_shape}.")
    if generator.output_shape != images_shape:
        raise ValueError(
            f"generator and discriminator must agree on the images: the one makes {generator.output_shape}, "
            f"the other takes {images_shape}."
        )
    if discriminator.output_shape != (None, 1):
        raise ValueError(f"discriminator must give one logit an image, (batch, 1), not {discriminator.output_shape}.")
