"""scripts/evaluate.py as a user runs it."""

import json
import os
import shutil

import imageio.v3 as imageio
import keras
import numpy as np
import pytest
from commands import OFFLINE, SMALL, run, run_well

import gan


def test_evaluate_takes_data_and_extractor_from_the_run_and_draws_pictures(finished, noise_file, validated, tmp_path):
    output, _ = finished
    arguments = ("evaluate.py", output / "model.keras")
    result = run_well(*arguments, "--output", tmp_path / "evaluation", "--json", tmp_path / "figures.json")
    assert f"model.keras, compared with 5 test images of {noise_file}; extractor: small (SHA-256" in result.stdout
    record = json.loads((tmp_path / "figures.json").read_text())
    assert record["samples"] == 5 and record["data"] == str(noise_file)
    assert record["extractor"]["name"] == "small" and len(record["extractor"]["sha256"]) == 64
    assert list(record["figures"]) == ["generated", "training", "noise"]
    rows = {
        line.split()[0]: line.split()[1:4]
        for line in result.stdout.splitlines()
        if line.endswith(("  lower", "  higher"))
    }
    for name, row in rows.items():
        for text, figures in zip(row, record["figures"].values(), strict=True):
            assert float(text) == pytest.approx(figures[name], rel=1e-3, abs=1e-9)
    assert len(rows) == 8

    metric = gan.metrics.FrechetDistance(gan.metrics.load_extractor(validated[-1]))
    real, _ = gan.datasets.read(noise_file, split="test")
    metric.update_state(gan.images.to_float(real), gan.load_model(output / "model.keras").generate(5, seed=0))
    assert record["figures"]["generated"]["fid"] == pytest.approx(metric.result(), rel=1e-3)
    for name in ("real_and_generated.png", "nearest.png"):
        assert imageio.imread(tmp_path / "evaluation" / name).shape[0] > 400

    again = run(*arguments, "--output", tmp_path / "evaluation")
    assert again.returncode == 2 and "add --overwrite" in again.stderr
    run_well(*arguments, "--output", tmp_path / "evaluation", "--overwrite", "--samples", 3)


def test_evaluate_takes_a_folder_and_prefers_its_best_model(finished, refuse, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    result = run_well("evaluate.py", folder)
    assert f"{folder / 'best.keras'}, compared with 5 test images" in result.stdout
    assert (folder / "evaluation" / "nearest.png").exists()
    config = json.loads((folder / "config.json").read_text())
    config["arguments"]["data"] = "/gone.npz"
    (folder / "config.json").write_text(json.dumps(config))
    assert "/gone.npz" in refuse("evaluate.py", folder, "--overwrite")


def test_evaluate_warns_if_the_test_images_are_not_new_to_the_run(noise_file, validated, tmp_path):
    data = tmp_path / "data.npz"
    shutil.copy(noise_file, data)
    arguments = ("--data", data, "--epochs", 1, "--output", tmp_path / "run", *SMALL, "--validate-every", 0)
    run_well("train.py", *arguments)
    np.savez(data, x_train=np.zeros((60, 6, 6), "uint8"))
    warnings = run_well("evaluate.py", tmp_path / "run", *validated[-2:]).stderr
    assert "trained without validation" in warnings and "has changed since this run" in warnings


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("--data nowhere: no such file", "{model} --data nowhere --extractor {extractor}"),
        ("6x6x1", "{model} --data {data} --extractor digits"),
        ("no such file or named extractor", "{model} --data {data} --extractor alexnet"),
        ("mnist5k holds images of", "{model} --data mnist5k --extractor {extractor}"),
        ("generates images of 6x6x1 and has no config.json beside it", "{alone}"),
        ("--json needs figures, and no built-in extractor suits", "{alone} --data {data} --json new.json"),
    ],
)
def test_evaluate_refuses_before_it_writes(finished, noise_file, validated, refuse, tmp_path, sentence, arguments):
    alone = tmp_path / "alone.keras"
    shutil.copy(finished[0] / "model.keras", alone)
    names = {"model": finished[0] / "model.keras", "data": noise_file, "extractor": validated[-1], "alone": alone}
    assert sentence in refuse("evaluate.py", *arguments.format(**names).split(), "--output", "new")
    assert os.listdir(tmp_path) == ["alone.keras"]


def test_without_an_extractor_only_the_pictures_are_drawn_with_neighbors_by_pixels(
    finished, noise_file, run_here, tmp_path
):
    shutil.copy(finished[0] / "model.keras", tmp_path / "alone.keras")
    out, err = run_here("evaluate.py", tmp_path / "alone.keras", "--data", noise_file)
    said, _, pictures = out.splitlines()
    assert "nearest neighbors by pixels; to measure fid, train an extractor with train_extractor.py" in said
    assert pictures.startswith("Pictures: ") and err == ""
    assert sorted(os.listdir(tmp_path / "evaluation")) == ["nearest.png", "real_and_generated.png"]

    # A run that was not validated has seen all images.
    (tmp_path / "config.json").write_text(json.dumps({"arguments": {"data": str(noise_file)}}))
    _, err = run_here("evaluate.py", tmp_path / "alone.keras", "--overwrite")
    assert "has seen the test images: nearest.png does not look for copies of these" in err


def test_an_extractor_recorded_without_a_folder_lies_beside_the_model(finished, validated, run_here, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(finished[0], folder)
    shutil.copy(validated[-1], folder / "extractor.keras")
    config = json.loads((folder / "config.json").read_text())
    config["arguments"]["extractor"] = "extractor.keras"
    (folder / "config.json").write_text(json.dumps(config))
    assert "extractor: small (SHA-256" in run_here("evaluate.py", folder, "--samples", 3).out


def test_a_model_of_digits_without_a_config_is_compared_with_mnist(tmp_path):
    model = gan.GAN(gan.build_generator(4, (8,)), gan.build_discriminator(widths=(8,)))
    model.compile("adam", "adam")
    model.save(tmp_path / "model.keras")
    result = run_well("evaluate.py", "model.keras", "--samples", 300, prelude=OFFLINE, cwd=tmp_path)
    assert "300 test images of mnist5k; extractor: digits" in result.stdout
    assert "used mnist5k" in result.stdout.splitlines()[-1]
    assert "classifies only" not in result.stderr


def test_evaluate_warns_of_an_extractor_that_does_not_suit_the_images(tmp_path):
    images, labels = gan.datasets.read("mnist5k")
    np.savez(tmp_path / "digits.npz", x_train=images[::10], y_train=labels[::10])
    model = gan.GAN(gan.build_generator(4, (8,)), gan.build_discriminator(widths=(8,)))
    model.compile("adam", "adam")
    model.save(tmp_path / "model.keras")
    inputs = keras.Input((28, 28, 1))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inputs))
    keras.Model(inputs, [features, keras.layers.Dense(10)(features)], name="weak").save(tmp_path / "weak.keras")
    arguments = ("--data", "digits.npz", "--extractor", "weak.keras")
    result = run_well("evaluate.py", "model.keras", *arguments, cwd=tmp_path)
    assert "the extractor weak classifies only" in result.stderr
    assert "Traceback" not in result.stderr and all("warning: " in line for line in result.stderr.splitlines())
