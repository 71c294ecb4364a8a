"""What a run starts from."""

import json

import keras
import numpy as np
import pytest

import gan

NEARLY_STILL = ("--generator-lr", "1e-12", "--discriminator-lr", "1e-12", "--averaging", "0.5")


@pytest.fixture
def other_file(tmp_path):
    path = tmp_path / "other.npz"
    np.savez(path, x_train=np.random.default_rng(1).integers(0, 256, (40, 6, 6), "uint8"))
    return path


def kernels_of(network):
    return [keras.ops.convert_to_numpy(one) for one in network.variables if one.name == "kernel"]


def test_a_run_starts_with_the_weights_of_another_and_with_new_optimizers(finished, other_file, run_here, tmp_path):
    start = gan.load_model(finished[0] / "best.keras")
    arguments = ("--data", other_file, "--epochs", 1, "--validate-every", 0, *NEARLY_STILL, "--tensorboard")
    printed = run_here("train.py", "--from", finished[0], "--output", tmp_path / "tuned", *arguments).out
    assert f"starts with the weights of {finished[0] / 'best.keras'}, and with new optimizers" in printed
    tuned, _ = gan.Checkpoint.load(tmp_path / "tuned/model.keras")
    for network in (tuned.generator, tuned.average):
        for one, other in zip(kernels_of(network), kernels_of(start.average), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    for one, other in zip(kernels_of(tuned.discriminator), kernels_of(start.discriminator), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    assert int(tuned.generator_optimizer.iterations) == 3  # 40 images in batches of 16
    assert [path.suffix for path in (tmp_path / "tuned/tensorboard/train").iterdir()] == [".v2"]
    settings, known = (
        json.loads((folder / "config.json").read_text())["arguments"] for folder in (tmp_path / "tuned", finished[0])
    )
    changed = {name for name in known if settings[name] != known[name]}
    assert changed == {
        "from", "data", "epochs", "generator_lr", "discriminator_lr", "averaging", "validate_every", "keep_every",
        "extractor", "image_shape", "tensorboard",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("--from {run} --preset fast --latent-dim 3", "--from keeps the networks of the run that it names: leave out"),
        ("--from {run} --data mnist5k", "mnist5k holds images of 28x28x1, but image_shape is 6x6x1"),
        ("--from {new}", "there is no model file or run folder"),
        ("--from {bare}", "beside the model there is no config.json"),
        ("--from {wrong} --data {data}", "its networks are not those that config.json beside it describes"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(finished, other_file, refuse, tmp_path, arguments, sentence):
    for name in ("bare", "wrong"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.keras").write_bytes((finished[0] / "model.keras").read_bytes())
    config = json.loads((finished[0] / "config.json").read_text())
    config["arguments"]["latent_dim"] = 7
    (tmp_path / "wrong/config.json").write_text(json.dumps(config))
    names = {"run": finished[0], "data": other_file}
    names |= {name: tmp_path / name for name in ("new", "bare", "wrong")}
    assert sentence in refuse("train.py", *arguments.format(**names).split(), "--output", tmp_path / "output")
    assert not (tmp_path / "output").exists()
