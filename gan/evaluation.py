"""How `scripts/evaluate.py` compares generated images with real images, and when its figures deserve no trust."""

import keras
import numpy as np
from keras import ops

from gan import metrics as gan_metrics

LEAST_ACCURACY = 0.8


def batches(dataset):
    """Yields the batches of a dataset as pairs of images and labels; the labels are None if it has none."""
    for batch in dataset.as_numpy_iterator():
        yield batch if isinstance(batch, tuple) else (batch, None)


def first(dataset, count):
    """Yields the batches of the first `count` images of a dataset, as `batches` does."""
    left = count
    for images, labels in batches(dataset):
        yield images[:left], None if labels is None else labels[:left]
        left -= len(images[:left])
        if not left:
            return


def image_kinds(model, test, train, count, seed):
    """Prepares the four kinds of images that are compared.

    Args:
        model: A `gan.GAN`.
        test: Dataset of test images, or of test images and labels.
        train: Dataset of training images, or of training images and labels.
        count: Int, images of each kind.
        seed: Int, seed of the latents and of the noise.

    Returns:
        Dict from `"test"`, `"generated"`, `"training"` and `"noise"` to functions that yield batches of images and
        labels. Generated images and noise have the labels of the test images.
    """
    latents = keras.random.normal((count, model.latent_dim), seed=seed)
    rng = np.random.default_rng(seed)

    def like_test_images(make):
        start = 0
        for images, labels in first(test, count):
            yield make(slice(start, start + len(images)), labels), labels
            start += len(images)

    def generate(rows, labels):
        return model.generate(latents=latents[rows], labels=labels if model.num_classes else None)

    def draw_noise(rows, labels):
        return rng.uniform(-1, 1, (rows.stop - rows.start, *model.image_shape)).astype("float32")

    return {
        "test": lambda: first(test, count),
        "generated": lambda: like_test_images(generate),
        "training": lambda: first(train, count),
        "noise": lambda: like_test_images(draw_noise),
    }


def measure(metrics, images_of, advance):
    """Compares generated images, training images and noise with the test images.

    Args:
        metrics: List of built metrics with one extractor.
        images_of: What `image_kinds` returns.
        advance: Function that is called with the number of images of each finished batch.

    Returns:
        Dict from `"generated"`, `"training"` and `"noise"` to dicts of figures; and the share of labeled test images
        that the extractor classifies correctly, None if it does not classify or there are no labels.
    """

    def outputs_of(kind):
        for images, labels in images_of[kind]():
            yield {**metrics[0].extract(images), "labels": labels}
            advance(len(images))

    correct = []
    for outputs in outputs_of("test"):
        for metric in metrics:
            metric.update_real(outputs)
        if "logits" in outputs and outputs["labels"] is not None:
            correct.extend(ops.convert_to_numpy(outputs["logits"]).argmax(axis=1) == outputs["labels"])
    figures = {}
    for kind in ("generated", "training", "noise"):
        for metric in metrics:
            metric.reset_fake()
        for outputs in outputs_of(kind):
            for metric in metrics:
                metric.update_fake(outputs)
        figures[kind] = gan_metrics.figures_of(metrics)
    return figures, float(np.mean(correct)) if correct else None


def find_doubts(figures, accuracy, extractor):
    """Lists the reasons not to trust the figures of an evaluation.

    Args:
        figures: Dict of figures by kind, as `measure` returns.
        accuracy: Accuracy of the extractor on labeled test images, as `measure` returns, or None.
        extractor: Name of the extractor.

    Returns:
        List of sentences, empty if there is no doubt.

    Example:

    >>> from gan import evaluation
    >>> figures = {"generated": {"fid": 9.0}, "training": {"fid": 1.0}, "noise": {"fid": 80.0}}
    >>> len(evaluation.find_doubts(figures, accuracy=0.99, extractor="digits"))
    0
    """
    fids = {kind: values["fid"] for kind, values in figures.items()}
    doubts = []
    if fids["noise"] <= fids["training"]:
        doubts.append(
            f"noise has a fid of {fids['noise']:.4g}, real training images have {fids['training']:.4g}: the extractor "
            f"{extractor} does not suit these images, so its figures mean nothing. Choose another --extractor."
        )
    if fids["noise"] <= fids["generated"]:
        doubts.append(
            f"noise has a fid of {fids['noise']:.4g}, the generated images have {fids['generated']:.4g}: the model has "
            f"learned little, or the extractor {extractor} does not suit these images."
        )
    if accuracy is not None and accuracy < LEAST_ACCURACY:
        doubts.append(
            f"the extractor {extractor} classifies only {accuracy:.0%} of the labeled test images correctly: it does "
            "not suit these images. Train one on them with train_extractor.py."
        )
    return doubts


def flatten(images):
    """Returns the pixels of images as their features, for `find_nearest`."""
    return {"features": images.reshape(len(images), -1)}


def find_nearest(extract, samples, train, neighbours, advance):
    """Finds the training images whose features are nearest to those of each sample.

    Args:
        extract: Function from images to a dict with `features`.
        samples: Float array `(count, height, width, channels)`.
        train: Dataset of training images.
        neighbours: Int, images to find for each sample.
        advance: As in `measure`.

    Returns:
        Float array `(count, neighbours, height, width, channels)`, the nearest first.
    """
    features = ops.convert_to_numpy(extract(samples)["features"])
    distances = np.full((len(samples), neighbours), np.inf)
    nearest = np.zeros((len(samples), neighbours, *samples.shape[1:]), "float32")
    for images, _ in batches(train):
        others = ops.convert_to_numpy(extract(images)["features"])
        # One sample at a time, because an image has many pixels.
        found = np.stack([((others - one) ** 2).sum(-1) for one in features])
        candidates = np.concatenate([distances, found], axis=1)
        order = np.argsort(candidates, axis=1)[:, :neighbours]
        distances = np.take_along_axis(candidates, order, axis=1)
        for row, chosen in enumerate(order):
            nearest[row] = np.concatenate([nearest[row], images])[chosen]
        advance(len(images))
    return nearest
