import json
import os

import keras_tuner
import pytest

from tuning import oracles, space
from tuning.layout import failure_file, read_records, records_folder, trial_folder

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner"),
]
TUNERS = ("random", "bayesian", "hyperband")
# Few dimensions keep the Gaussian process fast.
SMALL_SPACE = space.complete(
    {
        "latent_dim": 100,
        "batch_size": 256,
        "generator_widths": {"layers": [1, 2], "values": [8, 16], "default": [8]},
        "discriminator_widths": [8],
        "discriminator_lr": 1e-4,
        "beta_1": 0.9,
    }
)


def settings_of(tuner, seed=0, trials=8, epochs=9, space=SMALL_SPACE):
    count = {"trials": None, "iterations": 1} if tuner == "hyperband" else {"trials": trials, "iterations": None}
    return {"tuner": tuner, "space": space, "seed": seed, "epochs": epochs, **count}


def fid_of(trial):
    """Returns a score that depends only on the hyperparameters."""
    return trial.hyperparameters.values["generator_lr"] * 1e4 + trial.hyperparameters.values["dropout"]


def answer(oracle, trial, status="COMPLETED"):
    if status == "COMPLETED":
        oracle.update_trial(trial.trial_id, {"val_fid": fid_of(trial)}, step=1)
    trial.status = status
    oracle.end_trial(trial)


def drive(oracle):
    """Runs all trials as one worker does. Returns their ids and values in order."""
    ran = []
    while (trial := oracle.create_trial("worker")).status == "RUNNING":
        ran.append((trial.trial_id, dict(trial.hyperparameters.values)))
        answer(oracle, trial)
    assert trial.status == "STOPPED"
    return ran


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_first_trial_is_the_reference_at_full_length(tmp_path, tuner):
    trial = oracles.open_oracle(tmp_path, settings_of(tuner, space=space.complete())).create_trial("worker")
    values = dict(trial.hyperparameters.values)
    assert values.pop("tuner/epochs", 9) == 9 and values.pop("tuner/initial_epoch", 0) == 0
    assert values == {
        "latent_dim": 100,
        "batch_size": 256,
        "generator_layers": 3,
        "generator_width_1": 256,
        "generator_width_2": 512,
        "generator_width_3": 1024,
        "discriminator_layers": 2,
        "discriminator_width_1": 512,
        "discriminator_width_2": 256,
        "dropout": 0.3,
        "generator_lr": 1e-4,
        "discriminator_lr": 1e-4,
        "beta_1": 0.9,
    }


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_same_seed_repeats_the_trials_and_another_seed_does_not(tmp_path, tuner):
    runs = [
        drive(oracles.open_oracle(tmp_path / str(index), settings_of(tuner, seed, trials=5)))
        for index, seed in enumerate((0, 0, 1))
    ]
    assert runs[0] == runs[1]
    assert runs[0][0] == runs[2][0] and runs[0][1:] != runs[2][1:]
    assert len(dict(runs[0])) == len(runs[0])


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_chief_killed_at_every_write_loses_and_repeats_no_trial(tmp_path, monkeypatch, tuner):
    uninterrupted = drive(oracles.open_oracle(tmp_path / "whole", settings_of(tuner, trials=5, epochs=3)))

    class Killed(Exception):
        pass

    replace = os.replace
    writes_left = kills = 0

    def replace_or_die(source, target):
        nonlocal writes_left, kills
        if writes_left == 0:
            kills += 1
            raise Killed
        writes_left -= 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_or_die)

    def insist(call):
        """Repeats a call to restarted chiefs, each of which survives one write more than the one before."""
        nonlocal writes_left
        for writes in range(100):
            writes_left = writes
            try:
                return call(oracles.open_oracle(tmp_path / "killed", settings_of(tuner, trials=5, epochs=3)))
            except Killed:
                pass

    ran = []
    while (trial := insist(lambda oracle: oracle.create_trial("worker"))).status == "RUNNING":
        ran.append((trial.trial_id, dict(trial.hyperparameters.values)))
        insist(lambda oracle, trial=trial: answer(oracle, trial))
    assert kills > 20
    assert ran == uninterrupted
    records = read_records(tmp_path / "killed")
    assert records["end_order"] == [trial_id for trial_id, _ in uninterrupted]
    assert not records["ongoing_trials"]


@pytest.mark.parametrize("tuner", TUNERS)
def test_keras_tuner_itself_reads_the_records(tmp_path, tuner):
    drive(oracles.open_oracle(tmp_path, settings_of(tuner, trials=5)))
    plain = {
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
        "hyperband": keras_tuner.oracles.HyperbandOracle,
    }[tuner](objective=oracles.OBJECTIVE)
    plain._set_project_dir(tmp_path, records_folder(tmp_path).name)
    plain.reload()
    assert plain.get_best_trials()[0].score == min(fid_of(trial) for trial in plain.trials.values())
    assert not plain._retry_queue
    for trial_id, trial in read_records(tmp_path)["trials"].items():
        assert json.loads((trial_folder(tmp_path, trial_id) / "trial.json").read_text()) == trial


