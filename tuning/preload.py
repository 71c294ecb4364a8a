"""What the processes of a sweep import, once for all of them."""

from gan.cli import import_keras

import_keras()

import tuning.chief  # noqa: E402, F401
import tuning.leaderboard  # noqa: E402, F401
import tuning.prepare  # noqa: E402, F401
import tuning.worker  # noqa: E402, F401
