"""Sanity check of an extractor: its fid must see the defects that generated images have."""

import numpy as np

from gan.images import to_float
from gan.metrics.frechet import FrechetDistance

BATCH_SIZE = 250
PATCHES = 4
CLUSTERS = 10
THUMBNAIL = 8
BLURS = (0.02, 0.04, 0.08)
NOISES = (0.1, 0.2, 0.4)
SHUFFLES = (0.25, 0.5, 1)
DROPS = (0.1, 0.2, 0.3)


def fids(network, first, second, groups, seed):
    def fid(features):
        return distance.compare(real, _moments(features))

    distance = FrechetDistance()
    reference = _features(network, first)
    real = distance.prepare(_moments(reference))
    spread = real[2]
    kept = [_drop(groups, share) for share in DROPS]
    count = min(map(len, kept))
    features = _features(network, second)
    rows = {("real", 0): fid(features[:count])}
    for kind, strengths in {"blur": BLURS, "noise": NOISES, "shuffle": SHUFFLES}.items():
        for s in strengths:
            def change(images, rng, kind=kind, s=s):
                return {"blur": _blur, "noise": _noise, "shuffle": _shuffle}[kind](images, s, rng)

            rows[kind, s] = fid(_features(network, second[:count], change, seed))
    for s, indices in zip(DROPS, kept):
        rows["drop", s] = fid(features[indices[:count]])
    return rows, spread, count


def _moments(features):
    return features.mean(axis=0), np.cov(features, rowvar=False)


def _features(network, images, change=None, seed=0):
    batches = []
    for start in range(0, len(images), BATCH_SIZE):
        batch = to_float(images[start : start + BATCH_SIZE])
        if change:
            batch = change(batch, np.random.default_rng((seed, start))).astype("float32")
        outputs = network.predict_on_batch(batch)
        batches.append(outputs[0] if isinstance(outputs, (list, tuple)) else outputs)
    return np.concatenate(batches).astype("float64")


def _blur(images, strength, rng):
    for axis, size in ((1, images.shape[1]), (2, images.shape[2])):
        position = np.arange(size) / size
        weights = np.exp(-(((position[:, None] - position) / strength) ** 2) / 2)
        weights = (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
        images = np.moveaxis(np.tensordot(images, weights, axes=(axis, 1)), -1, axis)
    return images


def _noise(images, strength, rng):
    return np.clip(images + strength * rng.standard_normal(images.shape, "float32"), -1, 1)


def _shuffle(images, strength, rng):
    count, height, width, channels = images.shape
    h, w = height // PATCHES, width // PATCHES
    patches = images[:, : PATCHES * h, : PATCHES * w].reshape(count, PATCHES, h, PATCHES, w, channels)
    patches = patches.swapaxes(2, 3).reshape(count, PATCHES**2, h, w, channels)
    order = np.tile(np.arange(PATCHES**2), (count, 1))
    for row in order:
        moved = rng.permutation(PATCHES**2)[: round(strength * PATCHES**2)]
        row[moved] = np.roll(moved, 1)
    patches = np.take_along_axis(patches, order[:, :, None, None, None], axis=1)
    images = images.copy()
    images[:, : PATCHES * h, : PATCHES * w] = (
        patches.reshape(count, PATCHES, PATCHES, h, w, channels).swapaxes(2, 3).reshape(count, PATCHES * h, PATCHES * w, channels)
    )
    return images


def _drop(groups, share):
    names, counts = np.unique(groups, return_counts=True)
    order = np.argsort(counts)
    shares = np.cumsum(counts[order]) / len(groups)
    dropped = names[order[: 1 + np.argmin(abs(shares - share))]]
    return np.flatnonzero(~np.isin(groups, dropped))


def cluster(images, seed=0):
    rng = np.random.default_rng(seed)
    rows, columns = (np.linspace(0, size, THUMBNAIL + 1).astype(int)[:-1] for size in images.shape[1:3])
    sums = np.add.reduceat(np.add.reduceat(images.astype("float32"), rows, axis=1), columns, axis=2)
    points = sums.reshape(len(images), -1) / (images.shape[1] * images.shape[2] / THUMBNAIL**2)
    centers = points[rng.choice(len(points), CLUSTERS, replace=False)]
    for _ in range(20):
        d = (centers**2).sum(1) - 2 * points @ centers.T
        nearest = d.argmin(1)
        centers = np.stack([points[nearest == k].mean(0) if (nearest == k).any() else centers[k] for k in range(CLUSTERS)])
    return nearest
