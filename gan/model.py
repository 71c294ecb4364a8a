"""The GAN: a `keras.Model` whose `fit` trains a generator and a discriminator against each other."""

import inspect
import random

import keras
import tensorflow as tf
from keras import ops, tree

from gan import checks, losses
from gan.compatibility import replace_attribute
from gan.game import Game
from gan.metrics import figures_of
from gan.metrics.base import to_numpy
from gan.optimizers import OptimizerPair, scale_losses
from gan.sampling import Sampled, build_clusters, clone
from gan.saving import Saved, load_model

__all__ = ["GAN", "load_model"]


@keras.saving.register_keras_serializable(package="gan")
class GAN(Sampled, Saved, Game):
    """A generator and a discriminator that train each other through `fit`.

    By default one forward pass gives both losses and both networks are updated from it (Goodfellow et al. 2014,
    arXiv 1406.2661, with simultaneous updates); `compile` offers alternating updates too. `fit` takes float images in
    [-1, 1] and, if `num_classes` is given, their labels (otherwise it ignores labels). It logs `g_loss`, `d_loss`,
    `real_accuracy` and `fake_accuracy` (the share of real and of generated images that the discriminator classifies
    correctly), and `loss`, the sum of both losses, for callbacks such as `keras.callbacks.TerminateOnNaN`. `evaluate`
    and `validation_data` report the same without dropout or updates, and the metrics given to `compile`, for as many
    generated images as there are real ones. Every evaluation draws the same latents.

    `save` and `keras.models.load_model` keep the whole state: networks, the generator's average, optimizers, loss and
    every random generator. A loaded model continues training as if it had never been interrupted.

    On several devices (`keras.distribution.DataParallel` on JAX, `tf.distribute.MirroredStrategy` on TensorFlow) it
    computes what one device would compute: each batch is divided among them.

    A subclass changes the game by overriding `unpack`, `draw_latents` or `compute_losses`. Its discriminator may then
    return a list: logits first, then any further outputs.

    Args:
        generator: A built `keras.Model` from latents `(batch, latent_dim)` to images in [-1, 1].
        discriminator: A built `keras.Model` from such images to logits `(batch, 1)`, or `(batch, height, width, 1)`
            for one logit per patch.
        seed: Int, seed of the latents drawn in training. Default: drawn from Python's `random`, which
            `keras.utils.set_random_seed` seeds.
        num_classes: Int, number of classes of a conditional GAN (Mirza and Osindero 2014, arXiv 1411.1784). Both
            networks then take labels `(batch,)` as their second input, as those of `gan.networks` do. Default None:
            no labels.
        averaging: Float in [0, 1), or a schedule such as `gan.schedules.Cosine`: decay of an exponential moving average
            of the generator's weights, which `generate`, `gan.ImageGrid` and the metrics then use (Yazici et al. 2018,
            arXiv 1806.04498). After `t` updates the decay is at most `(1 + t) / (10 + t)`. If you set the generator's
            weights by hand, call `reset_average`. Default None: no average.
        clusters: Int, number of clusters of similar images, which stand in for classes where there are no labels (Sage
            et al. 2018, arXiv 1712.04407). The networks take the number of a cluster as they take a class. The first
            `fit` finds the clusters, and latents choose among them. Default None: no clusters.
        **kwargs: Further arguments of `keras.Model`, such as `name` and `dtype`.

    Raises:
        ValueError: If a network has no known input shape, if the networks do not fit each other, `num_classes` or
            `clusters`, if both are given, if the discriminator ends in a sigmoid, or if `averaging` is neither a
            schedule nor in [0, 1).

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

    def __init__(self, generator, discriminator, seed=None, num_classes=None, averaging=None, clusters=None, **kwargs):
        super().__init__(**kwargs)
        checks.check_networks(self, generator, discriminator, num_classes, clusters)
        checks.check_averaging(averaging)
        self.generator = generator
        self.discriminator = discriminator
        self.num_classes = num_classes
        self.averaging = averaging
        self.clusters = None if clusters is None else build_clusters(clusters, self.image_shape)
        self.average = None if averaging is None else clone(generator)
        self.sampler  # noqa: B018, built now, because it cannot be in the graph of a step
        self.seed = random.getrandbits(31) if seed is None else seed
        self.training_noise = keras.random.SeedGenerator(self.seed)
        self.evaluation_noise = keras.random.SeedGenerator(self.seed + 1)
        self.quality_metrics = []
        self.built = True

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
        """Configures training.

        Args:
            generator_optimizer: A Keras optimizer, its name or its config. Give a learning-rate schedule
                (`keras.optimizers.schedules`) to the optimizer as its `learning_rate`. Under `mixed_float16` both
                optimizers are wrapped in a `keras.optimizers.LossScaleOptimizer`, as in `keras.Model.compile`.
            discriminator_optimizer: Another optimizer, for the discriminator.
            loss: A `gan.losses.AdversarialLoss`, its name or its config. Default `"binary_crossentropy"`.
            metrics: A list of `gan.metrics`, measured on generated images in `evaluate` and validation. `fit` computes
                their real side once. Default None.
            regularizers: A list of `gan.regularizers`, penalties on the discriminator's gradient with respect to the
                images. They are part of its objective, but not of the `d_loss` that is logged. Default None.
            discriminator_steps: Int, number of updates of the discriminator before each update of the generator. All
                use the same real images, each with new augmentation and new latents. An epoch updates the generator
                once per batch. Default None: one forward pass updates both networks.
            augmentation: A list of names from `gan.augmentation`, a `gan.augmentation.DiffAugment` or a
                `gan.augmentation.AdaptiveAugment`, applied at random to images, real and generated, before the
                discriminator sees them in training. Default None.
            run_eagerly: As in `keras.Model.compile`. Default False.
            steps_per_execution: As in `keras.Model.compile`. Default 1.
            jit_compile: As in `keras.Model.compile`. Default `"auto"`: XLA if there is a GPU.

        Raises:
            ValueError: If both optimizers are the same object or one was built for other variables; if an optimizer,
                the loss, a metric or a regularizer is invalid or does not fit these images; or if the model cannot
                train on its devices, as `docs/devices.md` lists.
        """
        checks.check_devices(self)
        checks.check_trained(self)
        metrics = metrics or []
        augmentation = checks.check_augmentation(self, augmentation)
        checks.check_metrics(self, metrics, self.names_with(augmentation))
        super().compile(
            optimizer=None,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
        )
        # Keras resolves "auto", each backend in its own way.
        self.requested_jit_compile = jit_compile
        self.generator_optimizer = keras.optimizers.get(generator_optimizer)
        self.discriminator_optimizer = keras.optimizers.get(discriminator_optimizer)
        if self.generator_optimizer is self.discriminator_optimizer:
            raise ValueError(
                "generator_optimizer and discriminator_optimizer must be two optimizers, not one object: "
                "each keeps slots for its own network."
            )
        for name in ("generator", "discriminator"):
            optimizer, network = getattr(self, f"{name}_optimizer"), getattr(self, name)
            setattr(self, f"{name}_optimizer", scale_losses(optimizer, self.dtype_policy, network.dtype_policy))
        checks.check_replicas(self, metrics, regularizers)
        self._check_optimizers()
        self.optimizer = OptimizerPair([self.generator_optimizer, self.discriminator_optimizer])
        self.loss = losses.get(loss)
        self.regularizers = checks.check_regularizers(regularizers)
        checks.check_count("discriminator_steps", discriminator_steps)
        self.discriminator_steps = discriminator_steps
        replace_attribute(self, "augmentation", augmentation)
        self.logged = [keras.metrics.Mean(name) for name in self.log_names]
        self.quality_metrics = list(metrics)

    @property
    def log_names(self):
        """List of the names under which a step logs."""
        return self.names_with(self.augmentation)

    def _check_optimizers(self):
        # Building now creates the slots that loading a saved model fills.
        for name in ("generator", "discriminator"):
            optimizer = getattr(self, f"{name}_optimizer")
            checks.check_optimizer(f"{name}_optimizer", optimizer, getattr(self, name).trainable_variables)

    @property
    def metrics(self):
        return [*self.logged, *self.quality_metrics] if self.compiled else []

    def reset_metrics(self):
        for metric in self.logged:
            metric.reset_state()
        for metric in self.quality_metrics:
            if to_numpy(metric.real_is_known):
                metric.reset_fake()
            else:
                metric.reset_state()

    def _keep_reals(self, keep):
        """Whether the next evaluation is on the same real images as the last one."""
        for metric in self.quality_metrics:
            metric.real_is_known.assign(int(keep))

    def fit(self, x=None, y=None, *args, **kwargs):
        """Trains as `keras.Model.fit` does, after checking the data.

        Arrays are checked whole, everything else by its first batch. Each epoch over a dataset of `gan.datasets` is
        the pass of that number: with the `initial_epoch` at which a run stopped, it continues with the batches that it
        would have seen.

        Raises:
            TypeError: If `x` holds no images, or the images are not floats.
            ValueError: If the images do not have the shape that the networks take, lie outside [-1, 1], are not
                finite, or there are none; if a conditional GAN gets no labels, or labels that are not its classes; if
                `batch_size` is below 1 or above the number of images; if several devices cannot divide every batch; if
                samples or classes are weighted; or if clusters cannot be found in `x`, which is read only once.
        """
        arguments = dict(inspect.signature(super().fit).bind(x, y, *args, **kwargs).arguments)
        checks.check_unweighted(arguments)
        checks.check_compiled(self)
        checks.check_devices(self)
        self._check_optimizers()
        x, batch = checks.check_data(self, x, y, arguments.get("batch_size"), warn=True)
        if batch is not None:
            split = arguments.get("validation_split", 0.0)
            checks.check_batches(self, x, batch[0], arguments.get("batch_size"), split)
        arguments["x"] = x
        self._find_clusters(x, batch, arguments.get("steps_per_epoch"))
        if (validation := arguments.get("validation_data")) is not None:
            parts = validation if isinstance(validation, (tuple, list)) else [validation]
            checks.check_unweighted(dict(zip(("x", "y", "sample_weight"), parts, strict=False)))
            checked, _ = checks.check_data(self, *parts[:2], warn=True)
            arguments["validation_data"] = checked if len(parts) == 1 else (checked, *parts[1:])
        if isinstance(x, tf.data.Dataset):
            # Keras would warn that it leaves the shuffling to the dataset.
            arguments["shuffle"] = False
        callbacks = [self._measuring_callback(), keras.callbacks.LambdaCallback(on_train_end=self._finalize)]
        if batch is not None:
            callbacks.append(checks.LogitCheck(*batch))
        if isinstance(getattr(x, "epoch", None), tf.Variable):
            callbacks.append(keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: x.epoch.assign(epoch)))
        arguments["callbacks"] = [*callbacks, *tree.flatten(arguments.get("callbacks") or [])]
        self._keep_reals(False)
        return super().fit(**arguments)

    def _finalize(self, logs):
        # Keras does this for the optimizers that it knows. Those with `use_ema` write their averages.
        self.generator_optimizer.finalize_variable_values(self.generator.trainable_variables)
        self.discriminator_optimizer.finalize_variable_values(self.discriminator.trainable_variables)

    def evaluate(self, x=None, y=None, *args, **kwargs):
        """Evaluates as `keras.Model.evaluate` does, after checking the data as `fit` does.

        Every evaluation draws the same latents, whatever its batches: the same model and data give the same figures.
        XLA and other backends draw other latents. Called in the middle of a `fit`, it does not change the figures of
        the running epoch.
        """
        checks.check_adapted(self)
        is_validation_of_fit = kwargs.pop("_use_cached_eval_dataset", False)
        arguments = dict(inspect.signature(super().evaluate).bind(x, y, *args, **kwargs).arguments)
        checks.check_unweighted(arguments)
        checks.check_compiled(self)
        return_dict = arguments.pop("return_dict", False)
        self.evaluation_noise.state.assign([self.seed + 1, 0])
        if is_validation_of_fit:
            logs = super().evaluate(**arguments, return_dict=True, _use_cached_eval_dataset=True)
        else:
            checks.check_devices(self)
            arguments["x"], _ = checks.check_data(self, x, y, warn=True)
            arguments["callbacks"] = [self._measuring_callback(), *tree.flatten(arguments.get("callbacks") or [])]
            self._keep_reals(False)
            self.synchronize()
            running = [ops.convert_to_numpy(v) for metric in self.logged for v in metric.variables]
            logs = super().evaluate(**arguments, return_dict=True)
            for variable, value in zip((v for metric in self.logged for v in metric.variables), running, strict=True):
                variable.assign(value)
        logs.update(self.quality)
        self._keep_reals(is_validation_of_fit)
        return logs if return_dict else self._flatten_metrics_in_order(logs)

    def _measuring_callback(self):
        """Measures the quality metrics once, at the end of an evaluation, and tells all callbacks."""

        def on_test_end(logs):
            self.quality = figures_of(self.quality_metrics)
            logs.update(self.quality)

        return keras.callbacks.LambdaCallback(on_test_end=on_test_end)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, return_dict=False):
        checks.check_unweighted({"sample_weight": sample_weight, "class_weight": class_weight})
        checks.check_compiled(self)
        self._check_optimizers()
        _, batch = checks.check_data(self, x, y, warn=True)
        checks.check_adapted(self)
        checks.check_batches(self, x, batch[0], len(batch[0]))
        return super().train_on_batch(x, y, return_dict=return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, return_dict=False):
        checks.check_unweighted({"sample_weight": sample_weight})
        checks.check_adapted(self)
        checks.check_data(self, x, y, warn=True)
        return super().test_on_batch(x, y, return_dict=return_dict)
