"""scripts/export.py as a user runs it."""

import shutil

import numpy as np
import tensorflow as tf

import gan


def test_export_writes_a_run_and_replaces_it_only_if_told_to(finished, run_here, refuse, tmp_path):
    model, output = finished[0] / "model.keras", tmp_path / "sampler"
    arguments = (model, "--format", "saved_model", "--output", output)
    said = run_here("export.py", *arguments, "--truncation", 0.5)
    assert said.err == ""
    assert said.out.splitlines() == [
        f"{output}: from latents to images, exported from {model}",
        f"{tmp_path / 'README.md'}: its model card; fill in the license",
    ]
    latents = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    images = tf.saved_model.load(output).signatures["serving_default"](latents=tf.constant(latents))["images"]
    expected = gan.load_model(model).generate(latents=latents, truncation=0.5)
    np.testing.assert_allclose(images, expected, rtol=0, atol=1e-5)
    assert "add --overwrite to replace it" in refuse("export.py", *arguments)
    run_here("export.py", *arguments, "--overwrite")


def test_a_card_lies_beside_an_export_and_what_people_wrote_stays(finished, run_here, tmp_path):
    arguments = (finished[0], "--format", "saved_model", "--overwrite", "--output")
    run_here("export.py", *arguments, tmp_path / "digits", "--truncation", 0.7)
    text = (tmp_path / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    assert '"name": "digits"' in front and 'library_name: "tensorflow"' in front
    figures = (finished[0] / "README.md").read_text()
    assert figures[figures.index("## Figures") : figures.index("## License")] in body
    for part in (
        "![Generated images](digits.png)",
        'tf.saved_model.load("digits")',
        "size=(16, 5)",
        "the latents by 0.7;",
    ):
        assert part in body
    height, width, _ = gan.images.read_picture(tmp_path / "digits.png").shape
    assert height == width
    changed = text.replace('license: "other"', 'license: "mit"')
    (tmp_path / "README.md").write_text(changed)
    assert "README.md" not in run_here("export.py", *arguments, tmp_path / "digits").out
    assert (tmp_path / "README.md").read_text() == changed


def test_an_export_of_another_model_than_the_best_lists_no_figures_and_takes_no_picture_away(
    finished, run_here, tmp_path
):
    kept = tmp_path / "run/checkpoints"
    kept.mkdir(parents=True)
    shutil.copy(finished[0] / "config.json", kept.parent)
    shutil.copy(finished[0] / "model.keras", kept / "epoch_0006.keras")
    run_here("export.py", kept / "epoch_0006.keras", "--format", "litert", "--output", tmp_path / "a/x.tflite")
    text = (tmp_path / "a/README.md").read_text()
    run_here("export.py", kept / "epoch_0006.keras", "--format", "litert", "--output", tmp_path / "a/y.tflite")
    assert (tmp_path / "a/README.md").read_text() == text and not (tmp_path / "a/y.png").exists()
    assert "Not measured." in text and 'Interpreter("x.tflite")' in text
    (tmp_path / "c").mkdir()
    (tmp_path / "c/x.png").write_text("mine")
    run_here("export.py", kept / "epoch_0006.keras", "--format", "litert", "--output", tmp_path / "c/x.tflite")
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == ["x.png", "x.tflite"]
    assert (tmp_path / "c/x.png").read_text() == "mine"


def test_a_model_that_generates_nothing_from_latents_is_refused(refuse, tmp_path):
    gan.build_discriminator().save(tmp_path / "other.keras")
    arguments = (tmp_path / "other.keras", "--format", "saved_model", "--output", tmp_path / "sampler")
    assert "must hold a gan.GAN, and holds a Sequential" in refuse("export.py", *arguments)
    assert not (tmp_path / "sampler").exists()
