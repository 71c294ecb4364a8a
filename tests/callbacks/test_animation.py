import os
import types

import numpy as np
import pytest
from helpers import FailAt, MeasureEverySecondEpoch
from PIL import Image

import gan
from gan.callbacks import animation, redraw


def read_gif(path):
    """Frames as an array `(count, height, width)` and the milliseconds that each of them is shown."""
    frames, durations = [], []
    with Image.open(path) as gif:
        for index in range(gif.n_frames):
            gif.seek(index)
            frames.append(np.asarray(gif.convert("L")))
            durations.append(gif.info["duration"])
    return np.stack(frames), durations


def write_pictures(folder, epochs, pixels=20):
    """Pictures that light one pixel each, the next one in every next picture."""
    for index, epoch in enumerate(epochs):
        picture = np.zeros((pixels, pixels, 1), "uint8")
        picture.flat[index] = 255
        gan.images.save_picture(folder / f"image_at_epoch_{epoch:04d}.png", picture)


def lit_pixels(frames, pixels=20):
    return frames[:, :pixels, :pixels].reshape(len(frames), -1).argmax(1)


def test_animation_shows_each_picture_above_the_number_of_its_epoch(make_model, make_dataset, tmp_path):
    pictures = tmp_path / "images"
    callbacks = [gan.ImageGrid(pictures), gan.Animation(tmp_path / "training.gif", pictures)]
    make_model().fit(make_dataset(), epochs=3, verbose=0, callbacks=callbacks)
    frames, durations = read_gif(tmp_path / "training.gif")
    assert durations == [200, 200, 1500]
    shown = [gan.images.to_frame(gan.images.read_picture(path)) for path in sorted(pictures.iterdir())]
    height = len(shown[0])
    for frame, picture in zip(frames, shown, strict=True):
        assert np.abs(frame[:height].astype(int) - picture[..., 0]).max() <= 9  # 16 levels of gray
    captions = frames[:, height:]
    assert all((caption < 100).any() and caption[0].min() == 255 for caption in captions)
    assert (captions[0] != captions[1]).any() and (captions[1] != captions[2]).any()


def test_animation_of_a_long_run_takes_300_pictures_evenly(tmp_path):
    write_pictures(tmp_path, [*range(1, 400), 10_000])
    gan.Animation(tmp_path / "run.gif", tmp_path).on_train_end()
    shown = lit_pixels(read_gif(tmp_path / "run.gif")[0])
    assert len(shown) == 300
    assert shown[0] == 0 and shown[-1] == 399
    assert set(np.diff(shown)) == {1, 2}


def test_animation_is_written_after_each_validation(make_model, make_dataset, tmp_path):
    callbacks = [
        MeasureEverySecondEpoch({1: 5.0, 3: 4.0}),
        gan.ImageGrid(tmp_path / "images"),
        gan.Animation(tmp_path / "training.gif", tmp_path / "images"),
        FailAt(3, 2),
    ]
    with pytest.raises(InterruptedError):
        make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks)
    assert len(os.listdir(tmp_path / "images")) == 3
    assert len(read_gif(tmp_path / "training.gif")[0]) == 2


def test_animation_is_written_once_a_minute_without_validation(make_model, make_dataset, tmp_path, monkeypatch):
    seconds = iter(range(0, 1000, 25))
    monkeypatch.setattr(redraw, "time", types.SimpleNamespace(monotonic=lambda: next(seconds)))
    drawn = []

    class Recorder(redraw.Redraw):
        def draw(self, is_over):
            drawn.append((self.epoch, is_over))

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

    make_model().fit(make_dataset(), epochs=7, verbose=0, callbacks=[Recorder()])
    # 25 seconds pass at each look at the clock: before training, after an epoch, after a drawing.
    assert drawn == [(2, False), (5, False), (6, True)]


def test_animation_of_a_running_training_has_few_frames(tmp_path):
    write_pictures(tmp_path, range(1, 201))
    callback = gan.Animation(tmp_path / "run.gif", tmp_path)
    callback.on_train_begin()
    callback.on_epoch_end(199, {"val_fid": 1.0})
    shown = lit_pixels(read_gif(tmp_path / "run.gif")[0])
    assert len(shown) == animation.MAX_FRAMES_WHILE_RUNNING
    assert shown[0] == 0 and shown[-1] == 199
    callback.on_train_end()
    assert len(read_gif(tmp_path / "run.gif")[0]) == 200


def test_animation_accepts_pictures_of_several_sizes(tmp_path):
    write_pictures(tmp_path, [1], pixels=20)
    gan.images.save_picture(tmp_path / "image_at_epoch_0002.png", np.zeros((30, 24, 3), "uint8"))
    gan.Animation(tmp_path / "run.gif", tmp_path).on_train_end()
    assert len(read_gif(tmp_path / "run.gif")[0]) == 2


def test_animation_without_pictures_writes_nothing(make_model, make_dataset, tmp_path):
    make_model().fit(make_dataset(), verbose=0, callbacks=[gan.Animation(tmp_path / "run.gif", tmp_path)])
    assert not os.listdir(tmp_path)
