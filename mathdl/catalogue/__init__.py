"""Layers, losses, likelihoods, divergences, optimizers: what the subject is taught with.

Every entry is a function of tensors in the language; nothing of it is known to the engine.  A
module of this package registers its entries by :func:`entry`, and is found by looking here.
"""

from mathdl.catalogue.entry import Entry, Instance, entries, entry, entry_named, families

__all__ = ["Entry", "Instance", "entries", "entry", "entry_named", "families"]
