import keras
import keras_tuner
import numpy as np
import pytest

import gan
from tuning import GANHyperModel

OBJECTIVE = keras_tuner.Objective("val_fid", "min")
SPACE = {
    "latent_dim": 4,
    "batch_size": {"values": [10, 20], "default": 20},
    "generator_widths": {"layers": [1, 2], "values": [4, 8], "default": [8]},
    "discriminator_widths": [8],
}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")


@pytest.fixture
def digits():
    return gan.images.to_float(gan.datasets.read("mnist5k")[0][::50])


def test_a_plain_tuner_of_keras_tuner_searches_it(digits, tmp_path):
    tuner = keras_tuner.RandomSearch(
        GANHyperModel(space=SPACE), objective=OBJECTIVE, max_trials=2, seed=1, directory=tmp_path
    )
    tuner.search(digits, validation_data=digits, epochs=2, verbose=0)
    trials = tuner.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED", "COMPLETED"]
    assert 0 < trials[0].score < trials[1].score
    model = tuner.get_best_models()[0]
    assert model.evaluate(digits, verbose=0, return_dict=True)["fid"] == pytest.approx(trials[0].score, rel=1e-3)


def test_the_score_is_the_best_of_the_epochs_that_were_validated(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    result = hypermodel.fit(hp, model, digits, validation_data=digits, validation_freq=2, epochs=6, verbose=0)
    fids = model.history.history["val_fid"]
    assert len(fids) == 3 and result["val_fid"] == min(fids)


def test_the_batch_size_is_that_of_the_trial(digits):
    dataset = gan.datasets.load("mnist5k", 3000)
    for x, expected in ((digits, 10), (dataset, 500), (dataset.map(lambda images: (images, images[:, 0, 0, 0])), 500)):
        hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
        hp.Fixed("batch_size", 10)
        model = hypermodel.build(hp)
        hypermodel.fit(hp, model, x, validation_data=digits, epochs=1, verbose=0)
        assert int(model.generator_optimizer.iterations) == expected


def test_a_dataset_of_ours_keeps_to_the_pass_of_its_epoch(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    dataset = gan.datasets.load("mnist5k", 1000)
    options = {"validation_data": digits, "validation_freq": [2], "epochs": 2, "initial_epoch": 1, "verbose": 0}
    hypermodel.fit(hp, hypermodel.build(hp), dataset, **options)
    assert int(dataset.epoch) == 2


def test_a_trial_repeats(digits):
    results = []
    for _ in range(2):
        hypermodel, hp = GANHyperModel(space=SPACE, seed=3), keras_tuner.HyperParameters()
        results.append(hypermodel.fit(hp, hypermodel.build(hp), digits, validation_data=digits, epochs=1, verbose=0))
    assert results[0] == results[1]


def test_the_reference_job_is_the_default():
    model = GANHyperModel().build(keras_tuner.HyperParameters())
    reference = gan.GAN(gan.build_generator(), gan.build_discriminator())
    assert model.generator.count_params() == reference.generator.count_params()
    assert model.discriminator.count_params() == reference.discriminator.count_params()
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert np.isclose(float(optimizer.learning_rate), 1e-4) and optimizer.beta_1 == 0.9


def test_divergence_is_an_error_also_after_a_good_epoch(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    model = hypermodel.build(hp)

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kernel = self.model.discriminator.weights[0]
                kernel.assign(np.full(kernel.shape, np.nan))

    with pytest.raises(FloatingPointError, match="diverged|not all finite"):
        hypermodel.fit(hp, model, digits, [Spoil()], validation_data=digits, epochs=3, verbose=0)
    assert len(model.history.epoch) <= 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "needs validation_data"),
        ({"x": [1, 2], "validation_data": 1}, "an array or a tf.data.Dataset, not as a list"),
    ],
)
def test_data_that_will_not_do_is_refused(digits, arguments, sentence):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    with pytest.raises(ValueError, match=sentence):
        hypermodel.fit(hp, hypermodel.build(hp), **{"x": digits, **arguments})
