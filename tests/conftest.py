"""Fixed seeds and one thread for every test."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

from hypothesis import settings

settings.register_profile("elyte", derandomize=True, deadline=None, max_examples=30)
settings.load_profile("elyte")
