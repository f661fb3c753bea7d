"""Training networks with generated code: data, optimizers, loop, plots, experiments."""
