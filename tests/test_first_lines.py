import json

import numpy as np
import pytest
from PIL import Image

import gan
from gan import first_lines, runs


@pytest.mark.parametrize(
    ("classes", "preset", "recommended"),
    [
        (1, "reference", "--preset fast --epochs 1667, about 5,000 steps"),
        (2, "reference", "--preset fast-conditional --epochs 1667, about 5,000 steps"),
        (20, "reference", "--preset fast --epochs 1667, about 5,000 steps"),
        (2, "best", "--preset best-conditional --epochs 1667, about 5,000 steps"),
        (1, "best", "--epochs 1667, about 5,000 steps"),
        (2, "best-conditional", "--epochs 1667, about 5,000 steps"),
        (2, "wide", "--epochs 1667, about 5,000 steps"),
        (2, "residual", "--preset residual-conditional --epochs 1667, about 5,000 steps"),
    ],
)
def test_a_preset_is_recommended_for_a_folder_of_pictures(classes, preset, recommended, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for number in range(160):
        folder = tmp_path / "pictures" / (f"kind{number % classes}" if classes > 1 else "")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8, 3), number, "uint8")).save(folder / f"{number}.png")
    images = gan.datasets.open_source(tmp_path / "pictures", (8, 8, 3))
    settings = {"preset": preset, **gan.presets.resolve(preset)}
    line = first_lines.recommend(images, settings, is_validated=False)
    assert line == (recommended and f"recommended for these pictures: {recommended}")


def test_no_preset_is_recommended_for_too_few_pictures_or_for_arrays(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "pictures").mkdir()
    for number in range(20):
        Image.fromarray(np.full((8, 8, 3), number, "uint8")).save(tmp_path / "pictures" / f"{number}.png")
    settings = {"preset": "reference", **gan.presets.resolve()}
    for source in (tmp_path / "pictures", "mnist5k"):
        images = gan.datasets.open_source(source, (8, 8, 3) if source != "mnist5k" else None)
        assert first_lines.recommend(images, settings, is_validated=False) is None


def test_a_run_that_resumes_beyond_its_schedules_says_so(tmp_path):
    settings = {"preset": "best", "data": "mnist5k", **gan.presets.resolve("best")}
    (tmp_path / "config.json").write_text(json.dumps({"arguments": settings}))
    for epochs, line in (
        (40, None),
        (
            50,
            "  more epochs than the run was started with: --r1, --generator-lr, --discriminator-lr keep their last "
            "values in them",
        ),
    ):
        _, settled, recorded = runs.settle({"output": tmp_path, "resume": True, "epochs": epochs})
        assert first_lines.describe_ended(settled, recorded["epochs"]) == line
    assert first_lines.describe_ended(gan.presets.resolve("fast"), 1) is None
