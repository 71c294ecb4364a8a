"""The oracles of keras-tuner, with records that survive a crash of the process that writes them."""

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
    """Mixin for the oracles of keras-tuner, with the behavior that all oracles of a sweep share.

    The first trial uses the defaults of the space. The whole state is written atomically to one file, `oracle.json`,
    and then copied to the `trial.json` files. A process that is killed loses nothing that it had already answered.
    """

    def __init__(self, **kwargs):
        # With a limit, keras-tuner raises in `end_trial` before it has recorded the failure.
        super().__init__(objective=OBJECTIVE, max_consecutive_failed_trials=None, **kwargs)
        self.verbose = 0
        # Seconds since the sweep began, and the start and end of each trial on this clock.
        self.seconds_before = 0.0
        self.loaded_at = time.monotonic()
        self.times = {}
        self._written = {}

    @property
    def seconds(self):
        """The duration of the sweep in seconds, without interruptions."""
        return self.seconds_before + time.monotonic() - self.loaded_at

    @property
    def is_hopeless(self):
        """Whether the first few trials have all failed, so that the sweep is stopped."""
        failures = [self.trials[trial_id].status == "FAILED" for trial_id in self.end_order]
        return len(failures) >= HOPELESS_FAILURES and all(failures)

    def populate_space(self, trial_id):
        if self.is_hopeless:
            return {"status": "STOPPED"}
        if not self.trials:
            return {"status": "RUNNING", "values": self.reference_values()}
        return self.draw(trial_id)

    def draw(self, trial_id):
        """Returns the next trial of keras-tuner."""
        return super().populate_space(trial_id)

    def reference_values(self):
        """Returns the values of the first trial."""
        return dict(self.hyperparameters.values)

    @keras_tuner.synchronized
    def create_trial(self, tuner_id):
        trial = super().create_trial(tuner_id)
        if trial.status == "STOPPED" and self.ongoing_trials:
            # A running trial is given to another worker if its own is lost.
            trial.status = "IDLE"
        if trial.status == "RUNNING":
            self.times[trial.trial_id] = [self.seconds, None]
            self.save()
        return trial

    @keras_tuner.synchronized
    def end_trial(self, trial):
        if trial.trial_id in self.end_order:
            return  # A worker repeats its call if it did not receive the answer.
        if trial.trial_id in self._retry_queue:
            self._retry_queue.remove(trial.trial_id)
        self.times[trial.trial_id][1] = self.seconds
        # The protocol does not transmit the message.
        failure = failure_file(self._directory, trial.trial_id)
        trial.message = failure.read_text() if trial.status == "FAILED" and failure.exists() else None
        super().end_trial(trial)
        # keras-tuner saves before it removes the trial from the worker.
        self.save()

    @keras_tuner.synchronized
    def requeue(self, tuner_id):
        """Removes the trial from a lost worker, so that another worker gets it."""
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
        # Workers outlive the chief and report the trials that they were running.
        self.ongoing_trials = {
            tuner_id: trial for tuner_id, trial in self.ongoing_trials.items() if trial.status == "RUNNING"
        }
        self.times = state["times"]
        self.seconds_before = state["seconds"]
        self._written = {trial_id: _read_json(self._trial_file(trial_id)) for trial_id in self.trials}

    def save(self):
        # Trials are modified in place, so the comparison with the last state needs a copy.
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
        # Writes the `trial.json` files that are missing if the process was killed between the two kinds of files.
        self.save()


class RandomOracle(SweepOracle, RandomSearchOracle):
    """Random search: draws each trial independently."""


class BayesianOracle(SweepOracle, BayesianOptimizationOracle):
    """Bayesian optimization: fits a Gaussian process to the trials and chooses the most promising one."""

    def draw(self, trial_id):
        # keras-tuner does not save its random state. One state per trial keeps a resumed sweep from repeating draws.
        self._random_state = np.random.RandomState(self.seed + len(self.trials))
        return super().draw(trial_id)


class BracketOracle(SweepOracle, HyperbandOracle):
    """Hyperband: trains many trials for few epochs and the best of them for more (Li et al. 2018, arXiv 1603.06560)."""

    def reference_values(self):
        # The first trial has full length and belongs to no bracket.
        values = super().reference_values()
        return {**values, "tuner/epochs": self.max_epochs, "tuner/initial_epoch": 0}

    def draw(self, trial_id):
        # keras-tuner waits for failed trials to complete. Presented as the worst ones, they do not block a bracket.
        trials = self.trials
        self.trials = {name: _as_worst(trial) for name, trial in trials.items()}
        try:
            return super().draw(trial_id)
        finally:
            self.trials = trials

    def planned_epochs(self):
        """Returns a list with the number of epochs of each trial."""
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
    """Creates the oracle of a sweep.

    Args:
        settings: Dict with `tuner`, `space`, `seed`, `epochs`, `trials` and `iterations`.

    Returns:
        A `SweepOracle`.
    """
    hyperparameters = keras_tuner.HyperParameters()
    spaces.choose(hyperparameters, settings["space"])
    # keras-tuner treats the seed 0 as none.
    common = {"hyperparameters": hyperparameters, "allow_new_entries": False, "seed": settings["seed"] + 1}
    if settings["tuner"] == "random":
        return RandomOracle(max_trials=settings["trials"], **common)
    if settings["tuner"] == "bayesian":
        # The default number of random trials exceeds the length of most sweeps.
        few = max(3, settings["trials"] // 4)
        return BayesianOracle(max_trials=settings["trials"], num_initial_points=few, **common)
    return BracketOracle(max_epochs=settings["epochs"], hyperband_iterations=settings["iterations"], **common)


def open_oracle(output, settings):
    """Creates the oracle of a sweep and loads its records, if there are any.

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
