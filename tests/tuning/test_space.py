import keras_tuner
import pytest

from gan import presets
from tuning import space

SPACE = space.complete()


@pytest.mark.parametrize("preset", presets.PRESETS)
def test_the_first_choice_is_the_preset(preset):
    whole = space.complete(preset=preset)
    chosen = space.choose(keras_tuner.HyperParameters(), whole)
    assert len(chosen) > 6 and chosen == {name: presets.PRESETS[preset][name] for name in whole}


def test_a_moving_setting_keeps_the_ratio_of_its_ends():
    whole = space.complete({"r1": {"values": [1.0, 3.0], "default": 1.0, "ratio": 0.1}}, "best")
    hp = keras_tuner.HyperParameters()
    assert space.choose(hp, whole)["generator_lr"] == [2e-3, 2e-4]
    hp.values |= {"generator_lr": 1e-3, "r1": 3.0}
    chosen = space.choose(hp, space.complete(whole, "best"))
    assert chosen["generator_lr"] == [1e-3, 1e-4] and chosen["r1"] == [3.0, 0.3]
    fixed = space.complete({"generator_lr": [1e-3, 5e-4], "discriminator_lr": 1e-3}, "best")
    chosen = space.choose(keras_tuner.HyperParameters(), fixed)
    assert chosen["generator_lr"] == [1e-3, 5e-4] and chosen["discriminator_lr"] == 1e-3


def test_every_numeric_setting_can_be_searched():
    changed = space.complete({"r2": {"values": [0.0, 1.0]}, "beta_2": 0.9}, "fast")
    assert changed["r2"]["default"] == 0.0 and changed["beta_2"] == 0.9


def test_a_value_instead_of_an_entry_is_fixed():
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


def test_drawn_values_are_in_the_space():
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


@pytest.mark.parametrize(
    ("entry", "values"),
    [
        ({"min": 0.0, "max": 0.6, "step": 0.1}, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]),
        ({"min": 0.05, "max": 0.5, "step": 0.2, "default": 0.3}, [0.05, 0.25, 0.3, 0.45]),
        ({"min": 0.001, "max": 0.8, "step": 10, "sampling": "log"}, [0.001, 0.01, 0.1, 0.3]),
    ],
)
def test_floats_with_a_step_are_exact_and_reach_both_ends(entry, values):
    oracle = keras_tuner.oracles.RandomSearchOracle(keras_tuner.Objective("val_fid", "min"), 100, seed=1)
    whole = space.complete({"dropout": entry})
    space.choose(oracle.hyperparameters, whole)
    drawn = set()
    for _ in range(100):
        hp = oracle.get_space()
        hp.values = oracle._random_values()
        drawn.add(space.choose(hp, whole)["dropout"])
    assert sorted(drawn) == values


def test_numbers_have_the_type_of_the_setting():
    changed = space.complete({"r1": {"values": [0.5, 1, 2]}, "r2": {"min": 0, "max": 3}, "latent_dim": 8.0}, "fast")
    assert changed["r1"]["values"] == [0.5, 1.0, 2.0] and changed["latent_dim"] == 8
    assert all(isinstance(value, float) for value in [*changed["r1"]["values"], *changed["r2"].values()])
    assert isinstance(changed["latent_dim"], int)
    space.choose(hp := keras_tuner.HyperParameters(), changed)
    assert all(isinstance(hp.get(name), float) for name in ("r1", "r2"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([1], "must be a dict"),
        ({"momentum": 1}, "no momentum; its names are batch_size"),
        ({"dropout": {"min": 0.0}}, "dropout of the space must have default, values, or min, max"),
        ({"dropout": {"min": 0.4, "max": 0.5, "default": 0.3}}, "default inside its range"),
        ({"dropout": {"min": 0.4, "max": "x", "default": 0.3}}, "numbers as min"),
        ({"dropout": {"min": 0.0, "max": 0.5, "step": 0}}, "step above 0"),
        ({"generator_lr": {"min": 1e-5, "max": 1e-3, "step": 1, "sampling": "log"}}, "step above 1"),
        ({"generator_lr": {"min": 0, "max": 1, "sampling": "log", "default": 0.3}}, "min above 0"),
        ({"generator_lr": {"min": 1, "max": 2, "sampling": "cubic", "default": 1}}, "linear or log as sampling"),
        ({"batch_size": {"values": [1, 2], "default": 3}}, "default inside its range"),
        ({"batch_size": {"values": "12", "default": 1}}, "list of numbers"),
        ({"batch_size": "many"}, "must be a number"),
        ({"batch_size": 64.5}, "batch_size of the space must be an integer, not 64.5"),
        ({"generator_widths": {"values": [8], "default": [8]}}, "must have default, layers, values"),
        ({"generator_widths": {"layers": [2, 3], "values": [8], "default": [8]}}, "default inside its range"),
        ({"generator_widths": {"layers": 2, "values": [8], "default": [8]}}, "two integers as layers"),
        ({"generator_widths": {"layers": [1, 2], "values": [8], "default": 8}}, "default"),
        ({"generator_widths": []}, "must be a number, a list"),
        ({"averaging": {"values": [0.9], "default": 0.9, "ratio": 1.1}}, "ratio above 0, for r1, r2"),
        ({"generator_lr": {"values": [1e-3], "default": 1e-3, "ratio": 0}}, "ratio above 0, for r1, r2"),
        ({"dropout": {"values": [0.1], "default": 0.1, "ratio": 0.5}}, "ratio above 0, for r1, r2"),
    ],
)
def test_invalid_spaces_are_refused_with_the_name_of_the_entry(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        space.complete(changes)
