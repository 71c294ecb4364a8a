"""Counts the floating-point operations of each device in compiled steps, and prints them as JSON. Needs JAX.

Usage: python divide.py
"""

import json
import os

# A test run may ask for less, to compile faster. What is counted is the optimized program.
os.environ["JAX_DISABLE_MOST_OPTIMIZATIONS"] = "0"

from virtual import devices  # isort: skip, it makes the devices

import jax
import keras
import numpy as np

import gan

SETTINGS = {
    "mlp": ("reference", {"latent_dim": 50, "generator_widths": [64, 128], "discriminator_widths": [128, 64]}),
    "conv": ("fast", {"clusters": 0, "generator_width": 8, "discriminator_width": 8, "regularize_every": 1}),
}
BATCH = np.zeros((256, 28, 28, 1), "float32")


def count(preset, changes):
    model = gan.presets.build(gan.presets.resolve(preset, changes), seed=0)
    parts = {"trainable_variables": True, "non_trainable_variables": True, "metrics_variables": True}
    batch = BATCH
    if (distribution := keras.distribution.distribution()) is not None:
        batch = keras.distribution.distribute_tensor(BATCH, distribution.get_data_layout(BATCH.shape))
    return {
        "training": operations(model.train_step, model._get_jax_state(optimizer_variables=True, **parts), batch),
        # Evaluation gives each device whole batches, and divides its own work.
        "evaluation": operations(model.test_step, model._get_jax_state(**parts), BATCH),
    }


def operations(step, state, batch):
    return jax.jit(step).lower(state, batch).compile().cost_analysis()["flops"]


def main():
    counts = {}
    for name, (preset, changes) in SETTINGS.items():
        for number in (1, 2):
            with devices(number):
                counts.update({f"{step} of {name}, {number}": n for step, n in count(preset, changes).items()})
    print(json.dumps(counts))


if __name__ == "__main__":
    main()
