"""The experiments, one module each; a module here that defines ``EXPERIMENT`` is found."""
