import shutil
import threading

import keras
import numpy as np
import pytest

import gan
from gan.explorer import views
from gan.explorer.folder import RunFolder
from gan.explorer.models import Models
from gan.explorer.points import draw


def test_checkpoints_are_shown_on_the_same_latents(classes_run):
    models, found = Models(classes_run), RunFolder(classes_run).find_checkpoints()
    assert list(found) == ["model.keras", "epoch 1", "epoch 2"]
    assert models.refresh()
    with models.newest() as model:
        points = draw(model, 4, seed=0)
        newest = views.show(model, points)
    first = gan.load_model(found["epoch 1"])
    for _ in range(2):
        np.testing.assert_array_equal(models.show(found["epoch 1"], points), views.show(first, points))
        np.testing.assert_array_equal(models.show(found["epoch 2"], points), newest)
    with models.newest() as model:
        np.testing.assert_array_equal(views.show(model, points), newest)


def test_what_is_no_model_of_this_run_is_a_sentence(classes_run, clusters_run, tmp_path):
    models = Models(classes_run)
    models.refresh()
    points = draw(models.model, 1, seed=0)
    with pytest.raises(ValueError, match="holds another network than"):
        models.show(clusters_run / "model.keras", points)
    damaged = tmp_path / "damaged.keras"
    damaged.write_bytes((classes_run / "model.keras").read_bytes()[:-50])
    with pytest.raises(ValueError, match="damaged"):
        models.show(damaged, points)
    with pytest.raises(ValueError, match="gone.keras cannot be read"):
        models.show(tmp_path / "gone.keras", points)
    keras.Sequential([keras.Input((2,))]).save(tmp_path / "foreign.keras")
    with pytest.raises(ValueError, match="must hold a gan.GAN"):
        Models(tmp_path / "foreign.keras").refresh()


def test_a_run_without_a_model_gets_one_later(classes_run, tmp_path):
    models = Models(tmp_path)
    assert not models.refresh()
    with pytest.raises(ValueError, match="this run has no model yet"), models.newest():
        pass
    shutil.copy(classes_run / "checkpoints/epoch_0001.keras", tmp_path / "model.keras")
    assert models.refresh()
    one = draw(models.model, 1, seed=0)
    before = views.show(models.model, one)
    shutil.copy(classes_run / "checkpoints/epoch_0002.keras", tmp_path / "model.keras")
    assert models.refresh()
    assert (views.show(models.model, one) != before).any()


def test_many_visitors_at_once_get_their_own_images(classes_run):
    models, shown = Models(classes_run), {}
    models.refresh()

    def visit(seed):
        for _ in range(5):
            with models.newest() as model:
                shown[seed] = views.show(model, draw(model, 3, seed))

    visitors = [threading.Thread(target=visit, args=(seed,)) for seed in range(10)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    for seed in range(10):
        np.testing.assert_array_equal(shown[seed], views.show(models.model, draw(models.model, 3, seed)))
