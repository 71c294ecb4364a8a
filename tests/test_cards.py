import json
import shutil

import pytest

from gan import cards


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished[0], tmp_path / "first")


def read_entries(text):
    """Returns the entries of the front matter: the values are JSON, which is YAML."""
    _, front, _ = text.split("---\n", 2)
    return {key: json.loads(value) for key, value in (line.split(": ", 1) for line in front.splitlines())}


def test_a_card_says_what_hubs_and_people_ask_for(folder):
    text = (folder / "README.md").read_text()
    entries = read_entries(text)
    assert (entries["library_name"], entries["pipeline_tag"]) == ("keras", "unconditional-image-generation")
    (result,) = entries["model-index"][0]["results"]
    rows = [line.split(",") for line in (folder / "history.csv").read_text().splitlines()]
    history = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
    best = min((row for row in history if row["val_fid"]), key=lambda row: float(row["val_fid"]))
    metrics = {metric["type"]: metric["value"] for metric in result["metrics"]}
    assert metrics["fid"] == pytest.approx(float(best["val_fid"]), rel=1e-3) and "d_loss" not in metrics
    assert result["dataset"]["name"] == "data.npz"
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == ["# run", *(f"## {name}" for name in "Use Data Training Figures Versions License".split())]
    for part in (f"after epoch {best['epoch']} on", "preset `reference`", "keras 3", "images/image_at_epoch_0006.png"):
        assert part in text


def test_a_card_is_replaced_until_somebody_changes_it(folder):
    file = folder / "README.md"
    first = file.read_text()
    lines = (folder / "history.csv").read_text().splitlines()
    (folder / "history.csv").write_text("\n".join(lines[:3]) + "\n")
    assert cards.write_card(folder) and file.read_text() != first
    changed = file.read_text().replace('license: "other"', 'license: "mit"')
    file.write_text(changed)
    assert not cards.write_card(folder) and file.read_text() == changed
    file.write_text("# Mine\n")
    assert not cards.write_card(folder) and file.read_text() == "# Mine\n"


def test_a_folder_without_a_run_has_no_card(tmp_path):
    with pytest.raises(ValueError, match="holds no run: it has no config.json"):
        cards.write_card(tmp_path)
    assert not list(tmp_path.iterdir())
