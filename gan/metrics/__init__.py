"""Keras metrics of the quality of generated images, computed from the features that a network extracts.

Pass them to `GAN.compile(metrics=[...])`. `fit(validation_data=...)` and `evaluate` then report them:

```python
model = gan.GAN(gan.build_generator(widths=(64,)), gan.build_discriminator(widths=(64,)))
model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance(), gan.metrics.PrecisionRecall()])
test = gan.datasets.load("mnist5k", split="test")
history = model.fit(gan.datasets.load("mnist5k", split="train"), epochs=1, validation_data=test)
history.history["val_fid"]
```

`base` holds what all metrics share; `frechet`, `kernel`, `neighbours`, `modes` and `agreement` hold the metrics;
`extractors` holds the networks that extract the features, and `training` trains new ones.
"""

from gan.metrics.agreement import ClassAgreement
from gan.metrics.base import FeatureMetric, Statistic, figures_of
from gan.metrics.extractors import describe, get_extractor, load_extractor, usual_extractor
from gan.metrics.frechet import FrechetDistance
from gan.metrics.kernel import KernelDistance
from gan.metrics.modes import ModeCoverage
from gan.metrics.neighbours import DensityCoverage, PrecisionRecall
from gan.metrics.training import train_extractor


def all_metrics(extractor, image_shape, num_classes=None):
    """Returns all metrics of this package that an extractor supports.

    `ModeCoverage` and `ClassAgreement` need an extractor that classifies, that is, one that also returns logits.

    Args:
        extractor: Name or `keras.Model`, as in `get_extractor`.
        image_shape: Tuple `(height, width, channels)`. Shape of the images.
        num_classes: Int. Number of classes of a conditional GAN. If the extractor has as many classes,
            `ClassAgreement` is included. Defaults to None.

    Returns:
        A list of metrics for `GAN.compile(metrics=...)`.

    Raises:
        ValueError: The extractor is unknown, cannot be downloaded, or does not accept such images.

    Example:

    >>> [metric.name for metric in gan.metrics.all_metrics("digits", (28, 28, 1))]
    ['fid', 'kid', 'precision_recall', 'density_coverage', 'mode_coverage']
    """
    metrics = [
        FrechetDistance(extractor),
        KernelDistance(extractor),
        PrecisionRecall(extractor=extractor),
        DensityCoverage(extractor=extractor),
    ]
    outputs = describe(get_extractor(extractor, image_shape), image_shape)
    if "logits" in outputs:
        metrics.append(ModeCoverage(extractor))
        if outputs["logits"].shape[-1] == num_classes:
            metrics.append(ClassAgreement(extractor))
    return metrics


__all__ = [
    "ClassAgreement",
    "DensityCoverage",
    "FeatureMetric",
    "FrechetDistance",
    "KernelDistance",
    "ModeCoverage",
    "PrecisionRecall",
    "Statistic",
    "all_metrics",
    "figures_of",
    "get_extractor",
    "load_extractor",
    "train_extractor",
    "usual_extractor",
]
