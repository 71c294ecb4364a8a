"""The chief of a sweep: assigns trials to workers over the protocol of keras-tuner and keeps the records."""

import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute.oracle_chief import OracleServicer

from tuning import oracles
from tuning.layout import heartbeat_file, read_settings

GOODBYE_SECONDS = 10
LOST_SECONDS = 60
POLL_SECONDS = 0.2


class _Servicer(OracleServicer):
    """The servicer of keras-tuner. It also keeps an error of the oracle, so that the chief can stop."""

    error = None

    def CreateTrial(self, request, context):
        return self._answer(super().CreateTrial, request, context)

    def UpdateTrial(self, request, context):
        return self._answer(super().UpdateTrial, request, context)

    def EndTrial(self, request, context):
        return self._answer(super().EndTrial, request, context)

    def _answer(self, method, request, context):
        try:
            return method(request, context)
        except Exception as error:
            self.error = error
            raise


def serve(output, address):
    """Runs the chief until all trials have ended and every worker has been told.

    An error of the oracle ends the process, because its state in memory may be invalid. The records on disk are valid.

    Args:
        output: Folder of the sweep.
        address: Tuple `(host, port)` to listen on.

    Raises:
        RuntimeError: The port is in use.
    """
    oracle = oracles.open_oracle(output, read_settings(output))
    # One thread, because the locks of keras-tuner stay locked after an error.
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=[("grpc.so_reuseport", 0)])
    servicer = _Servicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    server.add_insecure_port("{}:{}".format(*address))
    server.start()
    silence = _Silence(output)
    stop_at = None
    while stop_at is None or (oracle.tuner_ids and time.monotonic() < stop_at):
        time.sleep(POLL_SECONDS)
        if servicer.error:
            raise servicer.error
        for tuner_id, trial in list(oracle.ongoing_trials.items()):
            if silence.is_too_long(tuner_id, trial.trial_id):
                oracle.requeue(tuner_id)
        if servicer.stop_triggered and stop_at is None:
            stop_at = time.monotonic() + GOODBYE_SECONDS
    server.stop(grace=1).wait()


class _Silence:
    """Measures how long each worker has been silent, by the local clock: clocks of other machines may differ."""

    def __init__(self, output):
        self.output = output
        self.heard = {}

    def is_too_long(self, tuner_id, trial_id):
        try:
            beat = heartbeat_file(self.output, tuner_id).stat().st_mtime_ns
        except FileNotFoundError:  # The worker has not started the trial yet.
            beat = None
        now = time.monotonic()
        last_beat, since = self.heard.get((tuner_id, trial_id), (None, now))
        if beat != last_beat:
            since = now
        self.heard[tuner_id, trial_id] = (beat, since)
        return now - since > LOST_SECONDS
