import hashlib

import numpy as np
import pytest

import gan
from gan import extraction
from gan.metrics import sanity, training

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), "uint8")
LABELS = np.repeat([0, 1], 30)


@pytest.fixture
def outcomes(monkeypatch):
    """The reasons of the next checks, and whether each network was trained with labels."""
    reasons, methods = [], []

    def spy(images, labels, epochs, seed, name, **kwargs):
        methods.append("none" if labels is None else "labels")
        return training.build_extractor(images.shape[1:], labels if labels is None else 2, name)

    monkeypatch.setattr(sanity, "LEAST_IMAGES", 60)
    monkeypatch.setattr("gan.metrics.train_extractor", spy)
    monkeypatch.setattr(training, "normalize", lambda network, images: network)
    monkeypatch.setattr(sanity, "check_extractor", lambda *args: sanity.Check([], 0.0, {}, reasons.pop(0)))
    return reasons, methods


def train(labels):
    return extraction.train(gan.datasets.open_source(images=IMAGES, labels=labels), "mine")


@pytest.mark.parametrize("labels", [None, np.zeros(60, int), np.arange(60), np.arange(60) // 41 * np.arange(60)])
def test_without_two_classes_there_are_no_labels_to_learn(outcomes, labels, capsys):
    outcomes[0].extend([[]])
    assert train(labels).name == "mine"
    assert outcomes[1] == ["none"] and "RotNet" in capsys.readouterr().out


def test_a_classifier_is_the_first_choice(outcomes, capsys):
    outcomes[0].extend([[]])
    assert len(train(LABELS).outputs) == 2
    assert outcomes[1] == ["labels"]
    assert "classification of the labels" in capsys.readouterr().out


def test_progress_and_time_left_are_shown(capsys):
    images = gan.images.to_float(IMAGES)
    training.train_extractor(images, LABELS, 4, verbose=0, callbacks=[extraction._progress()])
    printed = capsys.readouterr().out
    assert "100% trained" in printed and "0 s left" in printed


def test_a_classifier_that_fails_is_followed_by_training_without_labels(outcomes, capsys):
    outcomes[0].extend([["it is blind"], ["it is blind"], []])
    assert len(train(LABELS).outputs) == 1
    assert outcomes[1] == ["labels", "none", "none"] and "it is blind" in capsys.readouterr().out


def test_few_images_are_refused_before_minutes_of_training(monkeypatch):
    monkeypatch.setattr("gan.metrics.train_extractor", lambda *_, **__: pytest.fail("it is trained"))
    with pytest.raises(ValueError, match="60 images are too few to train and check an extractor, which takes at least"):
        train(LABELS)


def test_an_extractor_that_fails_is_refused(outcomes):
    outcomes[0].extend(3 * [["it is blind"]])
    with pytest.raises(ValueError, match="no extractor for these images passes the check: it is blind"):
        train(None)


def test_a_sample_is_trained_on_if_there_are_many_images(outcomes, monkeypatch, capsys):
    outcomes[0].extend([[]])
    monkeypatch.setattr(extraction, "MOST_BYTES", 40 * 64)
    train(LABELS)
    assert "trained on 40 images" in capsys.readouterr().out


def test_a_file_is_written_and_its_checksum_shown(outcomes, tmp_path, capsys):
    outcomes[0].extend([[]])
    file = tmp_path / "x.keras"
    extraction.write_extractor(gan.datasets.open_source(images=IMAGES, labels=LABELS), file, "mine", uses_labels=False)
    assert outcomes[1] == ["none"] and gan.metrics.load_extractor(str(file)).name == "mine"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in capsys.readouterr().out


def test_nothing_is_written_if_the_check_fails(outcomes, tmp_path):
    outcomes[0].extend(3 * [["it is blind"]])
    with pytest.raises(ValueError, match="it is blind"):
        extraction.write_extractor(gan.datasets.open_source(images=IMAGES), tmp_path / "x.keras", "mine")
    assert not list(tmp_path.iterdir())
