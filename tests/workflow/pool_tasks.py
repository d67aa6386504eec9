"""Functions for workers in tests; found through PYTHONPATH."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

import numpy as np

from elyte.core import InputError, Outcome


def double(values):
    return {"values": 2 * np.asarray(values), "pid": os.getpid()}


def noisy(text):
    print(text)
    sys.stderr.write("complaint\n")
    return {"text": text}


def clock():
    return {"time": time.time()}


def fail():
    raise ValueError("no such luck")


def refuse():
    raise InputError("that is not a frame")


def give_up():
    return Outcome("scf_not_converged", "it would not", {"steps": 3})


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def segfault():
    ctypes.string_at(0)


def leave():
    sys.stderr.write("out of cheese\n")
    sys.stderr.flush()
    os._exit(3)


def sleep(seconds):
    time.sleep(seconds)
    return {"slept": seconds, "pid": os.getpid()}


def variable(name):
    return {"value": os.environ.get(name)}
