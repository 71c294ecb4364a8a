"""Reads from a compiled program what its devices exchange."""

import math
import re
from typing import NamedTuple

KINDS = ("all-reduce", "all-gather", "reduce-scatter", "all-to-all", "collective-permute")
# An asynchronous operation counts where it is done: there its shape is that of the result alone.
OPERATION = re.compile(rf"^\s*(?:ROOT )?\S+ = (\(.*?\)|\S+) ({'|'.join(KINDS)})(?:-done)?\(", re.MULTILINE)
ARRAY = re.compile(r"([a-z]+)(\d*)\w*\[([\d,]*)\]")


class Collective(NamedTuple):
    """One exchange between all devices.

    Attributes:
        kind: String, one of `KINDS`.
        arrays: List of the bytes of each array that a device has afterwards.
        scalars: Int, how many of them are scalars.
    """

    kind: str
    arrays: list
    scalars: int


def find(text):
    """Lists the collectives of a program, given as the text of its optimized HLO, each once.

    The collectives of a branch count as those of the step that takes it.
    """
    found = []
    for shape, kind in OPERATION.findall(text):
        arrays = ARRAY.findall(shape)
        found.append(Collective(kind, [_bytes_of(*array) for array in arrays], sum(not size for *_, size in arrays)))
    return found


def _bytes_of(_, bits, sizes):
    # A `pred` has no number of bits and takes a byte.
    return math.prod(map(int, filter(None, sizes.split(",")))) * int(bits or 8) // 8
