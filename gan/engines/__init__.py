"""What differs between Keras's backends: gradients, branches, and how a step receives and returns its state.

Each file defines the same class, `Engine`, from which `gan.game.Game` inherits. `KERAS_BACKEND` chooses the file, as
everywhere in Keras.
"""

import importlib

import keras

Engine = importlib.import_module(f"gan.engines.{keras.backend.backend()}").Engine
