"""A worker of a sweep: gets a trial from the chief, runs it, reports the result, and ends."""

import errno
import os
import shutil
import sys
import time
import traceback

import grpc
import keras
from keras_tuner.src.distribute import oracle_client
from keras_tuner.src.engine.tuner_utils import convert_hyperparams_to_hparams
from tensorboard.plugins.hparams import api as hparams_api

import gan
from gan.files import written_whole
from gan.runs import find_extractor
from tuning import processes
from tuning import space as spaces
from tuning.layout import (
    best_epoch,
    deaths_file,
    failure_file,
    heartbeat_file,
    read_history,
    read_settings,
    run_folder,
)
from tuning.prepare import build_hypermodel, open_images

MAX_DEATHS = 2
IDLE_SECONDS = 1
# keras-tuner waits an hour for an answer of the chief. Fitting a Gaussian process takes a minute.
oracle_client.TIMEOUT = 300


def work(output, chief, tuner_id):
    """Runs one trial. Exits the process if there are no more trials, the disk is full, or the chief does not answer.

    Args:
        output: Folder of the sweep.
        chief: Tuple `(host, port)` of the chief.
        tuner_id: String. Name of the worker. A worker with the name of one that has died gets its trial.
    """
    host, port = chief
    os.environ.update(KERASTUNER_ORACLE_IP=host, KERASTUNER_ORACLE_PORT=str(port), KERASTUNER_TUNER_ID=tuner_id)
    client = oracle_client.OracleClient(None)
    while (trial := _ask(client.create_trial, tuner_id)).status == "IDLE":
        time.sleep(IDLE_SECONDS)
    if trial.status == "STOPPED":
        sys.exit(processes.NO_MORE_TRIALS)
    heartbeat = heartbeat_file(output, tuner_id)
    with written_whole(heartbeat) as partial:
        partial.write_text(trial.trial_id)
    try:
        failure_file(output, trial.trial_id).unlink(missing_ok=True)
        _fail_if_deadly(output, trial.trial_id)
        run_trial(output, read_settings(output), trial)
        best = best_epoch(read_history(output, trial.trial_id))
        trial.status = "COMPLETED"
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC:
            sys.exit(processes.DISK_FULL)
        traceback.print_exc()
        with written_whole(failure_file(output, trial.trial_id)) as partial:
            partial.write_text(f"{type(error).__name__}: {error}".splitlines()[0])
        trial.status = "FAILED"
    if trial.status == "COMPLETED":
        metrics = {name: value for name, value in best.items() if name.startswith("val_")}
        _ask(client.update_trial, trial.trial_id, metrics, step=int(best["epoch"]))
    _ask(client.end_trial, trial)
    heartbeat.unlink()


def _ask(call, *arguments, **named):
    """Calls the chief, and repeats the call while the chief is being restarted."""
    while True:
        try:
            return call(*arguments, **named)
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED:
                sys.exit(processes.NO_CHIEF)
            time.sleep(IDLE_SECONDS)


def _fail_if_deadly(output, trial_id):
    file = deaths_file(output, trial_id)
    deaths = file.read_text().splitlines() if file.exists() else []
    if len(deaths) >= MAX_DEATHS:
        raise RuntimeError(f"{len(deaths)} processes died while running the trial ({', then '.join(deaths)}).")


def run_trial(output, settings, trial):
    """Trains the model of a trial from the beginning or, after a promotion, from where the earlier trial ended.

    Args:
        output: Folder of the sweep.
        settings: Dict of settings, as `read_settings` returns it.
        trial: A `keras_tuner.engine.trial.Trial`.

    Raises:
        FloatingPointError: The training has diverged.
        RuntimeError: The trial that it continues has failed.
    """
    hp = trial.hyperparameters
    folder = run_folder(output, trial.trial_id)
    shutil.rmtree(folder, ignore_errors=True)
    extractor = gan.metrics.load_extractor(find_extractor(settings["extractor"], output))
    images = open_images(settings)
    epochs = hp.values.get("tuner/epochs", settings["epochs"])
    hypermodel = build_hypermodel(settings, images, extractor)
    batch_size = spaces.choose(hp, hypermodel.space)["batch_size"]
    train, test = (
        gan.datasets.load(
            images,
            batch_size,
            seed=settings["seed"],
            split=split,
            labels=hypermodel.num_classes is not None,
            flip=settings["flip"],
        )
        for split in ("train", "test")
    )
    checkpoint = folder / "model.keras"
    promoted_from = hp.values.get("tuner/trial_id")
    if promoted_from is None:
        model, initial_epoch = hypermodel.build(hp), 0
    else:
        if failure_file(output, promoted_from).exists():
            raise RuntimeError(f"trial {promoted_from}, which this trial continues, has failed.")
        shutil.copytree(run_folder(output, promoted_from), folder)
        model, initial_epoch = gan.Checkpoint.load(checkpoint)
    board = folder / "tensorboard"
    hypermodel.fit(
        hp,
        model,
        train,
        validation_data=test,
        validation_freq=sorted({*range(settings["validate_every"], epochs, settings["validate_every"]), epochs}),
        epochs=epochs,
        initial_epoch=initial_epoch,
        verbose=0,
        callbacks=[
            gan.CSVHistory(folder / "history.csv"),
            keras.callbacks.TensorBoard(board, write_graph=False),
            hparams_api.KerasCallback(
                str(board), convert_hyperparams_to_hparams(hp, hparams_api), trial_id=trial.trial_id
            ),
            gan.Checkpoint(checkpoint, monitor="val_fid"),
        ],
    )
    if "tuner/epochs" not in hp.values:
        # The checkpoint is only needed if the trial can be promoted.
        checkpoint.unlink()
