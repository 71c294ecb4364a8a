"""The adversarial game: one step of training and of evaluation, written once for every kind of GAN.

`Game` holds what the paper's algorithm box would show. `gan.GAN` adds what users call: `compile`, `fit`, `evaluate`,
`generate` and `save`.
"""

from typing import Any, NamedTuple

import keras
from keras import ops

from gan import draws, engines, schedules
from gan.augmentation import AdaptiveAugment
from gan.engines import Engine
from gan.foreign import check_tensors, written_in_keras_ops


class Judged(NamedTuple):
    """One side of a game, real or generated, as the discriminator judged it.

    Attributes:
        images: Float32 tensor `(batch, ...)`, before augmentation.
        logits: Float32 tensor `(batch, 1)`, or `(batch, height, width, 1)` from a PatchGAN discriminator.
        extras: List of the discriminator's further outputs. Empty if it returns logits alone.
        condition: What the batch is conditioned on, such as labels `(batch,)`, or None.
        latents: Float tensor `(batch, latent_dim)` that the images were generated from. None for real images.
    """

    images: Any
    logits: Any
    extras: list
    condition: Any
    latents: Any = None


class Game(Engine, keras.Model):
    """The update of `gan.GAN`. Subclasses of `GAN` change it through `unpack`, `draw_latents` and `compute_losses`."""

    # What `compute_losses` returns. A subclass that computes a further loss adds its name, to have it logged.
    loss_names = ("g_loss", "d_loss")

    def unpack(self, data):
        """Splits a batch into images and what they are conditioned on.

        Args:
            data: A batch as `fit` receives it: images, or a tuple `(images, labels)`.

        Returns:
            A pair of the real images and their condition: labels for a GAN with `num_classes`, else None.

        Raises:
            ValueError: The batch holds sample weights.
        """
        images, labels, weights = keras.utils.unpack_x_y_sample_weight(data)
        if weights is not None:
            raise ValueError("A GAN does not support sample weights: give (images, labels) or images alone.")
        return images, None if self.num_classes is None else labels

    def draw_latents(self, count, seed):
        """Draws latents.

        Args:
            count: Int or int scalar tensor, number of latents.
            seed: A `keras.random.SeedGenerator`, an int, or None, as `keras.random.normal` takes it.

        Returns:
            Float tensor `(count, latent_dim)`, standard normal.
        """
        return draws.normal((count, self.latent_dim), seed)

    def compute_losses(self, real, fake):
        """Computes what each network minimizes in one game.

        Args:
            real: `Judged`, the real images and the discriminator's verdict on them.
            fake: `Judged`, the same of the generated images.

        Returns:
            Dict from each name in `loss_names` to a float scalar: `g_loss` for the generator, `d_loss` for the
            discriminator.
        """
        return {
            "g_loss": self.loss.generator(real.logits, fake.logits),
            "d_loss": self.loss.discriminator(real.logits, fake.logits),
        }

    @property
    def is_adaptive(self):
        """Whether the augmentation follows the discriminator's overfitting."""
        return isinstance(self.augmentation, AdaptiveAugment)

    def names_with(self, augmentation):
        """Returns the names under which a step with this augmentation logs."""
        adapted = ["overfitting", "augment_probability"] if isinstance(augmentation, AdaptiveAugment) else []
        return ["loss", *self.loss_names, "real_accuracy", "fake_accuracy", *adapted]

    def training_step(self, data):
        """One step of training on a batch, as `fit` receives it. Returns the logs."""
        images, condition = self._convert(data)
        self.unless_empty(images, lambda: self._train(images, condition))
        return self.get_metrics_result()

    def _train(self, images, condition):
        updates_before = self.generator_optimizer.iterations * 1  # a copy, not the variable
        if self.discriminator_steps is None:
            figures = self._update(images, condition, ("generator", "discriminator"))
        else:
            for _ in range(self.discriminator_steps):
                figures = self._update(images, condition, ("discriminator",))
            figures["g_loss"] = self._update(images, condition, ("generator",))["g_loss"]
        if self.average is not None:
            self._update_average(updates_before)
        if self.is_adaptive:
            self.augmentation.adapt(figures["overfitting"], engines.whole_count(ops.shape(images)[0]))
        self._log(figures, images)

    def _update(self, images, condition, players):
        """Plays one game with latents of its own and updates the networks named in `players`."""
        optimizers = [getattr(self, f"{name}_optimizer") for name in players]
        groups = [getattr(self, name).trainable_variables for name in players]

        def play():
            latents = self._latents(draws.for_batch, ops.shape(images)[0], self.training_noise)
            figures, fakes = self._play(images, latents, condition, self.generator, training=True)
            objectives = {"generator": figures["g_loss"], "discriminator": figures["d_loss"]}
            if "discriminator" in players:
                # No `+=`, which would change the loss that is logged on PyTorch.
                penalties = [self._penalize(one, images, fakes, condition) for one in self.regularizers]
                objectives["discriminator"] = objectives["discriminator"] + sum(penalties)
            scaled = [
                optimizer.scale_loss(objectives[name]) for name, optimizer in zip(players, optimizers, strict=True)
            ]
            return scaled, figures

        gradients, figures = self.gradients(play, groups)
        for optimizer, group, its_gradients in zip(optimizers, groups, gradients, strict=True):
            self.apply(optimizer, its_gradients, group)
        return figures

    def _latents(self, arrange, count, seed):
        if self.latent_dim is None:
            return None
        with written_in_keras_ops(self):
            latents = arrange(self.draw_latents, count, seed)
        # A compiled step would repeat what it cannot draw itself.
        check_tensors(self, "draw_latents", latents)
        return latents

    def _play(self, images, latents, condition, generator, training):
        """Runs both networks once over a batch. Returns the figures to log, and the generated images."""
        fakes = ops.cast(self._call(generator, latents, condition, training), "float32")
        real = self.judge(images, condition, training)
        # The next call forgets what this one added.
        real_penalty = sum(_split_losses(self.discriminator)[0])
        if self.clusters is not None and not training:
            condition, _ = self.clusters.split(latents)  # the sampler does so too
        fake = self.judge(fakes, condition, training)._replace(latents=latents)
        is_own = type(self).compute_losses is not Game.compute_losses
        author = self if is_own else self.loss
        with written_in_keras_ops(author):
            figures = dict(self.compute_losses(real, fake))
        check_tensors(author, "compute_losses" if is_own else "generator and discriminator", *figures.values())
        if set(figures) != set(self.loss_names):
            raise ValueError(
                f"compute_losses must return the losses {', '.join(self.loss_names)} (see loss_names), "
                f"not {', '.join(figures)}."
            )
        added_to_generator, weights_of_generator = _split_losses(generator)[0], _split_losses(self.generator)[1]
        figures["g_loss"] = figures["g_loss"] + sum(added_to_generator) + sum(weights_of_generator)
        figures["d_loss"] = figures["d_loss"] + real_penalty + sum(self.discriminator.losses)
        figures["real_accuracy"] = _share(real.logits > 0)
        figures["fake_accuracy"] = _share(fake.logits < 0)
        if self.is_adaptive:
            figures["overfitting"] = ops.mean(ops.sign(self.loss.margin(real.logits, fake.logits)))
            figures["augment_probability"] = self.augmentation.probability * 1  # a copy, not the variable
        return figures, fakes

    def judge(self, images, condition, training):
        """Runs the discriminator, which sees augmented images in training. Returns a `Judged`."""
        seen = images
        if training and self.augmentation is not None:
            seen = self.augmentation(images, seed=self.training_noise)
        outputs = self._call(self.discriminator, seen, condition, training)
        logits, *extras = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        return Judged(images, ops.cast(logits, "float32"), extras, condition)

    def _call(self, network, first, condition, training):
        """Calls a network on the inputs that it takes: latents or images, then the condition."""
        inputs = [tensor for tensor in (first, condition) if tensor is not None][: len(input_shapes(network))]
        inputs = inputs[0] if len(inputs) == 1 else inputs
        if training:
            # Each device has its share of a training batch, and the whole of any other batch.
            return network(inputs, training=True)
        return self.divided(network, inputs, training=False)

    def _penalize(self, regularizer, real_images, fake_images, condition):
        """What a regularizer adds to the discriminator's objective in this step: 0 if it is not due."""

        def penalty():
            with written_in_keras_ops(regularizer):
                points = regularizer.points(real_images, ops.stop_gradient(fake_images), self.training_noise)
            gradients = self.image_gradients(lambda points: self.judge(points, condition, training=True).logits, points)
            with written_in_keras_ops(regularizer):
                return weight * regularizer.interval * regularizer.penalty(gradients)

        # Iterations count updates: gradients that are accumulated equal those of one large batch.
        updates = self.discriminator_optimizer.iterations
        weight = schedules.at(regularizer.weight, updates)
        is_due = updates % regularizer.interval == 0
        return self.branch(is_due, penalty, 0.0)

    def _update_average(self, updates_before):
        updates = ops.convert_to_tensor(self.generator_optimizer.iterations)
        # Early in training the average follows the weights closely, to forget their random start.
        steps = ops.cast(updates, "float32")
        decay = ops.minimum(schedules.at(self.averaging, updates), (1 + steps) / (10 + steps))
        # A step may only accumulate gradients, or be skipped by loss scaling.
        share = ops.where(updates > updates_before, 1 - decay, 0.0)
        # All weights, not only the trained ones: BatchNormalization's moving statistics belong to them.
        for average, weight in zip(self.average.weights, self.generator.weights, strict=True):
            average.assign_add(ops.cast(share, weight.dtype) * (ops.convert_to_tensor(weight) - average))

    def _log(self, figures, images):
        # A ReLU can turn NaN into 0. Adding 0 * images makes the logged loss NaN if an image is.
        values = {"loss": figures["g_loss"] + figures["d_loss"] + 0 * ops.mean(images), **figures}
        for metric in self.logged:
            metric.update_state(values[metric.name], sample_weight=ops.shape(images)[0])

    def evaluation_step(self, data):
        """One step of evaluation on a batch, as `evaluate` receives it. Returns the logs."""
        images, condition = self._convert(self.whole(data))
        self.unless_empty(images, lambda: self._test(images, condition))
        return self.get_metrics_result()

    def _test(self, images, condition):
        latents = self._latents(draws.in_blocks, ops.shape(images)[0], self.evaluation_noise)
        figures, fakes = self._play(images, latents, condition, self.sampler, training=False)
        for metric, outputs in self._extract(fakes, condition):
            metric.update_fake(outputs)
        if self.quality_metrics:
            # They all know the real images, or none does.
            is_new = self.quality_metrics[0].real_is_known == 0
            self.branch(is_new, lambda: self._update_reals(images, condition), None)
        self._log(figures, images)

    def _update_reals(self, images, condition):
        for metric, outputs in self._extract(images, condition):
            metric.update_real(outputs)

    def _extract(self, images, condition):
        """Pairs each metric with its extractor's outputs. No extractor runs twice."""
        extract = {metric.extractor_name: metric.extract for metric in self.quality_metrics}
        outputs = {name: {**self.divided(extract[name], images), "labels": condition} for name in extract}
        return [(metric, outputs[metric.extractor_name]) for metric in self.quality_metrics]

    def get_metrics_result(self):
        """What a step logs. Quality metrics are expensive: `evaluate` adds them once, at its end."""
        return {metric.name: metric.result() for metric in self.logged}

    def _convert(self, data):
        with written_in_keras_ops(self):
            images, condition = self.unpack(data)
        images = ops.convert_to_tensor(images)
        if not keras.backend.is_float_dtype(images.dtype):
            raise TypeError(f"images must be floats in [-1, 1], not {keras.backend.standardize_dtype(images.dtype)}.")
        if self.clusters is not None:
            return ops.cast(images, "float32"), self.clusters(images)
        if condition is None:
            return ops.cast(images, "float32"), None
        condition = ops.convert_to_tensor(condition)
        if self.augmentation is not None and len(condition.shape) > 2:
            raise ValueError(
                "augmentation would change the images but not the images that they are conditioned on; "
                "compile without augmentation."
            )
        return ops.cast(images, "float32"), ops.cast(condition, "float32" if self.num_classes is None else "int32")


def input_shapes(network):
    """The shapes of a network's inputs, as a list."""
    shape = network.input_shape
    return shape if isinstance(shape, list) else [shape]


def _split_losses(network):
    """What a network's last call added to its losses, such as activity regularizers; and the penalties on weights."""
    start = len(network.losses) - sum(weight.regularizer is not None for weight in network.trainable_variables)
    return network.losses[:start], network.losses[start:]


def _share(condition):
    return ops.mean(ops.cast(condition, "float32"))
