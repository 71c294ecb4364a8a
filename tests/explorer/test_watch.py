import json
import os
import shutil

import pytest

from gan.explorer.folder import RunFolder
from gan.explorer.progress import Watch
from gan.locks import is_locked, locked_folder


def write_run(folder, epochs, done, started=1000, seconds=10):
    """Writes the files of a run that started at a time, with an epoch every so many seconds."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"arguments": {"epochs": epochs}}))
    os.utime(folder / "config.json", (started, started))
    (folder / "history.csv").write_text("epoch,g_loss\n" + "".join(f"{epoch},1\n" for epoch in range(1, done + 1)))
    for epoch in range(1, done + 1):
        time = started + seconds * epoch
        for file in (folder / "history.csv", folder / f"images/image_at_epoch_{epoch:04d}.png"):
            file.touch()
            os.utime(file, (time, time))


def test_a_training_run_shows_its_newest_grid_and_the_time_left(tmp_path):
    write_run(tmp_path, epochs=20, done=8)
    with locked_folder(tmp_path):
        progress = Watch(tmp_path).look()
    assert progress.is_training and progress.sentence == "Training: 8 of 20 epochs are finished, 2 min 00 s left."
    assert progress.grid.name == "image_at_epoch_0008.png" and progress.curves is None


def test_time_left_counts_from_the_last_start(tmp_path):
    write_run(tmp_path, epochs=20, done=8)
    # Resumed after epoch 6, on a machine that is five times as slow.
    os.utime(tmp_path / "config.json", (5000, 5000))
    for epoch, time in ((7, 5050), (8, 5100)):
        os.utime(tmp_path / f"images/image_at_epoch_{epoch:04d}.png", (time, time))
    os.utime(tmp_path / "history.csv", (5100, 5100))
    with locked_folder(tmp_path):
        assert Watch(tmp_path).look().sentence.endswith("10 min 00 s left.")


def test_without_grids_time_left_is_known_after_an_epoch(tmp_path):
    write_run(tmp_path, epochs=20, done=8)
    shutil.rmtree(tmp_path / "images")
    watch = Watch(tmp_path)
    with locked_folder(tmp_path):
        assert watch.look().sentence == "Training: 8 of 20 epochs are finished."
        (tmp_path / "history.csv").write_text("epoch\n" + "".join(f"{epoch}\n" for epoch in range(1, 11)))
        os.utime(tmp_path / "history.csv", (1100, 1100))
        assert watch.look().sentence.endswith("1 min 40 s left.")


def test_a_run_that_does_not_train(tmp_path):
    write_run(tmp_path, epochs=8, done=8)
    assert Watch(tmp_path).look().sentence == "Finished: 8 of 8 epochs."
    write_run(tmp_path, epochs=20, done=8)
    assert "Stopped after 8 of 20 epochs. To continue: `python scripts/train.py" in Watch(tmp_path).look().sentence
    (tmp_path / "config.json").write_text("{")
    assert "is damaged" in Watch(tmp_path).look().sentence


def test_a_folder_must_hold_a_model_or_a_run(tmp_path):
    with pytest.raises(ValueError, match="holds no model"):
        RunFolder(tmp_path)
    with pytest.raises(ValueError, match="there is no model file or run folder"):
        RunFolder(tmp_path / "nothing")
    assert not is_locked(tmp_path)
    with locked_folder(tmp_path):
        assert is_locked(tmp_path)
        RunFolder(tmp_path)  # a run that has just started
    (tmp_path / "config.json").write_text('{"arguments": {}}')
    assert RunFolder(tmp_path).background == "white"
