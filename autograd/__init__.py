"""The engine: nodes, ops, differentiation, engines, derivations. Importing it teaches nodes what they can do."""

from . import derivatives, differentiate, interoperate, leaves, ops, sites  # noqa: F401
from .engines import numpy, value  # noqa: F401
