"""keras-tuner's oracles, with records that survive whatever happens to the process that writes them."""

import copy
import json
import time
from pathlib import Path

import keras_tuner
import numpy as np
from keras_tuner.engine.trial import Trial
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle

from gan.files import written_whole
from tuning import space as spaces
from tuning.layout import failure_file, records_file, records_folder

OBJECTIVE = keras_tuner.Objective("val_fid", "min")
HOPELESS_FAILURES = 3


class SweepOracle(keras_tuner.Oracle):
    """What all oracles of a sweep have in common; combine it with one of keras-tuner's.

    The first trial is the space's defaults. All that is known is in one file, `oracle.json`, which is written whole,
    and only then copied to each `trial.json`: a process that is killed loses nothing that it had answered.
    """

    def __init__(self, **kwargs):
        # keras-tuner would raise inside of `end_trial`, before it has recorded anything.
        super().__init__(objective=OBJECTIVE, max_consecutive_failed_trials=None, **kwargs)
        self.verbose = 0
        # Seconds of the sweep, and at how many of them each trial started and ended.
        self.seconds_before = 0.0
        self.loaded_at = time.monotonic()
        self.times = {}
        self._written = {}

    @property
    def seconds(self):
        """How long the sweep has been under way, without the time between its commands."""
        return self.seconds_before + time.monotonic() - self.loaded_at

    @property
    def is_hopeless(self):
        """Whether all of the first few trials have failed, so that the others would as well."""
        failures = [self.trials[trial_id].status == "FAILED" for trial_id in self.end_order]
        return len(failures) >= HOPELESS_FAILURES and all(failures)

    def populate_space(self, trial_id):
        if self.is_hopeless:
            return {"status": "STOPPED"}
        if not self.trials:
            return {"status": "RUNNING", "values": self.reference_values()}
        return self.draw(trial_id)

    def draw(self, trial_id):
        """What keras-tuner tries next."""
        return super().populate_space(trial_id)

    def reference_values(self):
        """The values of the first trial."""
        return dict(self.hyperparameters.values)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and self.ongoing_trials:
            # One of these may come back, from a worker that is lost.
            trial.status = "IDLE"
        if trial.status == "RUNNING":
            self.times[trial.trial_id] = [self.seconds, None]
            self.save()
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial):
        if trial.trial_id in self.end_order:
            return  # Told again, by a worker that did not hear the answer.
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        self.times[trial.trial_id][1] = self.seconds
        # What goes over the wire has no message.
        failure = failure_file(self._directory, trial.trial_id)
        trial.message = failure.read_text() if trial.status == "FAILED" and failure.exists() else None
        super().end_trial(trial)
        # keras-tuner saves before it takes the trial from the worker.
        self.save()

    @keras_tuner.synchronized
    def requeue(self, tuner_id):
        """Takes the trial of a worker that is lost away from it, for another one."""
        if tuner_id in self.ongoing_trials:
            self._retry_queue.append(self.ongoing_trials.pop(tuner_id).trial_id)
            self.tuner_ids.discard(tuner_id)
            self.save()

    def get_state(self):
        state = super().get_state()
        trials = {trial_id: trial.get_state() for trial_id, trial in self.trials.items()}
        return {**state, "trials": trials, "times": self.times, "seconds": self.seconds}

    def set_state(self, state):
        self.trials = {trial_id: Trial.from_state(trial) for trial_id, trial in state["trials"].items()}
        super().set_state(state)
        # Workers outlive a chief, and come back with what they were at.
        self.ongoing_trials = {
            tuner_id: trial for tuner_id, trial in self.ongoing_trials.items() if trial.status == "RUNNING"
        }
        self.times = state["times"]
        self.seconds_before = state["seconds"]
        self._written = {trial_id: _read_json(self._trial_file(trial_id)) for trial_id in self.trials}

    def save(self):
        # Trials change in place, and those of the file are to be told from those of the next.
        state = copy.deepcopy(self.get_state())
        with written_whole(self._get_oracle_fname()) as partial:
            partial.write_text(json.dumps(state))
        for trial_id, trial in state["trials"].items():
            if self._written.get(trial_id) != trial:
                with written_whole(self._trial_file(trial_id)) as partial:
                    partial.write_text(json.dumps(trial, indent=4))
                self._written[trial_id] = trial

    def _save_trial(self, trial):
        self.save()

    def _trial_file(self, trial_id):
        return Path(self._get_trial_dir(trial_id)) / "trial.json"

    def reload(self):
        self.set_state(_read_json(self._get_oracle_fname()))
        # What was killed between the two kinds of files.
        self.save()


