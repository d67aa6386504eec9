"""Active learning as two pure functions, and what carries them out."""

from elyte.learning.advance import Finished, advance
from elyte.learning.convergence import verdict
from elyte.learning.driver import Stopped, run
from elyte.learning.plan import plan
from elyte.learning.project import Project
from elyte.learning.state import Settings, State, Task

__all__ = [
    "Finished",
    "Project",
    "Settings",
    "State",
    "Stopped",
    "Task",
    "advance",
    "plan",
    "run",
    "verdict",
]
