"""Callbacks that the tests of callbacks put next to them."""

import keras


class MeasureEverySecondEpoch(keras.callbacks.Callback):
    """Adds values to the logs, as a validation every second epoch does."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        if epoch % 2 == 1:
            logs["val_fid"] = self.values[epoch]


class FailAt(keras.callbacks.Callback):
    """Interrupts a run as a power cut would: no other callback learns of it."""

    def __init__(self, epoch, batch):
        super().__init__()
        self.stop = (epoch, batch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.stop:
            raise InterruptedError


def step_result(logs, *state_and_data):
    """What a `train_step` without updates returns. On JAX it receives the state and returns it, too."""
    return (logs, state_and_data[0]) if keras.backend.backend() == "jax" else logs
