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
    """Starts a chief in a thread; gives a function that makes a client of it."""
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


def test_a_worker_that_is_silent_loses_its_trial_and_one_that_is_heard_does_not(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(chief, "LOST_SECONDS", 1.5)
    connect, thread = serve
    silent, heard = connect("silent"), connect("heard")
    lost, kept = silent.create_trial("silent"), heard.create_trial("heard")
    heartbeat_file(tmp_path, "heard").parent.mkdir()
    for _ in range(12):
        heartbeat_file(tmp_path, "heard").write_text(kept.trial_id)
        time.sleep(0.2)
    other = connect("other")
    assert other.create_trial("other").trial_id == lost.trial_id
    assert read_records(tmp_path)["ongoing_trials"] == {"heard": kept.trial_id, "other": lost.trial_id}
    complete_trial(heard, kept)
    complete_trial(other, lost)
    # It ends as soon as all that it knows of have been told.
    assert {client.create_trial(name).status for client, name in ((heard, "heard"), (other, "other"))} == {"STOPPED"}
    thread.join(5)
    assert not thread.is_alive()
