"""The fid of noise, a baseline that every trial of a sweep must beat."""

import json

import numpy as np

import gan
from gan.files import written_whole
from gan.runs import find_extractor
from tuning.layout import noise_file
from tuning.prepare import open_images

BATCH_SIZE = 256


def warning(output, settings, best_fid):
    """Returns a warning if the best trial of a sweep is no better than uniform noise.

    Args:
        output: Folder of the sweep.
        settings: Dict of settings, as `read_settings` returns it.
        best_fid: Float. The lowest `val_fid` of the sweep.

    Returns:
        A sentence that says what to change, or None.
    """
    fid = measure(output, settings)
    if best_fid < fid:
        return None
    return (
        f"warning: no trial is better than noise: the lowest fid is {best_fid:.4g}, and uniform noise has {fid:.4g}. "
        f"Raise --epochs (now {settings['epochs']}), search other learning rates with --space, or choose an "
        "--extractor that suits the images."
    )


def measure(output, settings):
    """Measures the fid of uniform noise in [-1, 1] against the validation images, once per sweep.

    Args:
        output: Folder of the sweep. The value is kept in it.
        settings: Dict of settings, as `read_settings` returns it.

    Returns:
        A float.
    """
    file = noise_file(output)
    if file.exists():
        return json.loads(file.read_text())["fid"]
    extractor = gan.metrics.load_extractor(find_extractor(settings["extractor"], output))
    metric = gan.metrics.FrechetDistance(extractor)
    rng = np.random.default_rng(settings["seed"])
    images = gan.datasets.load(open_images(settings), BATCH_SIZE, split="test")
    for batch in images.as_numpy_iterator():
        metric.update_state(batch, rng.uniform(-1, 1, batch.shape).astype("float32"))
    fid = metric.result()
    with written_whole(file) as partial:
        partial.write_text(json.dumps({"fid": fid}) + "\n")
    return fid
