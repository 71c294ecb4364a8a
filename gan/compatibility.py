"""Workarounds for bugs in Keras."""

import contextlib


def cache_skipped_attributes():
    """Lets Keras save a model again and again without using more memory each time.

    Keras 3.15 lists the attributes of an optimizer that saving skips. It caches the list under one name and looks it
    up under another, so that each save creates a new optimizer for each optimizer of the model. TensorFlow keeps a
    kernel for each new variable name and never frees it: 72 KB for each optimizer and save. This function stores the
    list under the name that Keras looks up. It does nothing in versions of Keras without this cache.
    """
    with contextlib.suppress(ImportError, AttributeError):
        from keras.src.backend.common import global_state
        from keras.src.saving import saving_lib

        skipped = saving_lib.get_attr_skipset("Optimizer")
        global_state.set_global_attribute("saving_attr_skiplist_Optimizer", skipped)


def replace_attribute(model, name, value):
    """Sets an attribute that may have held a layer, which Keras 3.15 would keep and save too."""
    if hasattr(model, name):
        model._tracker.untrack(getattr(model, name))
        delattr(model, name)
    setattr(model, name, value)
