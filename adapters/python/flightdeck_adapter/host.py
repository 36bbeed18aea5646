"""What the host offers: the contract's ``steps`` and ``cache``, and HTTP.

The component's entry point installs the real one (``component``), a test installs ``FakeHost``. So an
adapter is plain Python, which runs anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional, Protocol


@dataclass
class Request:
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: Optional[bytes]


@dataclass
class Response:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class NoAnswer(Exception):
    """The request got no response. ``denied`` says that the host did not let it out."""

    def __init__(self, why: str, denied: bool = False) -> None:
        super().__init__(why)
        self.denied = denied


class Host(Protocol):
    """The functions of ``steps`` and ``cache``, and ``send``, which raises ``NoAnswer``."""

    def begin(self, name: str) -> Any: ...
    def absent(self, name: str) -> None: ...
    def finish(self, name: str, outcome: bytes) -> None: ...
    def remember(self, object: Any) -> None: ...
    def forget(self, object: Any) -> None: ...
    def cached(self, key: str) -> Optional[bytes]: ...
    def cache(self, key: str, value: bytes, seconds: int) -> None: ...
    def send(self, request: Request) -> Response: ...


_current: Optional[Host] = None


def use_host(host: Optional[Host]) -> None:
    """Installs a host."""
    global _current
    _current = host


def host() -> Host:
    """Returns the installed host."""
    if _current is None:
        raise RuntimeError("no host is installed: import flightdeck_adapter.component, or use FakeHost in a test")
    return _current
