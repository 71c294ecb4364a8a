import keras_tuner
import pytest
from conftest import assert_same_state
from keras_tuner.engine.trial import Trial
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer

import gan
from tuning import worker
from tuning.layout import best_epoch, failure_file, read_history, run_folder, trial_folder
from tuning.prepare import prepare


@pytest.fixture
def run(tmp_path, small_settings):
    settings, _, _ = prepare(small_settings, tmp_path)

    def run(trial_id, **values):
        hp = keras_tuner.HyperParameters()
        hp.values = {name.replace("__", "/"): value for name, value in values.items()}
        worker.run_trial(tmp_path, settings, Trial(hp, trial_id))
        return run_folder(tmp_path, trial_id)

    return run


def test_a_promoted_trial_equals_an_uninterrupted_one(run, tmp_path):
    whole = run("0", tuner__epochs=3, tuner__initial_epoch=0)
    run("1", tuner__epochs=1, tuner__initial_epoch=0)
    promoted = run("2", tuner__epochs=3, tuner__initial_epoch=1, tuner__trial_id="1")
    (model, epoch), (other, other_epoch) = (gan.Checkpoint.load(folder / "model.keras") for folder in (whole, promoted))
    assert epoch == other_epoch == 3
    assert_same_state(model, other)
    histories = [read_history(tmp_path, trial_id) for trial_id in ("0", "2")]
    assert [row["g_loss"] for row in histories[0]] == [row["g_loss"] for row in histories[1]]
    # The best epoch may belong to the earlier round.
    assert [row["epoch"] for row in histories[1] if "val_fid" in row] == [1, 3]
    assert best_epoch(histories[1])["val_fid"] == min(row["val_fid"] for row in histories[1] if "val_fid" in row)


def test_a_trial_keeps_its_best_model_and_logs_its_hyperparameters_to_tensorboard(run, tmp_path, digits_file):
    folder = run("0", dropout=0.1)
    test = gan.datasets.load(str(digits_file), split="test")
    fid = gan.load_model(folder / "best.keras").evaluate(test, verbose=0, return_dict=True)["fid"]
    assert fid == pytest.approx(best_epoch(read_history(tmp_path, "0"))["val_fid"], rel=1e-6)
    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    assert multiplexer.PluginRunToTagToContent("hparams")


def test_a_trial_that_continues_a_failed_one_fails(run, tmp_path):
    trial_folder(tmp_path, "0").mkdir(parents=True)
    failure_file(tmp_path, "0").write_text("training has diverged.")
    with pytest.raises(RuntimeError, match="trial 0, which this trial continues, has failed"):
        run("1", tuner__epochs=3, tuner__initial_epoch=1, tuner__trial_id="0")
