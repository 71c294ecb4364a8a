"""Sanity check of an extractor: does its fid see the defects that generated images may have?"""

from typing import NamedTuple

import numpy as np
from keras import ops

from gan.images import to_float
from gan.metrics import defects
from gan.metrics.extractors import extract
from gan.metrics.frechet import FrechetDistance
from gan.text import format_count

LEAST_IMAGES, MOST_IMAGES = 400, 2000
BATCH_SIZE = 250
SPLITS = 8
STRENGTHS = {
    "blur": (0.02, 0.04, 0.08),
    "noise": (0.1, 0.2, 0.4),
    "shuffled patches": (0.25, 0.5, 1),
    "missing classes": (0.2, 0.3, 0.4),
    "missing kinds": (0.2, 0.3, 0.4),
}
CHANGES = {"blur": defects.blur, "noise": defects.add_noise, "shuffled patches": defects.shuffle_patches}
OMISSIONS = {"missing classes": defects.without_classes, "missing kinds": defects.without_kinds}
# Real images against real ones: largest fid, as a share of the variance of the features.
NEAR_ZERO = 0.1
# The fid of the weakest defect is at least this many times the fid of real images against real ones.
CLEAR = 1.25
# How many times as much as an untrained network an extractor makes of these. Kinds are told by edges, which untrained
# networks see too.
OF_UNTRAINED = {"noise": 3, "missing classes": 3, "missing kinds": 1.5}
LEAST_EXCESS = 0.05


class Check(NamedTuple):
    """Result of a check.

    Attributes:
        rows: List of tuples: the defect, its strength, and its fid for the extractor and for the untrained network.
            The fid is divided by that of real images against real ones.
        near_zero: Float. Fid of real images against real ones, divided by the variance of the features.
        gains: Dict from `"noise"` and `"missing classes"` to how much more the extractor makes of them than the
            untrained network.
        reasons: List of sentences that say what the extractor does not see. Empty if it has passed.
    """

    rows: list
    near_zero: float
    gains: dict
    reasons: list


def check_extractor(network, untrained, images, labels=None, seed=0):
    """Checks that the fid of an extractor sees blur, noise, shuffled patches and missing classes.

    Real images are split at random into halves, and one half is given a defect. Each fid is the mean over eight splits
    and compares the same numbers of images.

    An extractor passes if

    - real images against real ones have a fid near 0: at most a tenth of the variance of the features;
    - each defect, even a weak one, has a fid of at least 1.25 times that, which rises with the strength of the defect;
    - it makes at least three times as much of noise and of missing classes as an untrained network of its shape; of
      missing kinds, which take the place of classes if there are no labels, 1.5 times as much.

    What a network makes of a defect is how far the fid of the defect, at its middle strength, exceeds that of real
    images, divided by that of real images. This does not depend on the scale of the features.

    Args:
        network: The extractor, a `keras.Model`.
        untrained: List of untrained networks of the same shape, normalized too. The mean of their figures counts.
        images: uint8 array `(count, height, width, channels)`. 2,000 random ones of them are used.
        labels: Int array `(count,)`. Defaults to None: the directions of their edges tell kinds of images.
        seed: Int. Seed of the splits and of the defects. Defaults to 0.

    Returns:
        A `Check`.
    """
    if len(images) < LEAST_IMAGES:
        reason = f"{format_count(len(images), 'image')} are too few to check an extractor, which needs {LEAST_IMAGES}"
        return Check([], 0.0, {}, [reason])
    chosen = np.sort(np.random.default_rng(seed).permutation(len(images))[:MOST_IMAGES])
    images = np.asarray(images[chosen])
    classes = None if labels is None else np.asarray(labels)[chosen]
    missing = "missing classes"
    if classes is None or len(np.unique(classes)) < 2:
        missing, classes = "missing kinds", defects.place_by_edges(images)
    fids, variance = _measure(network, images, missing, classes, seed)
    real = fids["real", 0]
    if real == 0:
        return Check([], 0.0, {}, ["its features are the same for all images"])
    of_untrained = [_in_units_of_real(_measure(other, images, missing, classes, seed)[0]) for other in untrained]
    of_untrained = {key: np.mean([ratios[key] for ratios in of_untrained]) for key in fids}
    ratios = _in_units_of_real(fids)
    rows = [(*key, ratio, of_untrained[key]) for key, ratio in ratios.items()]
    gains = {defect: _excess(ratios, defect) / _excess(of_untrained, defect) for defect in ("noise", missing)}
    return Check(rows, real / variance, gains, _find_reasons(fids, real / variance, gains))


