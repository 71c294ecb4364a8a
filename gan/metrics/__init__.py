"""How good generated images are, as Keras metrics over the features that a network finds in them.

Given to `GAN.compile(metrics=[...])` they come out of `fit(validation_data=...)` and `evaluate`:

```python
model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance(), gan.metrics.PrecisionRecall()])
model.fit(dataset, epochs=10, validation_data=gan.datasets.load("mnist5k", split="test"), validation_freq=5)
```

One file holds one idea: `base` what all metrics have in common, `frechet`, `kernel`, `neighbours`, `modes` and
`agreement` the metrics, `extractors` the networks whose features they compare.
"""

from gan.metrics.agreement import ClassAgreement
from gan.metrics.base import FeatureMetric, figures_of
from gan.metrics.extractors import describe, get_extractor, load_extractor, train_extractor, usual_extractor
from gan.metrics.frechet import FrechetDistance
from gan.metrics.kernel import KernelDistance
from gan.metrics.modes import ModeCoverage
from gan.metrics.neighbours import DensityCoverage, PrecisionRecall


def all_metrics(extractor, image_shape, num_classes=None):
    """Makes all metrics of this package for one extractor; `ModeCoverage` only where it classifies.

    Args:
        extractor: As in `get_extractor`.
        image_shape: `(height, width, channels)`.
        num_classes: Int, the classes of a GAN that is told which to make: adds `ClassAgreement` where the extractor
            tells as many apart. Default None.

    Returns:
        A list for `GAN.compile(metrics=...)`.

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
    "all_metrics",
    "figures_of",
    "get_extractor",
    "load_extractor",
    "train_extractor",
    "usual_extractor",
]
