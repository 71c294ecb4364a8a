"""The command lines of all scripts: help, wrong arguments, and refusals that need no backend."""

import importlib.util
import json
import shutil
import socket
import sys

import pytest
from commands import SCRIPTS, run

import gan
from tuning import layout, sweep

COMMANDS = ("train.py", "generate.py", "explore.py", "evaluate.py", "export.py", "train_extractor.py", "tune.py")
BENCHMARKS = tuple(
    f"benchmarks/{name}.py" for name in ("train", "evaluate", "tune", "preset", "folders", "learning_curves", "explore")
)
BROKEN = "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None"


def load(script, monkeypatch):
    """Imports a script as a module."""
    path = SCRIPTS / script
    monkeypatch.syspath_prepend(path.parent)
    spec = importlib.util.spec_from_file_location(f"script_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("script", COMMANDS)
def test_help_and_wrong_options_need_no_backend_and_few_lines(script):
    result = run(script, "--help", prelude=BROKEN)
    assert result.returncode == 0 and result.stdout.startswith(f"usage: python scripts/{script}"), result.stderr
    result = run(script, "--no-such-option", prelude=BROKEN)
    assert result.returncode == 2 and result.stdout == ""
    assert len(result.stderr.splitlines()) <= 3 and "--help" in result.stderr, result.stderr


@pytest.mark.parametrize("script", BENCHMARKS)
def test_help_of_benchmarks_needs_no_backend(script):
    # A benchmark imports the module beside it, as Python allows for a script that it runs.
    prelude = f"{BROKEN}; sys.path.insert(0, {str(SCRIPTS / 'benchmarks')!r})"
    result = run(script, "--help", prelude=prelude)
    assert result.returncode == 0 and result.stdout.startswith(f"usage: python scripts/{script}"), result.stderr
    result = run(script, "--data", prelude=prelude)
    assert result.returncode == 2 and len(result.stderr.splitlines()) <= 3, result.stderr


@pytest.mark.parametrize("script", COMMANDS + BENCHMARKS)
def test_every_script_has_a_parser_for_tests_of_documented_commands(script, monkeypatch):
    module = load(script, monkeypatch)
    assert module.build_parser().format_help()
    required = {
        "generate.py": ["runs/x"],
        "explore.py": ["runs/x"],
        "benchmarks/explore.py": ["runs/x"],
        "evaluate.py": ["runs/x"],
        "export.py": ["runs/x", "--format", "onnx", "--output", "x.onnx"],
        "train_extractor.py": ["--output", "x.keras"],
        "tune.py": ["--output", "x"],
    }
    assert module.parse_arguments(required.get(script, [])) is not None


def test_options_of_train_cover_all_settings_and_show_the_default_of_each_preset(monkeypatch):
    train = load("train.py", monkeypatch)
    text = " ".join(train.build_parser().format_help().split()).replace("- ", "-")  # argparse breaks at hyphens
    for name in gan.presets.PRESETS["reference"]:
        assert f"--{name.replace('_', '-')}" in text
    epochs = "8 in fast, fast-conditional; 40 in best, best-conditional; 20 in wide; 10 in residual,"
    assert f"(default: 300 in reference; {epochs} residual-conditional)" in text
    assert "--blocks BLOCKS residual: blocks at each resolution (default: 1)" in text
    assert "(default: 256 512 1024)" in text and "(default: none)" in text


def test_wrong_arguments_are_refused_without_a_backend(finished, tmp_path):
    output, _ = finished
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/notes.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    model = output / "model.keras"
    (tmp_path / "many.json").write_text(json.dumps({"latent_dim": 5, "momentum": 1}))
    (tmp_path / "odd.json").write_text(json.dumps({"generator_lr": -2.0}))
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep/sweep.json").write_text("{}")
    damaged = tmp_path / "damaged"
    shutil.copytree(output, damaged)
    (damaged / "config.json").write_text("{")
    server = socket.create_server(("127.0.0.1", 0))
    taken = f"127.0.0.1:{server.getsockname()[1]}"
    to_file = ("--format", "saved_model", "--output")
    for sentence, arguments in {
        "no such file, folder or named source": ("train.py", "--data", "nowhere"),
        "must be a whole number of at least 1, not '0'": ("train.py", "--batch-size", "0"),
        "must be a number above 0, not '-1'": ("train.py", "--generator-lr", "-1"),
        "must be a number from 0 to below 1, not '1.5'": ("train.py", "--dropout", "1.5"),
        "holds a run already": ("train.py", "--output", output),
        "is not empty": ("train.py", "--output", tmp_path / "taken"),
        "is a file": ("train.py", "--output", tmp_path / "file"),
        "only --epochs and --data may differ, not --seed": ("train.py", "--output", output, "--resume", "--seed", "1"),
        "holds no run to resume": ("train.py", "--output", tmp_path, "--resume"),
        "--resume needs --output": ("train.py", "--resume"),
        "config.json is damaged": ("train.py", "--output", damaged, "--resume"),
        "there is no model file or run folder none.keras": ("generate.py", "none.keras"),
        "holds no model": ("generate.py", tmp_path / "taken"),
        "must end in .png, .jpg, .webp or .npy": ("generate.py", model, "--output", "samples.tiff"),
        "must end in .gif or .mp4": ("generate.py", model, "--interpolate", "walk.avi"),
        "add --overwrite": ("generate.py", model, "--output", output / "curves.png"),
        "no such file or named extractor": ("train.py", "--extractor", "nowhere.keras"),
        "must be a whole number of at least 0, not '-1'": ("train.py", "--validate-every", "-1"),
        "there is no model file or run folder other.keras": ("evaluate.py", "other.keras"),
        "is not a folder with write permission": ("evaluate.py", model, "--output", tmp_path / "file" / "below"),
        "config.json is damaged: ": ("evaluate.py", damaged),
        "must end in .keras": ("train_extractor.py", "--output", "extractor.h5"),
        "named sources are": ("train_extractor.py", "--output", "extractor.keras", "--data", "nowhere"),
        "--samples must be at least 2": ("evaluate.py", model, "--samples", "1"),
        "is an input of this evaluation": ("evaluate.py", model, "--json", model, "--overwrite"),
        "invalid choice: 'tflite'": ("export.py", model, "--format", "tflite", "--output", "new"),
        "--truncation must be at most 1, not 2": ("export.py", model, *to_file, "new", "--truncation", "2"),
        "there is no model file or run folder third.keras": ("export.py", "third.keras", *to_file, "new"),
        "is not a SavedModel": ("export.py", model, *to_file, tmp_path / "taken", "--overwrite"),
        "must end in .tflite": ("export.py", model, "--format", "litert", "--output", "new"),
        "invalid choice: 'slow'": ("train.py", "--preset", "slow"),
        "invalid choice: 'cosine'": ("train.py", "--loss", "cosine"),
        "dropout": ("train.py", "--preset", "fast", "--dropout", "0.5"),
        "must be a number of at least 0, not '-1'": ("train.py", "--r1", "-1"),
        "--labels cannot be combined with --count": ("generate.py", model, "--labels", "1", "--count", "3"),
        "is not a readable JSON object": ("train.py", "--hyperparameters", "best.json"),
        "unknown settings: momentum": ("train.py", "--hyperparameters", tmp_path / "many.json"),
        "must be a number above 0, not '-2.0'": ("train.py", "--hyperparameters", tmp_path / "odd.json"),
        "invalid choice: 'grid'": ("tune.py", "--output", "new", "--tuner", "grid"),
        "--trials: must be a whole number": ("tune.py", "--output", "new", "--trials", "0"),
        "--workers: must be a whole number": ("tune.py", "--output", "new", "--workers", "0"),
        "--trials does not apply": ("tune.py", "--output", "new", "--tuner", "hyperband", "--trials", "9"),
        "--iterations applies to hyperband only": ("tune.py", "--output", "new", "--iterations", "2"),
        "--role chief and --listen": ("tune.py", "--output", "new", "--role", "chief"),
        "--role worker and --chief": ("tune.py", "--output", "new", "--chief", "127.0.0.1:1"),
        "must be a host and a port": ("tune.py", "--output", "new", "--role", "worker", "--chief", "here"),
        taken: ("tune.py", "--output", "new", "--role", "chief", "--listen", taken),
        "127.0.0.1:1 cannot": ("tune.py", "--output", tmp_path / "sweep", "--role", "worker", "--chief", "127.0.0.1:1"),
        "holds no sweep": ("tune.py", "--output", tmp_path, "--role", "worker", "--chief", "127.0.0.1:1"),
        "not empty": ("tune.py", "--output", tmp_path / "taken"),
        "file": ("tune.py", "--output", tmp_path / "file"),
        "is not readable JSON": ("tune.py", "--output", "new", "--space", tmp_path / "file"),
        "--data nowhere": ("tune.py", "--output", "new", "--data", "nowhere"),
    }.items():
        result = run(*arguments, prelude=BROKEN, cwd=tmp_path)
        assert result.returncode == 2, arguments
        assert sentence in result.stderr and len(result.stderr.splitlines()) <= 3, result.stderr
    server.close()
    assert not (tmp_path / "new").exists() and not (tmp_path / "runs").exists()


def test_mp4_without_ffmpeg_is_refused_before_anything_is_generated(finished, tmp_path):
    without = "import sys; sys.modules['imageio_ffmpeg'] = None"
    result = run("generate.py", finished[0], "--interpolate", "walk.mp4", prelude=f"{BROKEN}; {without}", cwd=tmp_path)
    assert result.returncode == 2 and "pip install" in result.stderr, result.stderr


def test_parsed_arguments_do_not_depend_on_the_command_line_of_the_process(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["pytest", "--no-such-option"])
    train = load("train.py", monkeypatch)
    assert train.parse_arguments(["--epochs", "3"]) == {"epochs": 3}


def test_a_sweep_on_fewer_digits_than_requested_says_so_last(monkeypatch, tmp_path, capsys):
    def run_sweep(output, settings, workers, listen):
        layout.settings_file(output).write_text(json.dumps({**settings, "data": "mnist5k"}))
        layout.leaderboard_file(output).write_text("trial,val_fid,preset\n0,2.5,reference\n")

    monkeypatch.setattr(sweep, "run_sweep", run_sweep)
    tune = load("tune.py", monkeypatch)
    for data, is_fallback in (("auto", True), ("mnist5k", False)):
        tune.run(tune.parse_arguments(["--output", str(tmp_path), "--data", data]), workers=1)
        last = capsys.readouterr().out.splitlines()[-1]
        assert ("used mnist5k" in last) == is_fallback and (str(tmp_path) in last) != is_fallback