def format_check(check):
    """Formats a check as a short table."""
    lines = [f"{'fid / fid of real images':26}{'extractor':>10}{'untrained':>11}"]
    for defect, strength, fid, of_untrained in check.rows:
        lines.append(f"{f'{defect} {strength:g}' if strength else defect:26}{fid:10.2f}{of_untrained:11.2f}")
    lines.append(f"real against real: {check.near_zero:.1%} of the variance of the features")
    lines.append("; ".join(f"{defect}: {gain:.1f} times the untrained network" for defect, gain in check.gains.items()))
    return "\n".join(lines if check.rows else check.reasons)


def _measure(network, images, missing, classes, seed):
    """Returns the fid of each defect and strength, and the variance of the features."""
    clean = _features(network, images)
    changed = {
        (defect, strength): _features(network, images, change, strength, seed)
        for defect, change in CHANGES.items()
        for strength in STRENGTHS[defect]
    }
    distance = FrechetDistance()
    half = len(images) // 2
    count = int((1 - STRENGTHS[missing][-1]) * half)
    fids = {}
    for split in range(SPLITS):
        rng = np.random.default_rng((seed, split))
        order = rng.permutation(len(images))
        first, second = order[:half], order[half:]
        real = distance.prepare(_moments(clean[first]))
        samples = {("real", 0): clean[second[:count]]}
        samples |= {key: features[second[:count]] for key, features in changed.items()}
        for share in STRENGTHS[missing]:
            # The same order for each share, so that a larger share leaves out more.
            left = OMISSIONS[missing](classes[second], share, np.random.default_rng((seed, split)))
            samples[missing, share] = clean[second[left[:count]]]
        for key, features in samples.items():
            fids.setdefault(key, []).append(distance.compare(real, _moments(features)))
    return {key: np.mean(values) for key, values in fids.items()}, np.trace(_moments(clean)[1])


def _features(network, images, change=None, strength=None, seed=0):
    batches = []
    for start in range(0, len(images), BATCH_SIZE):
        batch = to_float(images[start : start + BATCH_SIZE])
        if change:
            batch = change(batch, strength, np.random.default_rng((seed, start)))
        batches.append(ops.convert_to_numpy(extract(network, batch)["features"]))
    return np.concatenate(batches).astype("float64")


def _moments(features):
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def _in_units_of_real(fids):
    return {key: fid / fids["real", 0] for key, fid in fids.items()}


def _excess(ratios, defect):
    """Returns how far the fid of a defect exceeds that of real images, as a multiple of it."""
    # Chance can give a defect that a network does not see a fid below that of real images.
    return max(ratios[defect, STRENGTHS[defect][1]] - 1, LEAST_EXCESS)


def _find_reasons(fids, near_zero, gains):
    real = fids["real", 0]
    reasons = []
    if near_zero > NEAR_ZERO:
        reasons.append(f"real images against real ones have a fid of {near_zero:.0%} of the variance of the features")
    for defect in dict.fromkeys(name for name, strength in fids if strength):
        strengths = STRENGTHS[defect]
        values = [fids[defect, strength] for strength in strengths]
        if values[0] < CLEAR * real:
            reasons.append(f"{defect} of strength {strengths[0]} is hardly seen")
        if values != sorted(values):
            reasons.append(f"the fid does not rise with the strength of {defect}")
    for defect, gain in gains.items():
        if gain < OF_UNTRAINED[defect]:
            reasons.append(f"it makes only {gain:.1f} times as much of {defect} as an untrained network")
    return reasons
