"""Sanity check of an extractor: does its fid see the defects that generated images may have?"""

from typing import NamedTuple

import numpy as np

from gan.images import to_float
from gan.metrics import defects
from gan.metrics.frechet import FrechetDistance
from gan.text import format_count

LEAST_IMAGES, MOST_IMAGES = 400, 2000
BATCH_SIZE = 250
SPLITS = 4
STRENGTHS = {
    "blur": (0.02, 0.04, 0.08),
    "noise": (0.1, 0.2, 0.4),
    "shuffled patches": (0.25, 0.5, 1),
    "missing classes": (0.2, 0.3, 0.4),
}
CHANGES = {"blur": defects.blur, "noise": defects.add_noise, "shuffled patches": defects.shuffle_patches}
# Real images against real ones: largest fid, as a share of the variance of the features.
NEAR_ZERO = 0.1
# The fid of the weakest defect is at least this many times the fid of real images against real ones.
CLEAR = 1.25
OF_UNTRAINED = 3
# Noise with a fid this many times that of real images is seen, even if an untrained network sees it too.
OBVIOUS = 10


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

    Real images are split at random into halves, and one half is given a defect. Each fid is the mean over four splits
    and compares the same numbers of images.

    An extractor passes if

    - real images against real ones have a fid near 0: at most a tenth of the variance of the features;
    - each defect, even a weak one, has a fid of at least 1.25 times that, which rises with the strength of the defect;
    - it makes at least three times as much of noise and of missing classes as the untrained network does.

    What a network makes of a defect is measured in units of what it makes of blur, both beyond real images against real
    ones. This depends neither on the scale of the features nor on the number of images, and an untrained network mostly
    sees blur. Noise passes too if its fid is ten times that of real images: then even an untrained network sees it.

    Args:
        network: The extractor, a `keras.Model`.
        untrained: An untrained network of the same shape.
        images: uint8 array `(count, height, width, channels)`. 2,000 random ones of them are used.
        labels: Int array `(count,)`. Defaults to None, or too few classes to leave some out: kinds of images that are
            found by their edges.
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
    if classes is None or not _can_leave_out(classes):
        classes = defects.find_classes(images, seed)
    fids, variance = _measure(network, images, classes, seed)
    of_untrained, _ = _measure(untrained, images, classes, seed)
    real = fids["real", 0]
    if real == 0:
        return Check([], 0.0, {}, ["its features are the same for all images"])
    rows = [(*key, fid / real, of_untrained[key] / of_untrained["real", 0]) for key, fid in fids.items()]
    gains = {
        "noise": _relative(fids, "noise", 1) / _relative(of_untrained, "noise", 1),
        "missing classes": _relative(fids, "missing classes", 2) / _relative(of_untrained, "missing classes", 2),
    }
    return Check(rows, real / variance, gains, _find_reasons(fids, real / variance, gains))


def format_check(check):
    """Formats a check as a short table."""
    lines = [f"{'fid / fid of real images':26}{'extractor':>10}{'untrained':>11}"]
    for defect, strength, fid, of_untrained in check.rows:
        lines.append(f"{f'{defect} {strength:g}' if strength else defect:26}{fid:10.2f}{of_untrained:11.2f}")
    lines.append(f"real against real: {check.near_zero:.1%} of the variance of the features")
    lines.append("; ".join(f"{defect}: {gain:.1f} times the untrained network" for defect, gain in check.gains.items()))
    return "\n".join(lines if check.rows else check.reasons)


def _can_leave_out(classes):
    counts = np.unique(classes, return_counts=True)[1]
    weakest, strongest = STRENGTHS["missing classes"][0], STRENGTHS["missing classes"][-1]
    return counts[counts <= weakest * len(classes)].sum() >= strongest * len(classes)


def _measure(network, images, classes, seed):
    """Returns the fid of each defect and strength, and the variance of the features."""
    clean = _features(network, images)
    changed = {
        (defect, strength): _features(network, images, change, strength, seed)
        for defect, change in CHANGES.items()
        for strength in STRENGTHS[defect]
    }
    distance = FrechetDistance()
    half = len(images) // 2
    count = int((1 - STRENGTHS["missing classes"][-1]) * half)
    fids = {}
    for split in range(SPLITS):
        rng = np.random.default_rng((seed, split))
        order = rng.permutation(len(images))
        first, second = order[:half], order[half:]
        real = distance.prepare(_moments(clean[first]))
        samples = {("real", 0): clean[second[:count]]}
        samples |= {key: features[second[:count]] for key, features in changed.items()}
        for share in STRENGTHS["missing classes"]:
            left = defects.without_classes(classes[second], share, rng)
            samples["missing classes", share] = clean[second[left[:count]]]
        for key, features in samples.items():
            fids.setdefault(key, []).append(distance.compare(real, _moments(features)))
    return {key: np.mean(values) for key, values in fids.items()}, np.trace(_moments(clean)[1])


def _features(network, images, change=None, strength=None, seed=0):
    batches = []
    for start in range(0, len(images), BATCH_SIZE):
        batch = to_float(images[start : start + BATCH_SIZE])
        if change:
            batch = change(batch, strength, np.random.default_rng((seed, start)))
        outputs = network.predict_on_batch(batch)
        batches.append(outputs[0] if isinstance(outputs, (list, tuple)) else outputs)
    return np.concatenate(batches).astype("float64")


def _moments(features):
    return features.mean(axis=0), np.atleast_2d(np.cov(features, rowvar=False))


def _relative(fids, defect, index):
    """Returns what a network makes of a defect, in units of what it makes of blur."""
    beyond = {
        name: fids[name, STRENGTHS[name][position]] - fids["real", 0]
        for name, position in ((defect, index), ("blur", 1))
    }
    # Chance can give a defect that a network does not see a fid below that of real images.
    floor = 0.05 * fids["real", 0]
    return max(beyond[defect], floor) / max(beyond["blur"], floor)


def _find_reasons(fids, near_zero, gains):
    real = fids["real", 0]
    reasons = []
    if near_zero > NEAR_ZERO:
        reasons.append(f"real images against real ones have a fid of {near_zero:.0%} of the variance of the features")
    for defect, strengths in STRENGTHS.items():
        values = [fids[defect, strength] for strength in strengths]
        if values[0] < CLEAR * real:
            reasons.append(f"{defect} of strength {strengths[0]} is hardly seen")
        if values != sorted(values):
            reasons.append(f"the fid does not rise with the strength of {defect}")
    obvious = fids["noise", STRENGTHS["noise"][1]] >= OBVIOUS * real
    for defect, gain in gains.items():
        if gain < OF_UNTRAINED and not (defect == "noise" and obvious):
            reasons.append(f"it makes only {gain:.1f} times as much of {defect} as an untrained network")
    return reasons
