"""elyte: from an electrolyte recipe to its properties with error bars."""

__version__ = "0.1.0"
