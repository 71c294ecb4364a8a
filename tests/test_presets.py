import keras
import numpy as np
import pytest

import gan
from gan import presets


def test_reference_is_the_reference_job():
    settings = presets.resolve("reference")
    assert settings["epochs"] == 300 and settings["batch_size"] == 256
    model = presets.build(settings)
    assert model.generator.count_params() == gan.build_generator().count_params()
    arbitrary = {"name": "", "seed": 0}
    assert [layer.get_config() | arbitrary for layer in model.discriminator.layers] == [
        layer.get_config() | arbitrary for layer in gan.build_discriminator().layers
    ]
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert optimizer.get_config() == keras.optimizers.Adam(1e-4, name=optimizer.name).get_config()
    assert isinstance(model.loss, gan.losses.BinaryCrossentropy) and model.loss.label_smoothing == 0
    assert model.regularizers == [] and model.average is None
    assert model.discriminator_steps is None and model.augmentation is None and model.num_classes is None


@pytest.mark.parametrize("name", presets.PRESETS)
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (32, 32, 3)])
def test_presets_can_be_built_for_any_image_shape(name, image_shape):
    settings = presets.resolve(name)
    num_classes = 10 if settings["conditional"] else None
    model = presets.build(settings, image_shape, num_classes, seed=3, steps=10)
    assert model.image_shape == image_shape and model.seed == 3 and model.num_classes == num_classes
    if model.clusters is not None:
        model.clusters.adapt(np.random.default_rng(0).uniform(-1, 1, (50, *image_shape)).astype("float32"))
    assert model.generate(2).shape == (2, *image_shape)


def test_changed_settings_are_built():
    changes = {
        "networks": "conv",
        "generator_width": 3,
        "discriminator_width": 5,
        "spectral_norm": True,
        "loss": "hinge",
        "r2": 0.5,
        "gradient_penalty": 7.0,
        "regularize_every": 2,
        "discriminator_steps": 3,
        "augmentation": ["cutout"],
        "averaging": 0.9,
        "generator_lr": 1e-3,
        "discriminator_lr": 2e-3,
        "beta_1": 0.5,
        "beta_2": 0.9,
        "latent_dim": 7,
    }
    settings = presets.resolve("reference", changes)
    assert settings | changes == settings and settings["generator_widths"] is None and settings["batch_size"] == 256
    model = presets.build(settings, num_classes=10)
    assert model.latent_dim == 7 and model.num_classes is None
    assert [type(one).__name__ for one in model.regularizers] == ["R2", "GradientPenalty"]
    assert [(one.weight, one.interval) for one in model.regularizers] == [(0.5, 2), (7.0, 2)]
    assert isinstance(model.loss, gan.losses.Hinge) and model.discriminator_steps == 3 and model.averaging == 0.9
    assert model.augmentation.names == ["cutout"]
    assert isinstance(model.discriminator.layers[0], gan.layers.SpectralNormalization)
    assert model.discriminator.layers[0].layer.filters == 5
    rates = [float(one.learning_rate) for one in (model.generator_optimizer, model.discriminator_optimizer)]
    assert rates == pytest.approx([1e-3, 2e-3])
    assert {one.beta_1 for one in (model.generator_optimizer, model.discriminator_optimizer)} == {0.5}


def test_settings_of_two_numbers_move_over_the_training():
    pairs = {"r1": [2.0, 0.2], "averaging": (0.5, 0.9), "generator_lr": [2e-3, 1e-4], "beta_2": [0.9, 0.99]}
    settings = presets.resolve("fast", pairs)
    model = presets.build(settings, steps=10)
    generator, discriminator = model.generator_optimizer, model.discriminator_optimizer
    schedules = {"r1": model.regularizers[0].weight, "averaging": model.averaging}
    for name, schedule in schedules.items():
        assert (schedule.start, schedule.end, schedule.steps) == (*pairs[name], 10)
    for optimizer, rate in ((generator, 2e-3), (discriminator, 2e-3)):
        assert [float(optimizer.learning_rate), float(optimizer.beta_2)] == pytest.approx([rate, 0.9])
        optimizer.iterations.assign(10)
    assert float(generator.learning_rate) == pytest.approx(1e-4) and float(generator.beta_2) == pytest.approx(0.99)
    assert float(discriminator.learning_rate) == pytest.approx(2e-3)
    # Five updates of the discriminator in each step.
    model = presets.build({**settings, "discriminator_steps": 5, "discriminator_lr": [2e-3, 1e-3]}, steps=10)
    assert model.regularizers[0].weight.steps == 50 and model.averaging.steps == 10
    model.discriminator_optimizer.iterations.assign(25)
    assert float(model.discriminator_optimizer.learning_rate) == pytest.approx(1.5e-3)
    assert float(model.discriminator_optimizer.beta_2) == pytest.approx(0.945)
    with pytest.raises(ValueError, match="r1 moves from 2 to 0.2 over the training: pass steps, its length"):
        presets.build(settings)


