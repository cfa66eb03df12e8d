"""Where is my mistake? A claimed formula, or arrays computed by hand, against the graph; the slip is found and named."""

from .claim import check_claim
from .verdict import Slip, Verdict

__all__ = ["Slip", "Verdict", "check_claim"]
