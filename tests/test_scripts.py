"""The commands as a user runs them: in processes of their own, killed and stopped too."""

import hashlib
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import imageio.v3 as imageio
import keras
import numpy as np
import pytest
from conftest import assert_same_state, small_extractor

import gan

SCRIPTS = Path(__file__).parent.parent / "scripts"
SMALL = "--latent-dim 5 --generator-widths 8 12 --discriminator-widths 12 8 --batch-size 16".split()


def run(script, *arguments, prelude="", **kwargs):
    """Runs a command; `prelude` is code that its process carries out first."""
    path = str(SCRIPTS / script)
    program = f"{textwrap.dedent(prelude)}\nimport runpy; runpy.run_path({path!r}, run_name='__main__')"
    command = [sys.executable, "-c", program] if prelude else [sys.executable, path]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, **kwargs)


@pytest.fixture
def refuse(monkeypatch, capsys, tmp_path):
    """Runs a command that is refused in this process, where TensorFlow has been imported already."""

    def refuse(script, *arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        with pytest.raises(SystemExit) as exit:
            runpy.run_path(str(SCRIPTS / script), run_name="__main__")
        assert exit.value.code == 2
        out, err = capsys.readouterr()
        assert out == "" and len(err.splitlines()) == 1
        return err

    return refuse


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, x_train=np.random.default_rng(0).integers(0, 256, (50, 6, 6), "uint8"))
    return path


@pytest.fixture(scope="module")
def validated(data):
    """Arguments for a run that is validated every other epoch."""
    extractor = data.with_name("small.keras")
    small_extractor().save(extractor)
    return (*SMALL, "--validate-every", "2", "--extractor", str(extractor))


@pytest.fixture(scope="module")
def finished(data, validated, tmp_path_factory):
    """A run of six epochs that nothing has disturbed."""
    output = tmp_path_factory.mktemp("runs") / "whole"
    result = run("train.py", "--data", data, "--output", output, "--epochs", 6, *validated)
    assert result.returncode == 0, result.stderr
    return output, result


def test_train_leaves_everything_that_is_promised(finished, data):
    output, result = finished
    assert sorted(os.listdir(output)) == [
        "best.keras",
        "config.json",
        "curves.png",
        "history.csv",
        "images",
        "model.keras",
        "training.gif",
    ]
    assert sorted(os.listdir(output / "images")) == [f"image_at_epoch_{epoch:04d}.png" for epoch in range(1, 7)]
    history = gan.CSVHistory.read(output / "history.csv")
    assert history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert np.isfinite(history["val_fid"]).tolist() == [False, True] * 3
    assert imageio.imread(output / "curves.png").shape == (900, 800, 4)
    config = json.loads((output / "config.json").read_text())
    assert config["arguments"]["data"] == str(data) and config["arguments"]["seed"] == 0
    assert config["versions"]["keras"] == keras.__version__
    lines = result.stdout.splitlines()
    assert sum(line.startswith("epoch ") and line.endswith(" left") for line in lines) == 6
    fid, epoch = np.nanmin(history["val_fid"]), 1 + np.nanargmin(history["val_fid"])
    assert f"best epoch: {epoch}, with a fid of {fid:.3f} by features of small" in lines[-2]
    assert gan.Checkpoint.load(output / "best.keras")[1] == epoch
    assert result.stderr == ""


def kill_at(name, occurrence, before):
    """Code that kills its own process where a file takes its place for the nth time: just before, or just after."""
    return f"""
        import os, signal
        replace, seen = os.replace, []

        def killing_replace(source, target):
            seen.extend([target] if str(target).endswith({name!r}) else [])
            last = len(seen) == {occurrence}
            if last and {before}:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)
            if last:
                os.kill(os.getpid(), signal.SIGKILL)

        os.replace = killing_replace
    """


KILL_IN_AN_EPOCH = """
    import os, signal
    import gan

    class Killing(gan.Progress):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                os.kill(os.getpid(), signal.SIGKILL)

    gan.callbacks.Progress = Killing
"""