class RandomOracle(SweepOracle, RandomSearchOracle):
    """Draws each trial at random."""


class BayesianOracle(SweepOracle, BayesianOptimizationOracle):
    """Fits a Gaussian process to the trials, and takes what it expects most of."""

    def draw(self, trial_id):
        # keras-tuner does not save this one: each trial gets its own, so that a sweep that goes on does not repeat it.
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        return super().draw(trial_id)


class BracketOracle(SweepOracle, HyperbandOracle):
    """Gives many trials few epochs, and the best of them more (Hyperband; Li et al. 2018, arXiv 1603.06560)."""

    def reference_values(self):
        # At full length and in no bracket: nothing is compared with it on the way.
        values = super().reference_values()
        return {**values, "tuner/epochs": self.max_epochs, "tuner/initial_epoch": 0}

    def draw(self, trial_id):
        # keras-tuner waits for trials that have failed to complete, and gives up a bracket for it.
        trials = self.trials
        self.trials = {name: _as_worst(trial) for name, trial in trials.items()}
        try:
            return super().draw(trial_id)
        finally:
            self.trials = trials

    def planned_epochs(self):
        """List of the epochs of each trial to come."""
        brackets = range(self._get_num_brackets())
        return [self.max_epochs] + self.hyperband_iterations * [
            self._get_epochs(bracket, number) - (self._get_epochs(bracket, number - 1) if number else 0)
            for bracket in brackets
            for number in range(self._get_num_rounds(bracket))
            for _ in range(self._get_size(bracket, number))
        ]


def _read_json(file):
    file = Path(file)
    return json.loads(file.read_text()) if file.exists() else None


def _as_worst(trial):
    if trial.status != "FAILED":
        return trial
    worst = copy.copy(trial)
    worst.status, worst.score = "COMPLETED", float("inf")
    return worst


def build_oracle(settings):
    """Makes the oracle of a sweep.

    Args:
        settings: Dict of the sweep: `tuner`, `space`, `seed`, `epochs`, `trials` and `iterations`.

    Returns:
        A `SweepOracle`.
    """
    hyperparameters = keras_tuner.HyperParameters()
    spaces.choose(hyperparameters, settings["space"])
    # keras-tuner takes 0 for no seed.
    common = {"hyperparameters": hyperparameters, "allow_new_entries": False, "seed": settings["seed"] + 1}
    if settings["tuner"] == "random":
        return RandomOracle(max_trials=settings["trials"], **common)
    if settings["tuner"] == "bayesian":
        # Its default would be random for longer than most sweeps are.
        few = max(3, settings["trials"] // 4)
        return BayesianOracle(max_trials=settings["trials"], num_initial_points=few, **common)
    return BracketOracle(max_epochs=settings["epochs"], hyperband_iterations=settings["iterations"], **common)


def open_oracle(output, settings):
    """The oracle of a sweep, with all that its folder knows already.

    Args:
        output: Folder of the sweep.
        settings: As in `build_oracle`.

    Returns:
        A `SweepOracle`.
    """
    oracle = build_oracle(settings)
    oracle._set_project_dir(output, records_folder(output).name)
    if records_file(output).exists():
        oracle.reload()
    return oracle
