import gan


def test_progress_prints_epoch_losses_and_time_left(make_model, make_dataset, capsys):
    make_model().fit(make_dataset(), epochs=2, verbose=0, callbacks=[gan.Progress()])
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("epoch 1/2") and "g_loss" in first and first.endswith("left")
    assert last.startswith("epoch 2/2") and last.endswith(", 0 s left")
