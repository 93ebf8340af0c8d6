"""``python -m tests.models.killable NAME OPTIONS``: ``python -m models`` with a checkpoint after every step.

So a kill at any moment may meet a checkpoint that is being written. `line` is among the models.
"""

import sys

from models import common
from tests.models import runs

if __name__ == "__main__":
    common.Run.SECONDS_BETWEEN_CHECKPOINTS = 0
    sys.exit(runs.run(*sys.argv[1:]))