def test_augmentation_follows_a_target():
    settings = presets.resolve("fast", {"augmentation": ["flip"], "augmentation_target": 0.5})
    augmentation = presets.build(settings, steps=100).augmentation
    assert augmentation.names == ["flip"] and augmentation.target == 0.5
    assert augmentation.ramp == 100 * 64 / 4  # a quarter of the training
    assert presets.build(settings, steps=10**6).augmentation.ramp == 500_000
    with pytest.raises(ValueError, match="a preset with augmentation_target needs steps, the length of the training"):
        presets.build(settings)


def test_other_networks_have_the_usual_sizes_of_their_kind():
    settings = presets.resolve("fast", {"networks": "residual", "blocks": 2, "clusters": 0})
    assert settings["blocks"] == 2 and settings["group_size"] == 16 and settings["spectral_norm"] is None
    model = presets.build(settings, (16, 16, 3))
    blocks = [layer for layer in model.generator.layers if isinstance(layer, gan.layers.ResidualBlock)]
    assert [block.blocks for block in blocks] == [6] * 6
    assert presets.resolve("best", {"networks": "mlp"})["generator_widths"] == [256, 512, 1024]


def test_classes_take_the_place_of_clusters():
    assert presets.resolve("fast")["clusters"] == 50
    assert presets.resolve("fast", {"conditional": True})["clusters"] == 0


@pytest.mark.parametrize(
    ("preset", "changes", "sentence"),
    [
        ("slow", {}, "preset must be one of reference, fast"),
        ("fast", {"momentum": 1}, "unknown setting momentum; the settings are epochs"),
        ("fast", {"dropout": 0.5}, "dropout does not apply to networks 'conv', which take generator_width"),
        ("reference", {"spectral_norm": True}, "spectral_norm does not apply to networks 'mlp'"),
        ("reference", {"networks": "transformer"}, "networks must be one of mlp, conv, residual"),
        ("fast", {"blocks": 2}, "blocks does not apply to networks 'conv'"),
        (
            "fast",
            {"r1": [1.0, 2.0, 3.0]},
            r"r1 must be a finite number, or a list of two to move between, not \[1.0, 2.0, 3.0\]",
        ),
        (
            "fast",
            {"generator_lr": "high"},
            "generator_lr must be a finite number, or a list of two to move between, not 'high'",
        ),
        ("fast", {"r1": float("nan")}, "r1 must be a finite number, or a list of two to move between, not nan"),
        ("fast", {"clusters": -1}, "clusters must be a whole number of at least 0, not -1"),
        ("fast", {"batch_size": 0}, "batch_size must be a whole number of at least 1, not 0"),
        ("fast", {"epochs": 2.5}, "epochs must be a whole number of at least 1, not 2.5"),
        ("fast", {"averaging": [0.9, 1.5]}, r"averaging must lie in \[0, 1\), not \[0.9, 1.5\]"),
        ("fast", {"conditional": True, "clusters": 50}, "clusters stand in for classes"),
        ("fast", {"latent_dim": 1}, "latent_dim must be at least 2 with clusters, not 1; clusters 0 turns them off"),
        ("fast", {"augmentation_target": 0.6}, "augmentation_target needs augmentation, such as translation"),
        (
            "fast",
            {"augmentation": ["flip"], "augmentation_target": 1},
            r"augmentation_target must be a number in \[0, 1\), not 1",
        ),
        ("reference", {"loss": "hinge", "label_smoothing": 0.1}, "label_smoothing applies to the loss binary_cross"),
    ],
)
def test_invalid_combinations_of_settings_are_refused(preset, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        presets.resolve(preset, changes)


def test_changing_a_result_leaves_the_table_unchanged():
    presets.resolve("reference")["generator_widths"].append(3)
    assert presets.resolve("reference")["generator_widths"] == [256, 512, 1024]


def test_a_conditional_preset_needs_num_classes():
    with pytest.raises(ValueError, match="a conditional preset needs num_classes"):
        presets.build(presets.resolve("fast-conditional"))