KILL_IN_A_SAVE = """
    import os, signal, zipfile

    def killing_writestr(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    zipfile.ZipFile.writestr = killing_writestr
"""


def test_a_run_killed_at_every_bad_moment_ends_as_if_nothing_had_happened(finished, data, validated, tmp_path):
    output = tmp_path / "killed"
    start = ("train.py", "--data", data, "--output", output, "--epochs", 6, *validated)
    resume = ("train.py", "--output", output, "--resume")
    assert run(*start, prelude=KILL_IN_AN_EPOCH).returncode == -signal.SIGKILL
    for prelude in (
        KILL_IN_A_SAVE,
        kill_at("history.csv", 1, before=False),
        kill_at("image_at_epoch_0002.png", 1, before=True),
        kill_at("best.keras", 1, before=False),
        kill_at("model.keras", 2, before=True),
        kill_at("model.keras", 2, before=False),
        kill_at("training.gif", 1, before=True),
    ):
        assert run(*resume, prelude=prelude).returncode == -signal.SIGKILL
    result = run(*resume)
    assert result.returncode == 0, result.stderr

    whole, _ = finished
    for name in ("model.keras", "best.keras"):
        (model, epoch), (other, other_epoch) = (gan.Checkpoint.load(folder / name) for folder in (whole, output))
        assert_same_state(model, other)
        assert epoch == other_epoch
    files = sorted(path.relative_to(whole) for path in whole.rglob("*") if path.is_file())
    assert files == sorted(path.relative_to(output) for path in output.rglob("*") if path.is_file())
    for file in files:
        if file.suffix != ".keras":  # holds the time at which it was saved
            assert (whole / file).read_bytes() == (output / file).read_bytes(), file


