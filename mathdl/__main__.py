"""``python -m mathdl``."""

from mathdl.cli import main

if __name__ == "__main__":
    main(prog_name="mathdl")
