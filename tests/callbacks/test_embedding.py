import keras
import numpy as np
import pytest
from conftest import small_extractor
from PIL import Image

import gan


def fit(make_model, images, **kwargs):
    model = make_model(num_classes=3, metrics=[gan.metrics.FrechetDistance(small_extractor())])
    labels = np.arange(len(images)) % 3
    model.fit(images, labels, epochs=1, batch_size=50, verbose=0, callbacks=[gan.Embedding(**kwargs)])
    return model


def test_the_projector_finds_features_classes_and_pictures(make_model, images, tmp_path):
    model = fit(make_model, images, log_dir=tmp_path, count=10, class_names=["a\tb", "c", "d"])
    from google.protobuf import text_format
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    config = text_format.Parse((tmp_path / "projector_config.pbtxt").read_text(), ProjectorConfig())
    (embedding,) = config.embeddings
    generated = model.generate(labels=np.arange(10) % 3, seed=0)
    features = np.loadtxt(tmp_path / embedding.tensor_path, delimiter="\t")
    expected = keras.ops.convert_to_numpy(small_extractor()(generated)[0])
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-5)
    assert (tmp_path / embedding.metadata_path).read_text().splitlines() == (["a b", "c", "d"] * 4)[:10]
    assert list(embedding.sprite.single_image_dim) == [6, 6]
    sprite = np.asarray(Image.open(tmp_path / embedding.sprite.image_path))
    assert sprite.shape[:2] == (4 * 6, 4 * 6)  # a square of at least ten images
    pixels = sprite if sprite.ndim == 2 else sprite[..., 0]
    np.testing.assert_array_equal(pixels[6:12, :6], gan.images.to_uint8(generated)[4, :, :, 0])


@pytest.mark.parametrize(
    ("kwargs", "sentence"),
    [({"count": 0}, "count must be at least 1, not 0"), ({"class_names": ["a"]}, "must name 3 classes, not 1")],
)
def test_what_cannot_be_embedded_is_refused(make_model, images, tmp_path, kwargs, sentence):
    with pytest.raises(ValueError, match=sentence):
        fit(make_model, images, log_dir=tmp_path, **kwargs)


def test_an_embedding_needs_classes_and_metrics(make_model, images, tmp_path):
    for model in (make_model(), make_model(num_classes=3)):
        labels = None if model.num_classes is None else np.zeros(len(images), int)
        with pytest.raises(ValueError, match="Embedding needs a GAN with num_classes, compiled with metrics"):
            model.fit(images, labels, batch_size=50, verbose=0, callbacks=[gan.Embedding(tmp_path)])
