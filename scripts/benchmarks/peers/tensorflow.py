"""A plain TensorFlow loop, as in tutorials: Keras networks, a `tf.function` and gradient tapes."""

import tensorflow as tf
from keras import losses, optimizers

import gan


class Loop:
    """Trains the networks of a preset.

    Args:
        settings: Dict of settings of a preset.
        images: Float array `(count, height, width, channels)` in [-1, 1].
        jit_compile: Bool, whether XLA compiles the step. Default False.
    """

    def __init__(self, settings, images, jit_compile=False):
        self.settings = settings
        self.images = images
        self.generator, self.discriminator = build_networks(settings, images.shape[1:])
        self.average = None
        if settings["averaging"]:
            self.average, _ = build_networks(settings, images.shape[1:])
            self.average.set_weights(self.generator.get_weights())
        self.cross_entropy = losses.BinaryCrossentropy(from_logits=True)
        self.generator_optimizer, self.discriminator_optimizer = (
            optimizers.Adam(settings[f"{player}_lr"], settings["beta_1"], settings["beta_2"])
            for player in ("generator", "discriminator")
        )
        self.step = 0
        self.train_step = tf.function(self._train_step, jit_compile=jit_compile)

    def batches(self):
        """Shuffled batches without end."""
        dataset = tf.data.Dataset.from_tensor_slices(self.images).shuffle(len(self.images))
        return iter(dataset.batch(self.settings["batch_size"]).repeat())

    def train(self, images):
        """Trains on a batch. Returns the generator's loss, which is known when the step is finished."""
        is_penalized = self.settings["r1"] > 0 and self.step % self.settings["regularize_every"] == 0
        self.step += 1
        return float(self.train_step(images, is_penalized)[0])

    def _train_step(self, images, is_penalized):
        latents = tf.random.normal([tf.shape(images)[0], self.settings["latent_dim"]])
        with tf.GradientTape() as g_tape, tf.GradientTape() as d_tape:
            fakes = self.generator(latents, training=True)
            with tf.GradientTape() as image_tape:
                image_tape.watch(images)
                real_logits = self.discriminator(images, training=True)
            fake_logits = self.discriminator(fakes, training=True)
            g_loss = self.cross_entropy(tf.ones_like(fake_logits), fake_logits)
            d_loss = self.cross_entropy(tf.ones_like(real_logits), real_logits)
            d_loss += self.cross_entropy(tf.zeros_like(fake_logits), fake_logits)
            objective = d_loss
            if is_penalized:
                gradients = image_tape.gradient(real_logits, images)
                penalty = 0.5 * tf.reduce_mean(tf.reduce_sum(gradients**2, axis=[1, 2, 3]))
                objective += self.settings["r1"] * self.settings["regularize_every"] * penalty
        g_gradients = g_tape.gradient(g_loss, self.generator.trainable_variables)
        d_gradients = d_tape.gradient(objective, self.discriminator.trainable_variables)
        self.generator_optimizer.apply_gradients(zip(g_gradients, self.generator.trainable_variables, strict=True))
        self.discriminator_optimizer.apply_gradients(
            zip(d_gradients, self.discriminator.trainable_variables, strict=True)
        )
        if self.average is not None:
            self._update_average()
        return g_loss, d_loss

    def _update_average(self):
        step = tf.cast(self.generator_optimizer.iterations, tf.float32)
        decay = tf.minimum(self.settings["averaging"], (1 + step) / (10 + step))
        for average, weight in zip(self.average.weights, self.generator.weights, strict=True):
            average.assign_add((1 - decay) * (weight - average))


def build_networks(settings, image_shape):
    latent_dim = settings["latent_dim"]
    if settings["networks"] == "mlp":
        generator = gan.build_generator(latent_dim, settings["generator_widths"], image_shape)
        return generator, gan.build_discriminator(image_shape, settings["discriminator_widths"], settings["dropout"])
    generator = gan.build_conv_generator(latent_dim, settings["generator_width"], image_shape=image_shape)
    return generator, gan.build_conv_discriminator(image_shape, settings["discriminator_width"])


def compile_products(products, jit_compile=False):
    """Compiles a function that computes `(one, other, transpose_one, transpose_other)` for each product.

    Returns:
        A function without arguments, which returns when all products are computed.
    """
    operands = [(tf.constant(one), tf.constant(other)) for one, other, *_ in products]

    @tf.function(jit_compile=jit_compile)
    def multiply(operands):
        return [
            tf.matmul(one, other, transpose_a=transpose_one, transpose_b=transpose_other)
            for (one, other), (*_, transpose_one, transpose_other) in zip(operands, products, strict=True)
        ]

    return lambda: multiply(operands)[-1].numpy()
