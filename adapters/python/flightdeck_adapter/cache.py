"""Values that outlive a call: a report that took minutes and serves many buys, or the network's time zone.

The host may drop a value at any time. The values are shared by all buyers of the platform: the key must tell
apart what must not be mixed. ``plan`` has no cache.
"""

from __future__ import annotations

import json
from typing import Callable, TypeVar

from .host import host

# The most bytes of a value. A larger one is not kept.
VALUE_BYTES = 4 * 1024 * 1024

Value = TypeVar("Value")


def kept(key: str, seconds: int, make: Callable[[], Value]) -> Value:
    """Returns the value under ``key``, or makes it and keeps it for at most so many seconds, as JSON."""
    known = host().cached(key)
    if known is not None:
        return json.loads(known)
    made = make()
    data = json.dumps(made).encode()
    if len(data) <= VALUE_BYTES:
        host().cache(key, data, seconds)
    return made
