"""How good generated images are, as Keras metrics over the features that a network finds in them.

Given to `GAN.compile(metrics=[...])` they come out of `fit(validation_data=...)` and `evaluate`:

```python
model.compile("adam", "adam", metrics=[gan.metrics.FrechetDistance(), gan.metrics.PrecisionRecall()])
model.fit(dataset, epochs=10, validation_data=gan.datasets.load("mnist5k", split="test"), validation_freq=5)
```

One file holds one idea: `base` what all metrics have in common, `frechet`, `kernel`, `neighbours` and `modes` the
metrics, `extractors` the networks whose features they compare.
"""

from gan.metrics.base import FeatureMetric
from gan.metrics.extractors import get_extractor, train_extractor
from gan.metrics.frechet import FrechetDistance
from gan.metrics.kernel import KernelDistance
from gan.metrics.modes import ModeCoverage
from gan.metrics.neighbours import DensityCoverage, PrecisionRecall

__all__ = [
    "DensityCoverage",
    "FeatureMetric",
    "FrechetDistance",
    "KernelDistance",
    "ModeCoverage",
    "PrecisionRecall",
    "get_extractor",
    "train_extractor",
]
