import numpy as np
import pytest

import gan
from gan.explorer import views
from gan.explorer.points import draw, read


def split(model, latents):
    return [np.asarray(part) for part in model.clusters.split(latents)]


def test_samples_are_what_generate_returns(classes_run, clusters_run):
    model = gan.load_model(clusters_run / "model.keras")
    points = draw(model, 6, seed=3, truncation=0.7)
    expected = gan.images.to_uint8(model.generate(6, seed=3, truncation=0.7))
    np.testing.assert_array_equal(views.show(model, points), expected)
    points = draw(model, 6, seed=3, kind=2)
    assert set(split(model, points.latents)[0]) == {2}
    np.testing.assert_allclose(split(model, points.latents)[1][:, 2:], model.draw_latents(6, 3)[:, 2:], atol=1e-6)

    model = gan.load_model(classes_run / "model.keras")
    expected = gan.images.to_uint8(model.generate(seed=3, labels=[1] * 6))
    np.testing.assert_array_equal(views.show(model, draw(model, 6, seed=3, kind=1)), expected)
    assert draw(model, 6, seed=3).labels.tolist() == [0, 1, 2, 0, 1, 2]
    with pytest.raises(ValueError, match="there is no class or cluster 3: this model has 3"):
        draw(model, 1, seed=0, kind=3)


def test_latents_of_another_length_are_a_sentence(classes_run, tmp_path):
    model = gan.load_model(classes_run / "model.keras")
    np.save(tmp_path / "good.npy", np.ones((2, 6)))
    np.save(tmp_path / "bad.npy", np.ones((2, 7)))
    assert len(read(model, tmp_path / "good.npy")) == 2
    with pytest.raises(ValueError, match=r"bad.npy: latents must have the shape \(count, 6\), not \(2, 7\)"):
        read(model, tmp_path / "bad.npy")


def test_mixing_starts_and_ends_at_the_classes(classes_run, clusters_run):
    model = gan.load_model(classes_run / "model.keras")
    point = draw(model, 1, seed=0)
    mixed = views.mix(model, point, 0, 2, [0, 0.5, 1])
    expected = gan.images.to_uint8(model.generate(latents=np.repeat(point.latents, 2, 0), labels=[0, 2]))
    assert np.abs(mixed[[0, 2]].astype(int) - expected).max() <= 1
    assert np.abs(mixed[1].astype(int) - mixed[0]).max() > 10

    model = gan.load_model(clusters_run / "model.keras")
    point = draw(model, 1, seed=0, kind=1)
    (mixed,) = views.mix(model, point, 1, 3, [0])
    assert np.abs(mixed.astype(int) - views.show(model, point)[0]).max() <= 1


def test_a_point_moves_along_the_directions(classes_run):
    model = gan.load_model(classes_run / "model.keras")
    directions = views.find_directions(model, 9)
    assert len(directions) == 6  # no more than latents are long
    point = draw(model, 1, seed=0)
    moved = views.move(model, point, directions, [1, 0, 0, 0, 0, -2])
    np.testing.assert_allclose(moved.latents - point.latents, [directions[0] - 2 * directions[5]], atol=1e-6)


def test_projection_finds_a_generated_image_and_reports_how_far_it_is(classes_run, tmp_path):
    model = gan.load_model(classes_run / "model.keras")
    point = draw(model, 1, seed=8, kind=1)
    gan.images.save_picture(tmp_path / "picture.png", views.show(model, point)[0])
    shares = []
    picture, found, distance = views.project(model, tmp_path / "picture.png", "white", shares.append)
    np.testing.assert_array_equal(picture, views.show(model, point)[0])
    assert distance < 0.1
    assert shares == sorted(shares) and shares[-1] == 1
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(ValueError, match="text.png cannot be read"):
        views.project(model, tmp_path / "text.png", "white", shares.append)
