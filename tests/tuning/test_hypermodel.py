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


def test_a_tuner_of_keras_tuner_searches_the_hypermodel(digits, tmp_path):
    tuner = keras_tuner.RandomSearch(
        GANHyperModel(space=SPACE), objective=OBJECTIVE, max_trials=2, seed=1, directory=tmp_path
    )
    tuner.search(digits, validation_data=digits, epochs=2, verbose=0)
    trials = tuner.oracle.get_best_trials(2)
    assert [trial.status for trial in trials] == ["COMPLETED", "COMPLETED"]
    assert 0 < trials[0].score < trials[1].score
    model = tuner.get_best_models()[0]
    assert model.evaluate(digits, verbose=0, return_dict=True)["fid"] == pytest.approx(trials[0].score, rel=1e-3)


def test_the_score_is_that_of_the_best_validated_epoch(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    model = hypermodel.build(hp)
    result = hypermodel.fit(hp, model, digits, validation_data=digits, validation_freq=2, epochs=6, verbose=0)
    fids = model.history.history["val_fid"]
    assert len(fids) == 3 and result["val_fid"] == min(fids)


def test_the_batch_size_of_the_trial_is_used(digits):
    dataset = gan.datasets.load("mnist5k", 3000)
    for x, expected in ((digits, 10), (dataset, 500), (dataset.map(lambda images: (images, images[:, 0, 0, 0])), 500)):
        hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
        hp.Fixed("batch_size", 10)
        model = hypermodel.build(hp)
        hypermodel.fit(hp, model, x, validation_data=digits, epochs=1, verbose=0)
        assert int(model.generator_optimizer.iterations) == expected


def test_a_dataset_of_this_library_follows_the_epoch(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    dataset = gan.datasets.load("mnist5k", 1000)
    options = {"validation_data": digits, "validation_freq": [2], "epochs": 2, "initial_epoch": 1, "verbose": 0}
    hypermodel.fit(hp, hypermodel.build(hp), dataset, **options)
    assert int(dataset.epoch) == 2


def test_a_trial_is_reproducible(digits):
    results = []
    for _ in range(2):
        hypermodel, hp = GANHyperModel(space=SPACE, seed=3), keras_tuner.HyperParameters()
        results.append(hypermodel.fit(hp, hypermodel.build(hp), digits, validation_data=digits, epochs=1, verbose=0))
    assert results[0] == results[1]


def test_executions_of_a_trial_differ_and_the_search_is_reproducible(digits, tmp_path):
    def search(name):
        scores = []

        class Recording(GANHyperModel):
            def fit(self, *args, **kwargs):
                scores.append(super().fit(*args, **kwargs)["val_fid"])
                return {"val_fid": scores[-1]}

        tuner = keras_tuner.RandomSearch(
            Recording(space=SPACE),
            objective=OBJECTIVE,
            max_trials=2,
            executions_per_trial=2,
            seed=1,
            directory=tmp_path,
            project_name=name,
        )
        tuner.search(digits, validation_data=digits, epochs=1, verbose=0)
        return scores

    scores = search("first")
    assert len(set(scores)) == 4
    assert search("second") == scores


def test_executions_of_a_trial_differ_in_weights_and_latents_but_not_in_the_latents_of_evaluation(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    first, same = hypermodel.build(hp), hypermodel.build(hp)
    hypermodel.fit(hp, same, digits, validation_data=digits, epochs=1, verbose=0)
    second = hypermodel.build(hp)
    np.testing.assert_array_equal(first.training_noise.state, hypermodel.build(hp.copy()).training_noise.state)
    assert not np.array_equal(first.training_noise.state, second.training_noise.state)
    assert not np.array_equal(first.generator.weights[0], second.generator.weights[0])
    assert first.seed == second.seed


def test_moving_settings_end_with_the_training():
    hypermodel = GANHyperModel(space={"batch_size": 20, "generator_width": 2}, preset="best", images_seen=1000)
    optimizer = hypermodel.build(keras_tuner.HyperParameters()).generator_optimizer
    assert float(optimizer.learning_rate) == pytest.approx(2e-3)
    optimizer.iterations.assign(50)
    assert float(optimizer.learning_rate) == pytest.approx(2e-4)
    with pytest.raises(ValueError, match="pass images_seen"):
        GANHyperModel(preset="best").build(keras_tuner.HyperParameters())


def test_the_reference_preset_is_the_default():
    model = GANHyperModel().build(keras_tuner.HyperParameters())
    reference = gan.GAN(gan.build_generator(), gan.build_discriminator())
    assert model.generator.count_params() == reference.generator.count_params()
    assert model.discriminator.count_params() == reference.discriminator.count_params()
    for optimizer in (model.generator_optimizer, model.discriminator_optimizer):
        assert np.isclose(float(optimizer.learning_rate), 1e-4) and optimizer.beta_1 == 0.9


def test_divergence_after_a_good_epoch_is_an_error(digits):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    model = hypermodel.build(hp)

    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                kernel = self.model.discriminator.weights[0]
                kernel.assign(np.full(kernel.shape, np.nan))

    with pytest.raises(FloatingPointError, match="diverged|NaN or infinity"):
        hypermodel.fit(hp, model, digits, [Spoil()], validation_data=digits, epochs=3, verbose=0)
    assert len(model.history.epoch) <= 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "needs validation_data"),
        ({"x": [1, 2], "validation_data": 1}, "a NumPy array or a tf.data.Dataset, not list"),
    ],
)
def test_unsuitable_data_is_refused(digits, arguments, sentence):
    hypermodel, hp = GANHyperModel(space=SPACE), keras_tuner.HyperParameters()
    with pytest.raises(ValueError, match=sentence):
        hypermodel.fit(hp, hypermodel.build(hp), **{"x": digits, **arguments})
