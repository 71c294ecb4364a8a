"""The imports of all processes of a sweep, done once in the server that they are forked from."""

from gan.cli import import_keras

import_keras()

import tuning.chief  # noqa: E402, F401
import tuning.leaderboard  # noqa: E402, F401
import tuning.prepare  # noqa: E402, F401
import tuning.worker  # noqa: E402, F401
