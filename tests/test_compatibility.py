import keras


def count_optimizers():
    """How many optimizers without a name of their own this process has created, this one included."""
    return int(keras.optimizers.Optimizer(1.0).name.removeprefix("optimizer").removeprefix("_") or 0)


def test_saving_again_creates_no_optimizer(make_model, tmp_path):
    """TensorFlow never frees the kernels of a variable with a new name: a run would grow with each checkpoint."""
    model = make_model()
    model.save(tmp_path / "model.keras")
    before = count_optimizers()
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    assert count_optimizers() == before + 1
