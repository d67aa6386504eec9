"""Which molecules stand around an ion, and how long."""
