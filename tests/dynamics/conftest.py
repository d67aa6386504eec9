"""Let the tests of dynamics share `dynamics_systems.py`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
