import numpy as np
from helpers import MeasureEverySecondEpoch

import gan


def test_csv_history_accepts_metrics_that_some_epochs_lack(make_model, make_dataset, tmp_path):
    filepath = tmp_path / "history.csv"
    callbacks = [MeasureEverySecondEpoch({1: 5.0, 3: 2.0}), gan.CSVHistory(filepath)]
    history = make_model().fit(make_dataset(), epochs=4, verbose=0, callbacks=callbacks).history
    read = gan.CSVHistory.read(filepath)
    assert read["epoch"] == [1, 2, 3, 4]
    assert read["g_loss"] == history["g_loss"]
    np.testing.assert_array_equal(read["val_fid"], [np.nan, 5.0, np.nan, 2.0])
