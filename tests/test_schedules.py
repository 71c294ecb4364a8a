"""Numbers that change over training."""

import keras
import numpy as np
import pytest
from conftest import JIT_COMPILE, outputs_of

import gan
from gan.schedules import Cosine

STEPS = 4


def test_a_cosine_moves_and_stays():
    schedule = Cosine(2.0, 1.0, steps=6)
    numbers = [float(schedule(step)) for step in (0, 2, 3, 4, 6, 9)]
    np.testing.assert_allclose(numbers, [2, 1.75, 1.5, 1.25, 1, 1], rtol=1e-6)


@pytest.mark.parametrize("steps", [0, 2.5])
def test_a_schedule_of_no_steps_is_refused(steps):
    with pytest.raises(ValueError, match=f"steps must be a positive integer, not {steps}"):
        Cosine(1.0, 0.0, steps)


@pytest.mark.parametrize("number", ["1", float("nan"), float("inf"), None])
def test_a_schedule_moves_between_finite_numbers(number):
    with pytest.raises(ValueError, match="start must be a finite number, not"):
        Cosine(number, 0.0, STEPS)
    with pytest.raises(ValueError, match="end must be a finite number, not"):
        Cosine(0.0, number, STEPS)


@pytest.mark.parametrize(
    ("make", "wrong", "sentence"),
    [
        (lambda wrong: gan.schedules.Adam(beta_2=wrong), 1.0, r"beta_2 must lie in \[0, 1\) .* not 1.0"),
        (lambda wrong: gan.schedules.Adam(beta_2=wrong), "0.9", r"beta_2 must lie in \[0, 1\) .* not '0.9'"),
        (lambda wrong: gan.schedules.Adam(beta_2=wrong), Cosine(0.9, 1.5, 3), r"beta_2 must lie .* not 0.9 to 1.5"),
        (gan.regularizers.R1, Cosine(1.0, -0.1, 3), "weight must be above 0 or a schedule .* not 1.0 to -0.1"),
        (gan.regularizers.R1, float("nan"), "weight must be above 0 or a schedule .* not nan"),
        (gan.regularizers.R1, float("inf"), "weight must be above 0 or a schedule .* not inf"),
    ],
)
def test_a_schedule_keeps_to_the_numbers_that_make_sense(make, wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        make(wrong)


def reference(start, end, step):
    return end + (start - end) * (1 + np.cos(np.pi * min(step / STEPS, 1))) / 2


def make(averaging, weight, rates, beta_2, **kwargs):
    networks = gan.build_generator(5, (8,), (6, 6, 1)), gan.build_discriminator((6, 6, 1), (8,), dropout=0)
    rng = np.random.default_rng(0)
    for network in networks:
        network.set_weights([rng.normal(size=value.shape) / 3 for value in network.get_weights()])
    model = gan.GAN(*networks, seed=0, averaging=averaging)
    optimizers = [gan.schedules.Adam(rate, 0.5, beta_2) for rate in rates]
    model.compile(*optimizers, regularizers=[gan.regularizers.R1(weight, interval=2)], **kwargs)
    return model


@pytest.mark.parametrize("jit_compile", JIT_COMPILE)
def test_scheduled_numbers_are_those_set_by_hand_before_each_step(images, jit_compile):
    ends = {"averaging": (0.1, 0.6), "weight": (2.0, 0.5), "rate": (0.02, 0.005), "beta_2": (0.8, 0.95)}
    schedules = {name: Cosine(*pair, STEPS) for name, pair in ends.items()}
    scheduled = make(
        schedules["averaging"],
        schedules["weight"],
        (schedules["rate"], schedules["rate"]),
        schedules["beta_2"],
        jit_compile=jit_compile,
    )
    by_hand = make(0.0, 1.0, (0.02, 0.02), 0.8, jit_compile=jit_compile)
    for step in range(STEPS + 2):
        numbers = {name: reference(*pair, step) for name, pair in ends.items()}
        # The average follows the weights after the update.
        by_hand.averaging = reference(*ends["averaging"], step + 1)
        by_hand.regularizers[0].weight = numbers["weight"]
        for optimizer in (by_hand.generator_optimizer, by_hand.discriminator_optimizer):
            optimizer.learning_rate, optimizer.beta_2 = numbers["rate"], numbers["beta_2"]
        by_hand.train_function = None  # a compiled one would keep the numbers that it has seen first
        for model in (scheduled, by_hand):
            model.train_on_batch(images)
    latents = np.random.default_rng(0).normal(size=(20, 5)).astype("float32")
    for name in ("average", "generator"):
        one, other = (outputs_of(getattr(model, name), latents) for model in (scheduled, by_hand))
        np.testing.assert_allclose(one, other, atol=1e-4)
    one, other = (outputs_of(model.discriminator, images) for model in (scheduled, by_hand))
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_adam_with_a_scheduled_beta_2_is_that_of_the_paper():
    gradients = np.random.default_rng(0).normal(size=(6, 3))
    variable = keras.Variable([1.0, 2.0, 3.0])
    optimizer = gan.schedules.Adam(0.1, 0.5, Cosine(0.8, 0.95, STEPS))
    expected, first, second = np.array([1.0, 2.0, 3.0]), 0, 0
    for step, gradient in enumerate(gradients):
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        beta_2 = reference(0.8, 0.95, step)
        first, second = first / 2 + gradient / 2, beta_2 * second + (1 - beta_2) * gradient**2
        corrected = first / (1 - 0.5 ** (step + 1)), second / (1 - beta_2 ** (step + 1))
        expected = expected - 0.1 * corrected[0] / np.sqrt(corrected[1])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(variable), expected, rtol=1e-4)


def test_a_schedule_where_none_is_taken_is_refused(make_model):
    model = make_model()
    with pytest.raises(
        ValueError, match="generator_optimizer cannot have a schedule as its beta_2. gan.schedules.Adam"
    ):
        model.compile(keras.optimizers.Adam(1e-3, 0.0, Cosine(0.9, 0.99, 3)), "adam")


def test_a_schedule_is_named_where_a_number_is_wrong(make_model):
    with pytest.raises(ValueError, match=r"averaging must lie in \[0, 1\) or be a schedule .gan.schedules. .* not 1.5"):
        make_model(averaging=1.5)
    with pytest.raises(ValueError, match=r"averaging must lie in .* not 0.9 to 1.0"):
        make_model(averaging=Cosine(0.9, 1.0, 3))