def test_ctrl_c_keeps_the_finished_epochs_and_says_how_to_go_on(finished, data, tmp_path):
    output = tmp_path / "stopped"
    command = [sys.executable, SCRIPTS / "train.py", "--data", data, "--output", output, "--epochs", "100000", *SMALL]
    with subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        while not process.stdout.readline().startswith("epoch      2/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert time.monotonic() - started < 20
    assert len(stderr.strip().splitlines()) == 1 and f"--output {output} --resume" in stderr
    _, epoch = gan.Checkpoint.load(output / "model.keras")
    assert epoch >= 2

    result = run("train.py", "--output", output, "--resume", "--epochs", epoch + 1)
    assert result.returncode == 0, result.stderr
    assert gan.CSVHistory.read(output / "history.csv")["epoch"] == list(range(1, epoch + 2))


def test_a_run_that_diverges_ends_with_a_sentence(data, tmp_path):
    result = run("train.py", "--data", data, "--output", tmp_path / "run", "--generator-lr", 1e38, *SMALL)
    assert result.returncode == 1
    assert "training has diverged" in result.stderr and "Traceback" not in result.stderr


def test_mnist5k_is_the_data_where_there_is_no_network(tmp_path):
    nowhere = """
        import os
        os.environ["KERAS_HOME"] = os.getcwd()
        import urllib.request

        def urlopen(*args, **kwargs):
            raise urllib.error.URLError("no network")

        urllib.request.urlopen = urlopen
    """
    result = run(
        *("train.py", "--epochs", 1, "--validate-every", 1, "--output", "run", *SMALL), prelude=nowhere, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "by features of digits" in result.stdout
    assert len(result.stderr.splitlines()) == 1 and "mnist5k" in result.stderr
    assert json.loads((tmp_path / "run/config.json").read_text())["arguments"]["data"] == "mnist5k"


def test_help_and_wrong_arguments_do_not_wait_for_tensorflow(finished, tmp_path):
    """A TensorFlow that cannot be imported is not missed."""
    broken = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None"
    for script in ("train.py", "generate.py", "evaluate.py", "train_extractor.py", "tune.py"):
        assert run(script, "--help", prelude=broken).returncode == 0
        assert run(script, "--no-such-option", prelude=broken).returncode == 2
    output, _ = finished
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    model = output / "model.keras"
    (tmp_path / "many.json").write_text(json.dumps({"latent_dim": 5, "momentum": 1}))
    (tmp_path / "odd.json").write_text(json.dumps({"generator_lr": -2.0}))
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text("{}")
    server = socket.create_server(("127.0.0.1", 0))
    taken = f"127.0.0.1:{server.getsockname()[1]}"
    for sentence, arguments in {
        "no such file or folder": ("train.py", "--data", "nowhere"),
        "must be a whole number of at least 1, not '0'": ("train.py", "--batch-size", "0"),
        "must be a number above 0, not '-1'": ("train.py", "--generator-lr", "-1"),
        "must be a number from 0 to below 1, not '1.5'": ("train.py", "--dropout", "1.5"),
        "holds a run already": ("train.py", "--output", output),
        "is not empty": ("train.py", "--output", tmp_path / "taken"),
        "is a file": ("train.py", "--output", tmp_path / "file"),
        "only --epochs may differ, not --seed": ("train.py", "--output", output, "--resume", "--seed", "1"),
        "holds no run to resume": ("train.py", "--output", tmp_path, "--resume"),
        "--resume needs --output": ("train.py", "--resume"),
        "there is no model file": ("generate.py", "none.keras"),
        "must end in .png or .npy": ("generate.py", model, "--output", "samples.jpg"),
        "must end in .gif": ("generate.py", model, "--interpolate", "walk.mp4"),
        "add --overwrite": ("generate.py", model, "--output", output / "curves.png"),
        "nor an extractor of that name": ("train.py", "--extractor", "nowhere.keras"),
        "must be a whole number of at least 0, not '-1'": ("train.py", "--validate-every", "-1"),
        "there is no model file other.keras": ("evaluate.py", "other.keras"),
        "is no folder that you may write to": ("evaluate.py", model, "--output", tmp_path / "file" / "below"),
        "must end in .keras": ("train_extractor.py", "--output", "extractor.h5"),
        "--samples must be at least 2": ("evaluate.py", model, "--samples", "1"),
        "is what is evaluated": ("evaluate.py", model, "--json", model, "--overwrite"),
        "invalid choice: 'slow'": ("train.py", "--preset", "slow"),
        "invalid choice: 'cosine'": ("train.py", "--loss", "cosine"),
        "dropout is no matter of networks conv": ("train.py", "--preset", "fast", "--dropout", "0.5"),
        "must be a number of at least 0, not '-1'": ("train.py", "--r1", "-1"),
        "--labels say how many": ("generate.py", model, "--labels", "1", "--count", "3"),
        "cannot be read as a table in JSON": ("train.py", "--hyperparameters", "best.json"),
        "has unknown momentum": ("train.py", "--hyperparameters", tmp_path / "many.json"),
        "must be a number above 0, not '-2.0'": ("train.py", "--hyperparameters", tmp_path / "odd.json"),
        "invalid choice: 'grid'": ("tune.py", "--output", "new", "--tuner", "grid"),
        "--trials: must be a whole number": ("tune.py", "--output", "new", "--trials", "0"),
        "--workers: must be a whole number": ("tune.py", "--output", "new", "--workers", "0"),
        "--trials has no meaning": ("tune.py", "--output", "new", "--tuner", "hyperband", "--trials", "9"),
        "--iterations has a meaning": ("tune.py", "--output", "new", "--iterations", "2"),
        "--role chief and --listen": ("tune.py", "--output", "new", "--role", "chief"),
        "--role worker and --chief": ("tune.py", "--output", "new", "--chief", "127.0.0.1:1"),
        "must be a host and a port": ("tune.py", "--output", "new", "--role", "worker", "--chief", "here"),
        "cannot be listened at": ("tune.py", "--output", "new", "--role", "chief", "--listen", taken),
        "cannot be reached": ("tune.py", "--output", tmp_path / "sweep", "--role", "worker", "--chief", "127.0.0.1:1"),
        "holds no sweep": ("tune.py", "--output", tmp_path, "--role", "worker", "--chief", "127.0.0.1:1"),
        "and holds no sweep: name another": ("tune.py", "--output", tmp_path / "taken"),
        "name a folder": ("tune.py", "--output", tmp_path / "file"),
        "cannot be read as JSON": ("tune.py", "--output", "new", "--space", tmp_path / "file"),
    }.items():
        result = run(*arguments, prelude=broken, cwd=tmp_path)
        assert result.returncode == 2, arguments
        assert sentence in result.stderr and "Traceback" not in result.stderr, result.stderr
    server.close()
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("batch_size must lie between 1 and the number of images, 50", "--data {data} --output {new}"),
        ("is damaged", "--data {cut} --output {new}"),
        ("has no labels: take an .npz file", "--data {data} --output {new} --preset fast-conditional --batch-size 10"),
        ("more than --epochs 2", "--output {finished} --resume --epochs 2"),
    ],
)
def test_train_refuses_before_it_writes(finished, data, refuse, tmp_path, sentence, arguments):
    (tmp_path / "cut.npz").write_bytes(data.read_bytes()[:-100])
    names = {"data": data, "cut": tmp_path / "cut.npz", "new": tmp_path / "new", "finished": finished[0]}
    assert sentence in refuse("train.py", *arguments.format(**names).split())
    assert not (tmp_path / "new").exists()


