import json

import pytest

from gan import runs


def test_the_model_of_a_folder_is_the_best_or_else_the_last(tmp_path):
    with pytest.raises(ValueError, match="holds no model: it has neither best.keras nor model.keras"):
        runs.find_model(tmp_path)
    (tmp_path / "model.keras").touch()
    assert runs.find_model(tmp_path) == tmp_path / "model.keras"
    (tmp_path / "best.keras").touch()
    assert runs.find_model(str(tmp_path)) == tmp_path / "best.keras"
    assert runs.find_model(tmp_path / "model.keras") == tmp_path / "model.keras"
    with pytest.raises(ValueError, match="no model file or run folder"):
        runs.find_model(tmp_path / "other.keras")


def test_a_config_is_read_with_defaults_or_refused_if_it_is_damaged(tmp_path):
    assert runs.read_config(tmp_path) is None
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"arguments": {"seed": 3}}))
    config = runs.read_config(tmp_path)
    assert config["arguments"] == {"seed": 3} and config["data"] == {} and config["versions"] == {}
    for text in ("{", "[]", "{}", '{"arguments": 3}'):
        file.write_text(text)
        with pytest.raises(ValueError, match="config.json is damaged"):
            runs.read_config(tmp_path)
