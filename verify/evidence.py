"""What a check found, how strong that is, and how it is written down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Any

import numpy as np


class Strength(Enum):
    """The five kinds of evidence, strongest first."""

    PROVED = "proved"
    CERTIFIED = "certified"
    TESTED = "property-tested"
    ESTIMATED = "estimated"
    REPRODUCED = "reproduced"

    def __lt__(self, other: Strength) -> bool:
        """Weaker than ``other``."""
        order = list(Strength)
        return order.index(self) > order.index(other)


class Outcome(StrEnum):
    """What one check says of the formula in front of it."""

    HOLDS = "holds"
    FAILS = "fails"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Evidence:
    """The finding of one check.

    Attributes
    ----------
    strength
        How strong the check is when it holds.
    outcome
        Whether the statement held, failed, or could not be decided within the check's budget.
    detail
        In words, what the outcome means and on which domain; never more than that.
    numbers
        Measured values by name.
    counterexample
        Where the statement fails, by argument name; ``None`` unless the outcome is ``FAILS``.
    says
        What this step of the claim shows, in the claim's own words; may be empty.
    """

    strength: Strength
    outcome: Outcome
    detail: str
    numbers: Mapping[str, Any] = field(default_factory=dict)
    counterexample: Mapping[str, Any] | None = None
    says: str = ""

    @property
    def name(self) -> str:
        """How a mutant's record refers to this check."""
        return f"{self.strength.value}: {self.says}" if self.says else self.strength.value


def plain(value: Any) -> Any:
    """Turn a value into what JSON can hold: numbers stay numbers, arrays become lists, the rest its text.

    Non-finite numbers become the strings ``"inf"``, ``"-inf"`` and ``"nan"``, which JSON has no numbers for.
    """
    match value:
        case None | bool() | str():
            return value
        case np.generic():
            return plain(value.item())
        case int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Mapping():
            return {str(key): plain(entry) for key, entry in value.items()}
        case list() | tuple():
            return [plain(entry) for entry in value]
        case _ if hasattr(value, "tolist"):
            return plain(value.tolist())
        case _:
            return str(value)
