"""The benchmarks, on images so small that only compiling takes time."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import gan
from tuning import processes

FOLDER = Path(__file__).parent.parent / "scripts" / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Imports a benchmark; its folder stays on the path, so that its processes can import it too."""
    monkeypatch.syspath_prepend(FOLDER)

    def load(name):
        for module in ("measuring", name):
            monkeypatch.delitem(sys.modules, module, raising=False)
        benchmark = importlib.import_module(name)
        monkeypatch.setattr(benchmark.measuring, "measure_memory", lambda jobs: [1000, 900, 800][: len(jobs)])
        return benchmark

    return load


def start(benchmark, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [benchmark.__file__, *map(str, arguments)])
    benchmark.main()


def test_train_measures_every_way_and_compares_them(load, tmp_path, monkeypatch, capsys):
    data = tmp_path / "data.npz"
    np.savez(data, x_train=np.random.default_rng(0).integers(0, 256, (50, 6, 6), "uint8"))
    start(load("train"), monkeypatch, "--data", data, "--steps", 16)

    out, err = capsys.readouterr()
    assert err == ""
    figures = {}
    for line in out.splitlines()[3:]:
        name, *rest = re.split(r" {2,}", line, maxsplit=1)
        figures[name] = [float(figure) for figure in re.findall(r"-?\d+(?:\.\d+)?", " ".join(rest))]
    assert {name: len(values) for name, values in figures.items() if name} == {
        "plain loop": 4,
        "our fit": 4,
        "our step": 1,
        "input pipeline": 2,
        "floor": 3,
        "our fit / plain loop": 2,
        "our fit / our step": 2,
        "input / epoch": 2,
        "our step / floor": 1,
        "plain loop / floor": 1,
    }
    for name in ("plain loop", "our fit"):
        step, between, epoch, megabytes = figures[name]
        assert epoch == pytest.approx(235 * step / 1000 + between, abs=0.01)
        assert megabytes == {"plain loop": 1000, "our fit": 900}[name]
    assert all(values[0] > 0 for name, values in figures.items() if name)


def test_evaluate_compares_validations_with_an_epoch(load, monkeypatch, capsys):
    benchmark = load("evaluate")
    monkeypatch.setattr(benchmark.measuring, "IMAGES", 600)
    monkeypatch.setattr(benchmark.measuring, "TEST_IMAGES", 200)
    monkeypatch.setattr(benchmark, "EVALUATIONS", 2)
    monkeypatch.setattr(benchmark.measuring, "BATCH_SIZE", 20)
    start(benchmark, monkeypatch, "--data", "mnist5k")
    out, err = capsys.readouterr()
    assert err == ""
    figures = {line[:21].strip(): float(line[21:].split()[0]) for line in out.splitlines()[2:] if line}
    assert set(figures) == {
        *("training epoch", "first validation", "second validation", "peak memory"),
        *("first / epoch", "second / first"),
    }
    assert all(value > 0 for value in figures.values())
    assert "1000 MB with 200 images" in out and "800 MB with 50 images" in out


def test_tune_compares_a_sweep_with_a_serial_search(load, monkeypatch, capsys):
    benchmark = load("tune")
    parts = {"load, build, trace, compile": 3, "training": 4, "validation": 1, "all": 8}
    monkeypatch.setattr(benchmark, "run_trials", lambda data, epochs, count: {**parts, "all": 8 + count})
    monkeypatch.setattr(benchmark.measuring, "IMAGES", 600)
    monkeypatch.setattr(benchmark.measuring, "TEST_IMAGES", 100)
    start(benchmark, monkeypatch, "--data", "mnist5k", "--trials", 2, "--epochs", 1)
    lines = capsys.readouterr().out.splitlines()
    sweep, search = (
        [float(cell) for cell in line[24:].split()]
        for line in lines
        if line.startswith(("tune", "keras")) and "/" not in line
    )
    for seconds, rate, *megabytes in (sweep, search):
        assert rate == pytest.approx(3600 * 2 / seconds, rel=0.01)
        assert all(200 < peak < 5000 for peak in megabytes)
    ratios = {line[:22].strip(): float(line[22:].split()[0]) for line in lines[-3:]}
    assert ratios["ceiling"] == pytest.approx(processes.count_cores() * 9 / (8 + processes.count_cores()), abs=0.001)
    assert ratios["tune.py / keras-tuner"] == pytest.approx(search[0] / sweep[0], rel=0.01)
    assert ratios["last / first memory"] == pytest.approx(sweep[3] / sweep[2], rel=0.01)


def test_preset_compares_the_time_to_a_fid_with_300_epochs_of_the_reference(load, digits_file, monkeypatch, capsys):
    small = {"generator_width": 2, "discriminator_width": 2, "batch_size": 100, "epochs": 2}
    monkeypatch.setitem(gan.presets.PRESETS, "fast", gan.presets.resolve("fast", small))
    monkeypatch.setitem(gan.presets.PRESETS, "reference", gan.presets.resolve(changes={"batch_size": 100}))
    for fid, epochs in (("1e9", 1), ("0.001", 2)):
        start(load("preset"), monkeypatch, "--data", digits_file, "--fid", fid, "--seeds", 1)
        *_, row, _, median = capsys.readouterr().out.splitlines()
        seed, reference, epoch, count, reached, seconds, ratio = map(float, row.replace("not reached", "").split())
        assert count == epochs and ("not reached" in row) == (reached > float(fid))
        assert ratio == pytest.approx(300 * reference / seconds, rel=0.1)
        assert float(median.split()[1]) == ratio


def test_the_floor_of_the_reference_job_is_3_76_gflop(load):
    products = load("train").matrix_products(gan.build_generator(), gan.build_discriminator())
    assert sum(inputs * units for _, (inputs, units) in products) == 7_352_064
