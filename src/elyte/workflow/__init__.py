"""Tasks, where they run, and what is kept of them; knows no science."""

from elyte.workflow.database import Entry
from elyte.workflow.ledger import Ledger
from elyte.workflow.lock import ProjectLock
from elyte.workflow.pool import LocalPool
from elyte.workflow.reading import ISOLATED_ATOM
from elyte.workflow.store import ResultStore
from elyte.workflow.task import Task

__all__ = ["ISOLATED_ATOM", "Entry", "Ledger", "LocalPool", "ProjectLock", "ResultStore", "Task"]
