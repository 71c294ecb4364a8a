"""What differs between Keras's backends: gradients, branches, and how a step receives and returns its state.

Each file defines the same class, `Engine`, from which `gan.game.Game` inherits, and the functions `normal`,
`is_foreign`, `count_gpus`, `whole_count`, `share` and `placement`. `KERAS_BACKEND` chooses the file, as everywhere in
Keras.
"""

import importlib

import keras

from gan.backends import find_problem

if problem := find_problem(keras.backend.backend()):
    raise ImportError(problem)
_engine = importlib.import_module(f"gan.engines.{keras.backend.backend()}")
Engine = _engine.Engine
normal = _engine.normal
is_foreign = _engine.is_foreign
count_gpus = _engine.count_gpus
whole_count = _engine.whole_count
share = _engine.share
alone = _engine.alone
is_first_process = _engine.is_first_process
process_count = _engine.process_count
use_devices = _engine.use_devices
placement = _engine.placement