def test_resume_refuses_data_and_configs_that_are_not_the_runs(finished, data, refuse, tmp_path):
    moved = tmp_path / "data.npz"
    output = tmp_path / "run"
    shutil.copytree(finished[0], output)
    config = json.loads((output / "config.json").read_text())
    config["arguments"]["data"] = str(moved)
    (output / "config.json").write_text(json.dumps(config))
    np.savez(moved, x_train=np.zeros((50, 7, 7), "uint8"))
    assert "was trained on (6, 6, 1)" in refuse("train.py", "--output", output, "--resume", "--epochs", 9)
    (output / "config.json").write_text("{")
    assert "config.json is damaged" in refuse("train.py", "--output", output, "--resume", "--epochs", 9)


def test_train_refuses_a_folder_that_cannot_be_written(data, refuse):
    assert "/proc/run" in refuse("train.py", "--data", data, "--output", "/proc/run", *SMALL)


def test_generate_as_picture_folder_array_and_walk(finished, tmp_path):
    model = finished[0] / "model.keras"
    result = run("generate.py", model, "--count", 6, "--seed", 3, "--output", "a.npy", cwd=tmp_path)
    assert result.returncode == 0 and result.stderr == ""
    images = np.load(tmp_path / "a.npy")
    expected = gan.load_model(model).generate(6, seed=3)
    np.testing.assert_array_equal(images, np.rint((expected + 1) * 127.5).astype("uint8"))

    arguments = ("--count", 6, "--seed", 3, "--output", "folder", "--interpolate", "walk.gif")
    assert run("generate.py", model, *arguments, cwd=tmp_path).returncode == 0
    for image, path in zip(images, sorted((tmp_path / "folder").iterdir()), strict=True):
        np.testing.assert_array_equal(imageio.imread(path, mode="L"), image[..., 0])
    frames = imageio.imread(tmp_path / "walk.gif", index=None, mode="L").astype(float)
    steps = np.abs(np.diff(frames, axis=0)).mean((1, 2))
    assert len(frames) > 100
    # A loop: the last frame is as near to the first one as neighbours are to each other.
    assert np.abs(frames[-1] - frames[0]).mean() <= steps.max()
    assert np.abs(frames[0] - frames[len(frames) // 2]).mean() > 2 * steps.mean()

    assert run("generate.py", model, "--count", 6, "--seed", 3, cwd=tmp_path).returncode == 0
    picture = imageio.imread(tmp_path / "samples.png", mode="L")
    scale = picture.shape[1] // 18
    np.testing.assert_array_equal(picture[: 6 * scale : scale, : 6 * scale : scale], images[0, ..., 0])


def test_nothing_is_validated_where_it_is_not_wanted_or_cannot_be(data, tmp_path):
    for name, more in (("never", ("--validate-every", 0)), ("cannot", ())):
        result = run("train.py", "--data", data, "--output", tmp_path / name, "--epochs", 1, *SMALL, *more)
        assert result.returncode == 0, result.stderr
        assert ("fid needs an --extractor" in result.stdout) == (name == "cannot") and result.stderr == ""
        assert "50 images" not in result.stdout and "4 batches of 16" in result.stdout  # none is held out
        assert not (tmp_path / name / "best.keras").exists()


def test_evaluate_tells_figures_and_draws_pictures(finished, data, validated, tmp_path):
    output, _ = finished
    arguments = ("evaluate.py", output / "model.keras", "--data", data, *validated[-2:])
    result = run(*arguments, "--output", tmp_path / "evaluation", "--json", tmp_path / "figures.json")
    assert result.returncode == 0 and result.stderr == "", result.stderr
    assert "against 5 test images" in result.stdout and "by features of small (SHA-256" in result.stdout
    record = json.loads((tmp_path / "figures.json").read_text())
    assert (
        record["samples"] == 5 and record["extractor"]["name"] == "small" and len(record["extractor"]["sha256"]) == 64
    )
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
    real, _ = gan.datasets.read(data, split="test")
    metric.update_state(gan.images.to_float(real), gan.load_model(output / "model.keras").generate(5, seed=0))
    assert record["figures"]["generated"]["fid"] == pytest.approx(metric.result(), rel=1e-3)
    for name in ("real_and_generated.png", "nearest.png"):
        assert imageio.imread(tmp_path / "evaluation" / name).shape[0] > 400

    again = run(*arguments, "--output", tmp_path / "evaluation")
    assert again.returncode == 2 and "add --overwrite" in again.stderr
    assert run(*arguments, "--output", tmp_path / "evaluation", "--overwrite", "--samples", 3).returncode == 0


def test_evaluate_finds_the_training_images_that_a_sample_was_copied_from(finished, data, validated):
    """A sample that is a training image has this one for its nearest."""
    evaluate = runpy.run_path(str(SCRIPTS / "evaluate.py"))
    metric = gan.metrics.FrechetDistance(gan.metrics.load_extractor(validated[-1]))
    metric.build((6, 6, 1))
    images = gan.images.to_float(gan.datasets.read(data, split="train")[0])
    train = gan.datasets.load(data, 16, split="train")
    nearest = evaluate["find_nearest"](metric.extract, images[5:9], train, lambda count: None)
    np.testing.assert_allclose(nearest[:, 0], images[5:9], atol=1e-6)
    features = np.asarray(metric.extract(images)["features"])
    order = np.argsort(((features[5:9, None] - features) ** 2).sum(-1), axis=1)[:, :5]
    np.testing.assert_allclose(nearest, images[order], atol=1e-6)


@pytest.mark.parametrize(
    ("sentence", "arguments"),
    [
        ("there is no model file none.keras", "none.keras"),
        ("there is no file or folder 'nowhere'", "{model} --data nowhere --extractor {extractor}"),
        ("the extractor digits does not take images of (6, 6, 1)", "{model} --data {data}"),
        ("there is no model file 'alexnet'", "{model} --data {data} --extractor alexnet"),
        ("holds images of (28, 28, 1)", "{model} --data mnist5k --extractor {extractor}"),
    ],
)
def test_evaluate_refuses_before_it_writes(finished, data, validated, refuse, tmp_path, sentence, arguments):
    names = {"model": finished[0] / "model.keras", "data": data, "extractor": validated[-1]}
    assert sentence in refuse("evaluate.py", *arguments.format(**names).split(), "--output", "new")
    assert not os.listdir(tmp_path)


def test_a_conditional_preset_from_end_to_end(refuse, tmp_path):
    images, labels = gan.datasets.read("mnist5k")
    data = tmp_path / "digits.npz"
    np.savez(data, x_train=images[::25], y_train=labels[::25], x_test=images[7::84], y_test=labels[7::84])
    small = (
        "--generator-width 2 --discriminator-width 2 --latent-dim 5 --batch-size 50 --epochs 2 --averaging 0.5".split()
    )
    output = tmp_path / "run"
    result = run("train.py", "--preset", "fast-conditional", "--data", data, "--output", output, *small)
    assert result.returncode == 0, result.stderr
    arguments = json.loads((output / "config.json").read_text())["arguments"]
    changes = {
        "generator_width": 2,
        "discriminator_width": 2,
        "latent_dim": 5,
        "batch_size": 50,
        "epochs": 2,
        "averaging": 0.5,
    }
    expected = gan.presets.resolve("fast-conditional", changes)
    assert arguments.items() >= expected.items() and arguments["preset"] == "fast-conditional"
    assert "val_agreement" in gan.CSVHistory.read(output / "history.csv")
    height, width, _ = imageio.imread(output / "images/image_at_epoch_0002.png").shape
    assert width / height == 10 / 4

    model = output / "model.keras"
    result = run("evaluate.py", model, "--data", data, "--json", tmp_path / "figures.json")
    assert result.returncode == 0, result.stderr
    record = json.loads((tmp_path / "figures.json").read_text())
    figures = record["figures"]
    # Real digits are what they are labelled, noise is not, and neither are images of two epochs.
    assert figures["training"]["agreement"] > 0.9 and figures["noise"]["agreement"] < 0.5
    assert 0 <= figures["generated"]["agreement"] < 0.5 and record["samples"] == 60

    np.savez(tmp_path / "more.npz", x_train=images[::25], y_train=labels[::25] + 2)
    assert "has 12 classes, but" in refuse("evaluate.py", model, "--data", tmp_path / "more.npz", "--output", "new")

    result = run("generate.py", model, "--labels", 3, 1, 3, "--output", tmp_path / "made.npy")
    assert result.returncode == 0, result.stderr
    made = gan.images.to_float(np.load(tmp_path / "made.npy"))
    loaded = gan.load_model(model)
    np.testing.assert_allclose(made, loaded.generate(labels=[3, 1, 3], seed=0), atol=0.01)
    result = run("generate.py", model, "--output", tmp_path / "classes.npy")
    assert result.returncode == 0, result.stderr
    made = gan.images.to_float(np.load(tmp_path / "classes.npy"))
    np.testing.assert_allclose(made, loaded.generate(labels=list(range(10)) * 4, seed=0), atol=0.01)


def test_train_extractor_writes_one_that_train_takes(refuse, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 60)
    images = rng.integers(0, 60, (60, 8, 8)).astype("uint8") + 180 * labels[:, None, None].astype("uint8")
    np.savez(tmp_path / "x.npz", x_train=images, y_train=labels)
    np.savez(tmp_path / "unlabelled.npz", x_train=images)
    result = run("train_extractor.py", "--data", "x.npz", "--epochs", 2, "--output", "own.keras", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    digest = hashlib.sha256((tmp_path / "own.keras").read_bytes()).hexdigest()
    assert "of 6 test images" in result.stdout and digest in result.stdout
    assert "add --overwrite" in refuse("train_extractor.py", "--data", "x.npz", "--output", "own.keras")
    assert "has no labels" in refuse("train_extractor.py", "--data", "unlabelled.npz", "--output", "new.keras")
    arguments = ("--data", "x.npz", "--epochs", 1, "--validate-every", 1, "--extractor", "own.keras", *SMALL)
    result = run("train.py", *arguments, "--output", "run", cwd=tmp_path)
    assert result.returncode == 0 and "by features of own" in result.stdout, result.stderr


def test_generate_refuses_what_is_no_gan(finished, refuse, tmp_path):
    whole = (finished[0] / "model.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refuse("generate.py", "cut.keras")
    assert os.listdir(tmp_path) == ["cut.keras"]
