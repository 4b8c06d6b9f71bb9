"""What a difference between two traces is, and which of them are known.

The known ones are listed in `known_differences`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Callable

from tests.train.programs import PROGRAMS, Program

KERAS = ("keras-2.3.1",)
TF_24 = ("tf.keras-2.4",)
TF_215 = ("tf.keras-2.15",)
TF = TF_24 + TF_215
ALL = KERAS + TF


@dataclass(frozen=True)
class Known:
    """Fields in which programs' traces differ.

    Attributes:
        systems: That recorded them.
        fields: Their names.
        programs: Patterns of the programs' names.
        reason: Why.
        only: Which of these programs.
        kerases: Of seq2data, 2 and 3: data that run out are Keras's affair.
    """

    systems: tuple[str, ...]
    fields: str
    programs: str
    reason: str
    only: Callable[[Program], bool] = lambda program: True
    kerases: tuple[int, ...] = (2, 3)

    @functools.cached_property
    def names(self) -> set[str]:
        """Of the programs."""
        return {
            program.name
            for program in PROGRAMS
            for pattern in self.programs.split()
            if fnmatchcase(program.name, pattern) and self.only(program)
        }


def first_of(fields: set[str]) -> set[str]:
    """Without the fields that can but differ where others of them do.

    An outcome decides what there is at all. Losses, weights and what callbacks are told
    follow from the batches, by arithmetic that is tested by itself.
    """
    if "outcome" in fields:
        return {"outcome"}
    follow: set[str] = set()
    if "trained" in fields:
        follow |= {"losses", "history", "weights", "callbacks"}
    if "validated" in fields:
        follow |= {"history", "callbacks", "result"}
    if "callbacks" in fields:
        follow |= {"result"}
    return fields - follow
