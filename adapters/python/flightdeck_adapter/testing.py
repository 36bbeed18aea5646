"""A host for tests.

It keeps steps like the real one, refuses what the real one refuses, and can interrupt a call at every point at
which a crash makes a difference::

    for point in itertools.count(1):
        host = FakeHost(platform)
        host.crash_at(point)
        survived = host.run(lambda: create_media_buy(ctx, buy)) is not CRASHED
        host.run(lambda: create_media_buy(ctx, buy))
        # count what was made on the platform
        if survived:
            break
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Callable, Optional
from urllib.parse import urlsplit

from wit_world.imports import adapter_types as types
from wit_world.imports.steps import State_Done, State_Fresh, State_InDoubt

from .host import NoAnswer, Request, Response, use_host

# What ``run`` returns for a call that was interrupted.
CRASHED = object()


class Crash(BaseException):
    """The process ends here. No adapter can catch it by accident."""


@dataclass
class Answer:
    """What the platform answers in a test."""

    status: int
    body: Any = None
    headers: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class _Step:
    reference: str
    state: str = "fresh"
    outcome: bytes = b""


class FakeHost:
    def __init__(self, respond: Callable[[str, str, Any], Optional[Answer]]) -> None:
        """``respond`` is the platform: it acts on (method, path, body) and returns its answer, None for none."""
        self.remote: list[types.RemoteObject] = []
        self.requests: list[str] = []
        self._respond = respond
        self.now = 0  # the clock of the cache, in seconds
        self._cache: dict[str, tuple[bytes, int]] = {}
        self._steps: dict[str, _Step] = {}
        self._open: Optional[str] = None
        self._used: set[str] = set()
        self._points = 0
        self._crash_at = 0

    def crash_at(self, point: int) -> None:
        """Interrupts the next call at its n-th point: a lost request, a lost answer, or before a step's end."""
        self._crash_at, self._points = point, 0

    def run(self, call: Callable[[], Any]) -> Any:
        """Runs one call on this host. A crash is returned, a failure is raised."""
        use_host(self)
        self._open = None
        self._used.clear()
        try:
            return call()
        except Crash:
            return CRASHED
        finally:
            self._crash_at = 0
            use_host(None)

    def made_step(self, name: str) -> types.MadeStep:
        """A step as ``find-made`` receives it."""
        return types.MadeStep(name=name, reference=self._steps[name].reference, extensions=[])

    def doubt(self, name: str) -> None:
        """Puts a step that was done in doubt, as the host does when it asks for values to be set again."""
        self._steps[name].state = "in-doubt"

    def _point(self) -> None:
        self._points += 1
        if self._points == self._crash_at:
            raise Crash

    def _opened(self, name: str) -> _Step:
        if self._open != name:
            raise AssertionError(f"{name} is not open")
        return self._steps[name]

    def begin(self, name: str) -> Any:
        if self._open:
            raise AssertionError(f"{name} begins while {self._open} is open")
        if name in self._used:
            raise AssertionError(f"{name} begins twice")
        step = self._steps.setdefault(name, _Step(f"ref{len(self._steps) + 1}"))
        self._used.add(name)
        if step.state == "done":
            return State_Done(step.outcome)
        self._open = name
        return State_Fresh(step.reference) if step.state == "fresh" else State_InDoubt(step.reference)

    def absent(self, name: str) -> None:
        step = self._opened(name)
        if step.state != "in-doubt":
            raise AssertionError(f"{name} was not in doubt")
        step.state = "fresh"

    def finish(self, name: str, outcome: bytes) -> None:
        step = self._opened(name)
        self._point()
        step.state, step.outcome = "done", outcome
        self._open = None

    def remember(self, object: types.RemoteObject) -> None:
        self.forget(object)
        self.remote.append(object)

    def forget(self, object: types.RemoteObject) -> None:
        self.remote = [known for known in self.remote if (known.kind, known.key) != (object.kind, object.key)]

    def cached(self, key: str) -> Optional[bytes]:
        value, until = self._cache.get(key, (b"", 0))
        return value if until > self.now else None

    def cache(self, key: str, value: bytes, seconds: int) -> None:
        self._cache[key] = (value, self.now + seconds)

    def send(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.requests.append(f"{request.method} {parts.path}")
        step = None
        if request.method != "GET":
            step = self._opened(self._open or f"a step for {request.method} {path}")
            step.state = "in-doubt"
            self._point()
        answer = self._respond(request.method, path, None if request.body is None else json.loads(request.body))
        if answer is None:
            raise NoAnswer("the connection was closed")
        if step is not None:
            self._point()
            if 400 <= answer.status < 500:
                step.state = "fresh"
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        return Response(answer.status, answer.headers, body)
