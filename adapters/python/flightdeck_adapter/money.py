"""Money without floats: the contract's micros, and decimal text."""

from __future__ import annotations

import re
from typing import Optional


def decimal(micros: int, places: int = 6) -> Optional[str]:
    """Micros as decimal text with 2 to ``places`` decimal places, or None if that can't be exact."""
    units, fraction = divmod(abs(micros), 1_000_000)
    digits = f"{fraction:06}"
    if digits[places:].strip("0"):
        return None
    return f"{'-' if micros < 0 else ''}{units}.{digits.rstrip('0').ljust(2, '0')}"


def micros(text: str) -> int:
    """Decimal text as micros."""
    match = re.fullmatch(r"(-?)([0-9]+)(?:\.([0-9]{1,6})0*)?", text)
    if match is None:
        raise ValueError(f"{text} is no amount with at most six decimal places")
    sign, units, fraction = match.groups()
    return int(f"{sign}{units}{(fraction or '').ljust(6, '0')}")
