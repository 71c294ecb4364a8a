import keras_tuner
import pytest

from gan import presets
from tuning import space

SPACE = space.complete()


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_the_preset_is_chosen_first(preset):
    whole = space.complete(preset=preset)
    chosen = space.choose(keras_tuner.HyperParameters(), whole)
    assert len(chosen) > 6 and chosen == {name: presets.PRESETS[preset][name] for name in whole}


def test_any_number_of_a_preset_may_be_searched():
    changed = space.complete({"r2": {"values": [0.0, 1.0]}, "beta_2": 0.9}, "fast")
    assert changed["r2"]["default"] == 0.0 and changed["beta_2"] == 0.9


def test_a_bare_value_is_fixed_and_the_rest_stays():
    changed = space.complete({"batch_size": 32, "generator_widths": [8, 16]})
    hp = keras_tuner.HyperParameters()
    job = space.choose(hp, changed)
    assert job["batch_size"] == 32 and job["generator_widths"] == [8, 16] and job["dropout"] == 0.3
    assert not any(one.name.startswith(("batch_size", "generator_width", "generator_layers")) for one in hp.space)
    assert set(changed) == set(SPACE)


def test_widths_follow_the_number_of_layers():
    hp = keras_tuner.HyperParameters()
    space.choose(hp, SPACE)
    hp.values |= {"generator_layers": 1, "generator_width_1": 128}
    assert space.choose(hp, SPACE)["generator_widths"] == [128]


def test_what_is_drawn_lies_in_the_space():
    oracle = keras_tuner.oracles.RandomSearchOracle(keras_tuner.Objective("val_fid", "min"), 100, seed=1)
    space.choose(oracle.hyperparameters, SPACE)
    layers = set()
    for _ in range(60):
        hp = oracle.get_space()
        hp.values = oracle._random_values()
        job = space.choose(hp, SPACE)
        layers.add(len(job["generator_widths"]))
        assert set(job["generator_widths"]) <= {128, 256, 512, 1024} and job["latent_dim"] in (32, 64, 100, 200)
        assert 3e-5 <= job["generator_lr"] <= 3e-3 and 0 <= job["dropout"] <= 0.6
    assert layers == {1, 2, 3, 4}


def test_numbers_are_of_the_kind_that_the_setting_is():
    changed = space.complete({"r1": {"values": [0.5, 1, 2]}, "r2": {"min": 0, "max": 3}, "latent_dim": 8.0}, "fast")
    assert changed["r1"]["values"] == [0.5, 1.0, 2.0] and changed["latent_dim"] == 8
    assert all(isinstance(value, float) for value in [*changed["r1"]["values"], *changed["r2"].values()])
    assert isinstance(changed["latent_dim"], int)
    space.choose(hp := keras_tuner.HyperParameters(), changed)
    assert all(isinstance(hp.get(name), float) for name in ("r1", "r2"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([1], "must be a table"),
        ({"momentum": 1}, "no momentum; its names are batch_size"),
        ({"dropout": {"min": 0.0}}, "dropout of the space must have default, values, or min, max"),
        ({"dropout": {"min": 0.4, "max": 0.5, "default": 0.3}}, "default of its own range"),
        ({"dropout": {"min": 0.4, "max": "x", "default": 0.3}}, "numbers as min"),
        ({"generator_lr": {"min": 0, "max": 1, "sampling": "log", "default": 0.3}}, "min above 0"),
        ({"generator_lr": {"min": 1, "max": 2, "sampling": "cubic", "default": 1}}, "linear or log"),
        ({"batch_size": {"values": [1, 2], "default": 3}}, "default of its own range"),
        ({"batch_size": {"values": "12", "default": 1}}, "list of numbers"),
        ({"batch_size": "many"}, "must be a number"),
        ({"batch_size": 64.5}, "batch_size of the space must be whole numbers, not 64.5"),
        ({"generator_widths": {"values": [8], "default": [8]}}, "must have default, layers, values"),
        ({"generator_widths": {"layers": [2, 3], "values": [8], "default": [8]}}, "default of its own range"),
        ({"generator_widths": {"layers": 2, "values": [8], "default": [8]}}, "two whole numbers"),
        ({"generator_widths": {"layers": [1, 2], "values": [8], "default": 8}}, "default"),
        ({"generator_widths": []}, "must be a number, or a list"),
    ],
)
def test_a_space_that_cannot_be_is_refused_with_its_name(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        space.complete(changes)
