"""`python -m elyte`: the command line."""

from elyte.cli import main

main()
