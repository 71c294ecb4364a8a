"""The benchmarks, on images so small that only compiling takes time."""

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gan
from gan import cli

FOLDER = Path(__file__).parent.parent / "scripts" / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    """Imports a benchmark; its folder stays on the path, so that its processes can import it too."""
    monkeypatch.syspath_prepend(FOLDER)

    def load(name):
        for module in ("measuring", "contestants", name):
            monkeypatch.delitem(sys.modules, module, raising=False)
        measuring = importlib.import_module("measuring")
        monkeypatch.setattr(measuring, "measure_memory", lambda jobs, *backend: [1000, 900, 800][: len(jobs)])
        return importlib.import_module(name)

    return load


def start(benchmark, monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", [benchmark.__file__, *map(str, arguments)])
    benchmark.main()


def test_train_measures_every_way_and_compares_them(load, tmp_path, monkeypatch, capsys):
    benchmark = load("train")
    engines = {"TensorFlow": benchmark.Engine("tensorflow"), "Other": benchmark.Engine("no_such_package")}
    monkeypatch.setattr(benchmark, "ENGINES", engines)
    monkeypatch.setattr(benchmark, "ROUNDS", 2)
    data = tmp_path / "data.npz"
    np.savez(data, x_train=np.random.default_rng(0).integers(0, 256, (50, 6, 6), "uint8"))
    start(benchmark, monkeypatch, "--data", data, "--steps", 16)

    out, err = capsys.readouterr()
    assert err == ""
    left_out, _, *tables = out.split("\n\n")[0].splitlines() + out.split("\n\n")[1:]
    assert left_out.startswith("Other is left out")
    figures = {}
    for table in tables[:4]:
        heading, *rows = table.splitlines()
        figures[heading.removesuffix("TensorFlow").strip()] = {row[:18].strip(): float(row[18:]) for row in rows}
    assert {title: list(rows) for title, rows in figures.items()} == {
        "ms/step": ["hand-written loop", "our fit", "our step", "floor"],
        "s/epoch": ["hand-written loop", "our fit"],
        "s between epochs": ["hand-written loop", "our fit"],
        "peak MB": ["hand-written loop", "our fit"],
    }
    for way, megabytes in {"hand-written loop": 1000, "our fit": 900}.items():
        step, epoch, between, peak = (figures[title][way] for title in figures)
        assert epoch == pytest.approx(235 * step / 1000 + between, abs=0.01)
        assert peak == megabytes
    ratios = {row[:58].strip(): float(row[58:].split()[0]) for row in tables[-1].splitlines()[1:]}
    assert list(ratios) == [
        "our fit / hand-written loop, TensorFlow",
        "our fit / our step, TensorFlow",
        "our step / floor, TensorFlow",
        "input pipeline / epoch of our fit, on the fastest engine",
    ]
    assert all(ratio > 0 for ratio in ratios.values())


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_a_hand_written_loop_trains_as_we_do(load, backend, tmp_path):
    """Five updates from the same weights and latents give the same weights, to rounding."""
    pytest.importorskip(backend)
    presets = [preset for preset, backends in load("contestants").HAND_WRITTEN.items() if backend in backends]
    output = tmp_path / "weights.npz"
    command = [sys.executable, Path(__file__).with_name("play_peers.py"), FOLDER, output, *presets]
    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    with np.load(output) as pairs:
        assert len(pairs) >= 16
        for name, (theirs, ours) in pairs.items():
            np.testing.assert_allclose(theirs, ours, rtol=0, atol=5e-6, err_msg=name)


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


def test_networks_compares_steps_and_convolutions(load, monkeypatch, capsys):
    benchmark = load("networks")
    for name, value in (
        ("SHAPE", (28, 28, 1)),
        ("BATCH_SIZE", 2),
        ("ROUNDS", 1),
        ("STEPS", 1),
        ("INPUTS", ((4, 4, 32),)),
    ):
        monkeypatch.setattr(benchmark, name, value)
    start(benchmark, monkeypatch)
    out, err = capsys.readouterr()
    assert err == ""
    figures = [(line[:26].strip(), float(line[26:].split()[0])) for line in out.splitlines() if line.startswith("  ")]
    assert [name for name, _ in figures] == [
        *("fast", "residual, expansion 1", "residual, expansion 2"),
        *("GroupedConv2D", "Conv2D(groups)", "Conv2D"),
    ]
    assert all(milliseconds > 0 for _, milliseconds in figures)


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
    assert ratios["ceiling"] == pytest.approx(cli.count_cores() * 9 / (8 + cli.count_cores()), abs=0.001)
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


def test_learning_curves_measures_presets_and_repeats_no_run(load, digits_file, monkeypatch, capsys, tmp_path):
    small = {"generator_width": 2, "discriminator_width": 2, "batch_size": 100, "epochs": 3, "clusters": 5}
    monkeypatch.setitem(gan.presets.PRESETS, "best", gan.presets.resolve("best", small))
    command = ("--data", digits_file, "--presets", "best", "--output", tmp_path, "--seeds")
    benchmark = load("learning_curves")
    start(benchmark, monkeypatch, *command, 1)
    rows = benchmark.read_rows(tmp_path / "results.csv")
    assert [row["epoch"] for row in rows] == ["1", "2", "3"] and {row["seed"] for row in rows} == {"1"}
    minutes = [float(row["minutes"]) for row in rows]
    assert sorted(minutes) == minutes
    first = capsys.readouterr().out.splitlines()[-1]
    assert float(first.split()[3]) == pytest.approx(float(rows[-1]["fid"]), abs=1e-3)

    start(benchmark, monkeypatch, *command, 1, 2)
    both = benchmark.read_rows(tmp_path / "results.csv")
    assert both[:3] == rows and [row["seed"] for row in both[3:]] == ["2"] * 3
    assert (tmp_path / "learning_curves.png").exists()
    # Four rows of ten digits, 2 pixels apart, three times as large.
    assert gan.images.read_picture(tmp_path / "best_1.png").shape == (3 * 118, 3 * 298, 1)
    fids = [float(row["fid"]) for row in both if row["epoch"] == "3"]
    name, count, *cells = capsys.readouterr().out.splitlines()[-1].split()
    assert count == "2" and "±" in cells
    assert float(cells[3]) == pytest.approx(sum(fids) / 2, abs=1e-3)

    # Another preset of this name, trained again.
    monkeypatch.setitem(gan.presets.PRESETS, "best", gan.presets.resolve("best", {"epochs": 2}))
    start(benchmark, monkeypatch, *command, 1)
    changed = benchmark.read_rows(tmp_path / "results.csv")
    assert changed[:6] == both and [row["epoch"] for row in changed[6:]] == ["1", "2"]
    fid = float(capsys.readouterr().out.splitlines()[-1].split()[3])
    assert fid == pytest.approx(float(changed[-1]["fid"]), abs=1e-3)


def test_export_compares_the_formats_that_are_installed(load, make_model, monkeypatch, capsys, tmp_path):
    benchmark = load("export")
    monkeypatch.setitem(benchmark.MODULES, "onnx", "no_such_package")
    monkeypatch.setattr(benchmark, "LOADERS", {name: benchmark.LOADERS[name] for name in ("saved_model", "onnx")})
    make_model(num_classes=3).save(tmp_path / "model.keras")
    start(benchmark, monkeypatch, tmp_path)
    header, *rows = (line.split() for line in capsys.readouterr().out.splitlines())
    assert header == "format MB ms for 1 ms for 64".split()
    assert [name for name, *_ in rows] == ["generate", "saved_model"] and [len(row) for row in rows] == [3, 4]
    assert all(float(figure) > 0 for _, *figures in rows for figure in figures)


def test_truncation_measures_every_factor(load, digits_file, monkeypatch, capsys, tmp_path):
    benchmark = load("truncation")
    model = gan.presets.build(gan.presets.resolve("fast", {"generator_width": 2, "clusters": 0}))
    model.save(tmp_path / "model.keras")
    monkeypatch.setattr(benchmark, "FACTORS", (1.0, 0.1))
    start(benchmark, monkeypatch, tmp_path / "model.keras", "--data", digits_file, "--output", tmp_path / "curve.png")
    header, whole, short, *_ = capsys.readouterr().out.splitlines()
    assert header.split() == ["truncation", "fid", "precision", "recall", "coverage"]
    whole, short = ([float(cell) for cell in row.split()] for row in (whole, short))
    assert (whole[0], short[0]) == (1.0, 0.1)
    # From nearly equal latents, nearly equal images.
    assert short[1] > whole[1] and short[3] <= whole[3]
    assert (tmp_path / "curve.png").exists()


def test_spectrum_finds_the_pattern_of_each_period(load):
    benchmark = load("spectrum")
    rows, columns = np.indices((16, 32))
    for period in benchmark.PERIODS:
        wave = np.cos(2 * np.pi * (rows + columns) / period)[None, ..., None]
        powers = benchmark.measure_power(np.concatenate([wave, 3 * wave], axis=-1))
        # The power of a wave of amplitude a is (a pixels / 2)^2; the shortest one is its own conjugate.
        expected = (1 + 9) / 2 * (wave.size / (1 if period == 2 else 2)) ** 2
        assert powers == pytest.approx([expected if other == period else 0 for other in benchmark.PERIODS], abs=1e-9)


def test_spectrum_compares_a_model_with_test_images(load, digits_file, monkeypatch, capsys, tmp_path):
    benchmark = load("spectrum")
    settings = gan.presets.resolve("fast-conditional", {"generator_width": 2, "discriminator_width": 2})
    gan.presets.build(settings, num_classes=10).save(tmp_path / "model.keras")
    start(benchmark, monkeypatch, tmp_path / "model.keras", "--data", digits_file)
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == "pixels   power over that of real images"
    assert [row.split()[0] for row in rows] == ["2", "4", "8"] and all(float(row.split()[1]) >= 0 for row in rows)


def test_folders_compares_folders_with_images_in_memory(load, tmp_path, monkeypatch, capsys):
    small = {"generator_width": 2, "discriminator_width": 2}
    monkeypatch.setitem(gan.presets.PRESETS, "fast", gan.presets.resolve("fast", small))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    benchmark = load("folders")
    for name, value in {"BATCH_SIZE": 2, "STEPS": 8, "ROUNDS": 1, "SHAPE": (8, 8, 3), "MORE": 2}.items():
        monkeypatch.setattr(benchmark, name, value)
    started = []

    def in_this_process(function, *arguments, cores=None):
        started.append((function.__name__, cores, os.environ["XDG_CACHE_HOME"]))
        start = time.perf_counter()
        result = function(*arguments)
        return result, time.perf_counter() - start

    monkeypatch.setattr(benchmark, "in_new_process", in_this_process)
    start(benchmark, monkeypatch, "--count", 5)

    out, err = capsys.readouterr()
    assert all(" decoded into " in line for line in err.splitlines())
    heading, figures, ratios = out.split("\n\n")
    assert heading.startswith("5 and 10 JPEG files")
    figures = {line[:26].strip(): float(line[26:].split()[0]) for line in figures.splitlines()}
    assert list(figures) == [
        *("first load, one core", "first load, all cores", "second load, 5", "second load, 10"),
        *("input", "step of fast", "fit, folder", "private memory, 5", "private memory, 10"),
    ]
    assert all(100 < figures[f"private memory, {count}"] < 10_000 for count in (5, 10))
    ratios = {line[:26].strip(): float(line[26:].split()[0]) for line in ratios.splitlines()}
    assert ratios.pop("input / step of fast") == pytest.approx(figures["input"] / figures["step of fast"], rel=0.05)
    assert ratios.pop("private memory, 2 times") == pytest.approx(1, abs=0.5)
    assert list(ratios) == ["one core / all cores", "fit, folder / memory"] and min(ratios.values()) > 0
    # Each first load has a cache of its own, and the others share one.
    (first, one, _), (second, every, _), *others = started
    assert first == second == "time_load" and len(one) == 1 and every == os.sched_getaffinity(0)
    assert len({cache for *_, cache in started}) == 3 and len({cache for *_, cache in others}) == 1
    assert os.environ["XDG_CACHE_HOME"] == str(tmp_path)


def test_a_new_process_has_the_cores_it_is_given(load):
    core = min(os.sched_getaffinity(0))
    cores, seconds = load("folders").in_new_process(os.sched_getaffinity, 0, cores={core})
    assert cores == {core} and seconds > 0


def test_the_floor_of_the_reference_job_is_3_76_gflop(load):
    products = load("contestants").matrix_products(gan.build_generator(), gan.build_discriminator())
    assert sum(inputs * units for _, (inputs, units) in products) == 7_352_064


def test_a_step_is_timed_in_whole_cycles(load):
    seconds_of_step = load("measuring").seconds_of_step
    assert seconds_of_step([4, 1, 1, 1, 5], 4) == pytest.approx(7 / 4)
    assert seconds_of_step([1, 9, 2], 1) == 2


def test_collectives_are_read_from_a_program_each_once(load):
    program = """
HloModule step
%branch (x: f32[3]) -> f32[3] {
  ROOT %all-reduce.1 = f32[3]{0} all-reduce(%x), channel_id=1, to_apply=%add, metadata={op_name="all-reduce(a)"}
}
ENTRY %main {
  %sum = (f32[], f32[2,5]{1,0:T(8,128)}, /*index=2*/bf16[4]{0}) all-reduce(%a, %b, %c), channel_id=2
  %first = f32[] get-tuple-element(%sum), index=0
  %gather-start = (f32[6]{0}, f32[12]{0}) all-gather-start(%d), channel_id=3
  %gather-done = f32[12]{0} all-gather-done(%gather-start)
  %scatter = pred[8]{0} reduce-scatter(%e), channel_id=4
  ROOT %fusion = f32[2]{0} fusion(%first, %gather-done, %scatter), calls=%all-reduce.fused
}
"""
    assert load("collectives").find(program) == [
        ("all-reduce", [12], 0),
        ("all-reduce", [4, 40, 8], 1),
        ("all-gather", [48], 0),
        ("reduce-scatter", [8], 0),
    ]


def test_a_calculated_step_adds_what_a_ring_of_devices_exchanges(load):
    benchmark = load("devices")
    found = [benchmark.collectives.Collective("all-reduce", [3_000_000, 1_000_000], 0)] * 2
    work = benchmark.Work(flop=5e9, found=found, fewest=1, least=1)
    seconds, exchange = benchmark.seconds_together(work, count=4, bandwidth=1e9, latency=1e-3)
    # 8 MB in a ring of 4 are 12 MB for each device.
    assert exchange == pytest.approx(2e-3 + 12e-3)
    assert seconds == pytest.approx(0.5e-3 + exchange)


def test_the_devices_of_a_step_share_its_work_and_exchange_little(load):
    pytest.importorskip("jax")
    benchmark = load("devices")
    with benchmark.start() as pool:
        work = pool.submit(benchmark.examine, "reference", 2).result()
    assert 1 <= len(work.found) <= 2 * work.fewest
    assert work.least <= work.bytes <= 2 * work.least
    assert work.fewest == 2 + 3 and work.least == 4 * (1_489_936 + 533_505 + 2 * 1_792)
