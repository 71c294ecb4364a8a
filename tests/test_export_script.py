"""scripts/export.py as a user runs it."""

import numpy as np
import tensorflow as tf

import gan


def test_export_writes_a_run_and_replaces_it_only_if_told_to(finished, run_here, refuse, tmp_path):
    model, output = finished[0] / "model.keras", tmp_path / "sampler"
    arguments = (model, "--format", "saved_model", "--output", output)
    said = run_here("export.py", *arguments, "--truncation", 0.5)
    assert said.err == "" and said.out == f"{output}: from latents to images, exported from {model}\n"
    latents = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    images = tf.saved_model.load(output).signatures["serving_default"](latents=tf.constant(latents))["images"]
    expected = gan.load_model(model).generate(latents=latents, truncation=0.5)
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)
    assert "add --overwrite to replace it" in refuse("export.py", *arguments)
    run_here("export.py", *arguments, "--overwrite")


def test_a_model_that_generates_nothing_from_latents_is_refused(refuse, tmp_path):
    gan.build_discriminator().save(tmp_path / "other.keras")
    arguments = (tmp_path / "other.keras", "--format", "saved_model", "--output", tmp_path / "sampler")
    assert "must hold a gan.GAN, and holds a Sequential" in refuse("export.py", *arguments)
    assert not (tmp_path / "sampler").exists()
