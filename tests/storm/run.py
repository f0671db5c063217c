"""
Random fault injection on the simulated node: `python tests/storm/run.py --steps 2000 --seed 7`.

Prints the seed first, so that a run can be had again; at the end what happened how often. A violation is made small and
printed as a scenario to keep in tests/storm/kept. `--planted` instead plants bugs in copies of the package, and looks
whether the storm finds each.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.extend(f"{sys.path[0]}/{each}" for each in ("rigs", "rigs/programs", "samples"))  # as pytest has it

os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # read when grpc is imported; it tells of every plugin that is killed

from storm.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
