"""The mathematics: one page per family, simpler above. Importing this package fills the op table.

>>> import nngraph as ng
>>> float(ng.sum(ng.square([3.0, 4.0])).value)
25.0
"""

from __future__ import annotations

from . import (
    activation,
    arithmetic,
    comparison,
    control,
    convolution,
    functions,
    identity,
    indexing,
    linear,
    loss,
    normalization,
    pooling,
    random,
    reduction,
    shape,
    slicing,
    windows,
)
from .activation import *  # noqa: F403
from .arithmetic import *  # noqa: F403
from .comparison import *  # noqa: F403
from .control import *  # noqa: F403
from .convolution import *  # noqa: F403
from .functions import *  # noqa: F403
from .identity import *  # noqa: F403
from .indexing import *  # noqa: F403
from .linear import *  # noqa: F403
from .loss import *  # noqa: F403
from .normalization import *  # noqa: F403
from .pooling import *  # noqa: F403
from .random import *  # noqa: F403
from .reduction import *  # noqa: F403
from .shape import *  # noqa: F403
from .slicing import *  # noqa: F403
from .windows import *  # noqa: F403

_PAGES = (
    activation,
    arithmetic,
    comparison,
    control,
    convolution,
    functions,
    identity,
    indexing,
    linear,
    loss,
    normalization,
    pooling,
    random,
    reduction,
    shape,
    slicing,
    windows,
)
__all__ = sorted(name for page in _PAGES for name in page.__all__)
