"""The commands one after the other: each reads what another has written."""

import hashlib
import json

import numpy as np
from commands import SMALL, run, run_well

import gan


def test_a_conditional_preset_from_end_to_end(refuse, tmp_path):
    images, labels = gan.datasets.read("mnist5k")
    data = tmp_path / "digits.npz"
    np.savez(data, x_train=images[::25], y_train=labels[::25], x_test=images[7::84], y_test=labels[7::84])
    changes = {
        "generator_width": 2,
        "discriminator_width": 2,
        "latent_dim": 5,
        "batch_size": 50,
        "epochs": 2,
        "averaging": 0.5,
    }
    small = [text for name, value in changes.items() for text in (f"--{name.replace('_', '-')}", value)]
    output = tmp_path / "run"
    run_well(
        "train.py", "--preset", "fast-conditional", "--data", data, "--extractor", "digits", "--output", output, *small
    )
    arguments = json.loads((output / "config.json").read_text())["arguments"]
    expected = gan.presets.resolve("fast-conditional", changes)
    assert arguments.items() >= expected.items() and arguments["preset"] == "fast-conditional"
    assert "val_agreement" in gan.CSVHistory.read(output / "history.csv")

    run_well("evaluate.py", output, "--json", tmp_path / "figures.json")
    record = json.loads((tmp_path / "figures.json").read_text())
    figures = record["figures"]
    # Real digits belong to the class of their label; noise does not, nor do images after two epochs.
    assert figures["training"]["agreement"] > 0.9 and figures["noise"]["agreement"] < 0.5
    assert 0 <= figures["generated"]["agreement"] < 0.5 and record["samples"] == 60

    np.savez(tmp_path / "more.npz", x_train=images[::25], y_train=labels[::25] + 2)
    assert "has 12 classes, but" in refuse("evaluate.py", output, "--data", tmp_path / "more.npz", "--output", "new")

    run_well("generate.py", output, "--labels", 3, 1, 3, "--output", tmp_path / "generated.npy")
    generated = gan.images.to_float(np.load(tmp_path / "generated.npy"))
    loaded = gan.load_model(output / "best.keras")
    np.testing.assert_allclose(generated, loaded.generate(labels=[3, 1, 3], seed=0), atol=0.01)
    run_well("generate.py", output, "--output", tmp_path / "classes.npy")
    generated = gan.images.to_float(np.load(tmp_path / "classes.npy"))
    np.testing.assert_allclose(generated, loaded.generate(labels=list(range(10)) * 4, seed=0), atol=0.01)


def test_train_extractor_writes_one_that_train_takes(refuse, tmp_path):
    images, labels = gan.datasets.read("mnist5k")
    np.savez(tmp_path / "digits.npz", x_train=images[::10], y_train=labels[::10])
    arguments = ("--data", "digits.npz", "--epochs", 1, "--output", "own.keras")
    # Minutes of training are needed to pass the check.
    lenient = "import keras; from gan.metrics import sanity; sanity._find_reasons = lambda *_: []"
    result = run_well("train_extractor.py", *arguments, prelude=lenient, cwd=tmp_path)
    digest = hashlib.sha256((tmp_path / "own.keras").read_bytes()).hexdigest()
    assert "classification of the labels" in result.stdout and digest in result.stdout
    assert "missing classes" in result.stdout
    assert "add --overwrite" in refuse("train_extractor.py", "--data", "mnist5k", "--output", "own.keras")
    np.savez(tmp_path / "x.npz", x_train=images[::50], y_train=labels[::50])
    arguments = ("--data", "x.npz", "--epochs", 1, "--validate-every", 1, "--extractor", "own.keras", *SMALL)
    result = run_well("train.py", *arguments, "--output", "run", cwd=tmp_path)
    assert "(extractor own)" in result.stdout


def test_train_extractor_writes_nothing_that_does_not_pass_its_check(tmp_path):
    np.savez(tmp_path / "x.npz", x_train=np.zeros((60, 8, 8), "uint8"))
    result = run("train_extractor.py", "--data", "x.npz", "--epochs", 1, "--output", "own.keras", cwd=tmp_path)
    assert result.returncode == 1 and "60 images are too few" in result.stderr
    assert not (tmp_path / "own.keras").exists()
