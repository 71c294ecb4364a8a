import json
import socket
import threading
import time

import pytest
from keras_tuner.src.distribute.oracle_client import OracleClient

from tuning import chief
from tuning.layout import heartbeat_file, read_records, settings_file
from tuning.space import complete

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:keras_tuner")


@pytest.fixture
def serve(tmp_path, small_settings, monkeypatch):
    """Starts a chief in a thread. Returns a function that creates a client, and the thread."""
    settings = {**small_settings, "trials": 2, "space": complete(small_settings["space"])}
    settings_file(tmp_path).write_text(json.dumps(settings))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
    thread = threading.Thread(target=chief.serve, args=(tmp_path, address), daemon=True)
    thread.start()

    def connect(tuner_id):
        monkeypatch.setenv("KERASTUNER_ORACLE_IP", address[0])
        monkeypatch.setenv("KERASTUNER_ORACLE_PORT", str(address[1]))
        monkeypatch.setenv("KERASTUNER_TUNER_ID", tuner_id)
        return OracleClient(None)

    yield connect, thread


def complete_trial(client, trial):
    client.update_trial(trial.trial_id, {"val_fid": 1.0})
    trial.status = "COMPLETED"
    client.end_trial(trial)


def test_a_silent_worker_loses_its_trial_and_a_live_one_keeps_it(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(chief, "LOST_SECONDS", 1.5)
    connect, thread = serve
    silent, live = connect("silent"), connect("live")
    lost, kept = silent.create_trial("silent"), live.create_trial("live")
    heartbeat_file(tmp_path, "live").parent.mkdir()
    for _ in range(12):
        heartbeat_file(tmp_path, "live").write_text(kept.trial_id)
        time.sleep(0.2)
    other = connect("other")
    assert other.create_trial("other").trial_id == lost.trial_id
    assert read_records(tmp_path)["ongoing_trials"] == {"live": kept.trial_id, "other": lost.trial_id}
    complete_trial(live, kept)
    complete_trial(other, lost)
    # The chief ends as soon as all workers have been told.
    assert {client.create_trial(name).status for client, name in ((live, "live"), (other, "other"))} == {"STOPPED"}
    thread.join(5)
    assert not thread.is_alive()