def test_a_returning_worker_gets_its_trial_even_from_a_new_chief(tmp_path):
    oracle = oracles.open_oracle(tmp_path, settings_of("random"))
    first, second = oracle.create_trial("a"), oracle.create_trial("b")
    assert oracle.create_trial("a").trial_id == first.trial_id
    oracle = oracles.open_oracle(tmp_path, settings_of("random"))
    assert oracle.create_trial("b").trial_id == second.trial_id
    assert oracle.create_trial("a").trial_id == first.trial_id
    assert oracle.create_trial("c").trial_id not in (first.trial_id, second.trial_id)


def test_the_trial_of_a_lost_worker_goes_to_another_worker_and_counts_once(tmp_path):
    oracle = oracles.open_oracle(tmp_path, settings_of("random", trials=1))
    trial = oracle.create_trial("lost")
    # The running trial may still need another worker.
    assert oracle.create_trial("other").status == "IDLE"
    oracle.requeue("lost")
    again = oracles.open_oracle(tmp_path, settings_of("random", trials=1))
    assert again.create_trial("other").trial_id == trial.trial_id
    answer(again, trial)
    score = again.trials[trial.trial_id].score
    trial.status = "FAILED"
    again.end_trial(trial)  # The lost worker was only late.
    assert again.trials[trial.trial_id].status == "COMPLETED" and again.trials[trial.trial_id].score == score
    assert again.end_order == [trial.trial_id]
    assert again.create_trial("other").status == "STOPPED"


def test_a_late_result_of_a_requeued_trial_is_accepted(tmp_path):
    oracle = oracles.open_oracle(tmp_path, settings_of("random", trials=1))
    trial = oracle.create_trial("late")
    oracle.requeue("late")
    answer(oracle, trial)
    assert oracle.create_trial("other").status == "STOPPED"


def test_failed_trials_have_a_reason_and_do_not_stop_a_sweep(tmp_path):
    oracle = oracles.open_oracle(tmp_path, settings_of("random"))
    statuses = ["COMPLETED", *7 * ["FAILED"]]
    for status in statuses:
        trial = oracle.create_trial("worker")
        failure_file(tmp_path, trial.trial_id).write_text(f"trial {trial.trial_id} failed.")
        answer(oracle, trial, status)
    assert oracle.create_trial("worker").status == "STOPPED"
    trials = read_records(tmp_path)["trials"]
    assert [trial["status"] for trial in trials.values()] == statuses
    assert [trial["message"] for trial in trials.values()] == [None, *(f"trial {n} failed." for n in range(1, 8))]


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_sweep_whose_first_trials_all_fail_stops(tmp_path, tuner):
    oracle = oracles.open_oracle(tmp_path, settings_of(tuner))
    for _ in range(3):
        trial = oracle.create_trial("worker")
        assert trial.status == "RUNNING"
        answer(oracle, trial, "FAILED")
    assert oracle.create_trial("worker").status == "STOPPED"


def test_hyperband_promotes_the_best_trials_despite_failures(tmp_path):
    oracle = oracles.open_oracle(tmp_path, settings_of("hyperband"))
    ran, epochs = {}, []
    while (trial := oracle.create_trial("worker")).status == "RUNNING":
        values = trial.hyperparameters.values
        ran[trial.trial_id] = values
        epochs.append(values["tuner/epochs"] - values["tuner/initial_epoch"])
        answer(oracle, trial, "FAILED" if len(ran) % 2 == 0 else "COMPLETED")
    assert sorted(epochs) == sorted(oracle.planned_epochs())
    promoted = [values for values in ran.values() if "tuner/trial_id" in values]
    assert promoted
    for values in promoted:
        earlier = ran[values["tuner/trial_id"]]
        assert values["tuner/initial_epoch"] == earlier["tuner/epochs"]
        same = [{key: v for key, v in one.items() if not key.startswith("tuner/")} for one in (values, earlier)]
        assert same[0] == same[1]
    # The three best of the nine trials in the first round are promoted.
    first_round = [trial for trial in oracle.trials.values() if trial.hyperparameters.values.get("tuner/epochs") == 1]
    best = sorted((t for t in first_round if t.status == "COMPLETED"), key=lambda trial: trial.score)
    sources = {values["tuner/trial_id"] for values in promoted if values["tuner/initial_epoch"] == 1}
    assert sources <= {trial.trial_id for trial in best} and best[0].trial_id in sources


def test_bayesian_search_leaves_random_search_after_a_few_trials(tmp_path):
    drawn, chosen = (
        drive(oracles.open_oracle(tmp_path / tuner, settings_of(tuner, trials=4))) for tuner in ("random", "bayesian")
    )
    assert drawn[:3] == chosen[:3] and drawn[3] != chosen[3]
