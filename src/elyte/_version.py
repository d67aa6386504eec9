"""The version: read from here by the package, its build and the files it writes."""

__version__ = "0.1.0"
