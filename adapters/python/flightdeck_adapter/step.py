"""Steps: how a change is made exactly once, even across crashes.

=============  ================================================  =======================  =============
the step is    ``find`` … ``create``                             ``idempotent``           ``set``
=============  ================================================  =======================  =============
fresh          creates                                           creates with a key       changes
in doubt       looks it up, and creates it if it is not found    creates with that key    changes again
done           returns the recorded outcome                      the same                 the same
=============  ================================================  =======================  =============

Only one step is open at a time, and each name is used once per operation. Derive names from the request
alone, never from ``ctx.remote``, which grows from run to run: read ``remote`` inside the step.

An outcome is a JSON value, usually the id of what was made. A step that remembers an object has its id as
its outcome.

``try_create``, ``try_set`` and ``try_idempotent`` also record a refusal: they return a ``Verdict``, and the
operation goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable, Optional

from wit_world.imports import adapter_types as types
from wit_world.imports.steps import State_Done, State_InDoubt

from .failure import Failure
from .host import host

# The longest name of a step, in bytes, as the contract defines it.
STEP_LIMIT = 200


@dataclass
class Seen:
    """One object that carries a step's reference. ``active`` says whether it may deliver."""

    id: str
    name: str = ""
    active: bool = True
    made_at: Optional[str] = None


@dataclass
class Verdict:
    """A change that reached the platform: its outcome, or the refusal."""

    ok: Any = None
    refused: Optional[Failure] = None


def step(name: str) -> Step:
    """Begins the description of a step. Nothing happens until its change is given."""
    return Step(name)


def step_name(*parts: str) -> str:
    """Joins the name of a step from its parts. A name that is too long is cut and ends with its hash."""
    name = "/".join(parts)
    data = name.encode()
    if len(data) <= STEP_LIMIT:
        return name
    # FNV-1a, 64 bits, so that names that are cut stay different. Python's own hash differs from run to run.
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{data[: STEP_LIMIT - 17].decode(errors='ignore')}#{value:016x}"


class Step:
    def __init__(self, name: str) -> None:
        self._name = name
        self._memory: Optional[tuple[types.RemoteKind, str]] = None
        self._find: Optional[Callable[[str], list[Seen]]] = None

    def remember(self, kind: types.RemoteKind, key: str) -> Step:
        """Remembers the step's outcome as the id of an object of the buy."""
        self._memory = (kind, key)
        return self

    def find(self, find: Callable[[str], list[Seen]]) -> Step:
        """Sets the lookup: it returns all objects that carry the reference."""
        self._find = find
        return self

    def create(self, create: Callable[[str], Any]) -> Any:
        """Makes the change, unless an earlier run did. Put the reference where ``find`` looks for it."""
        return self._run(self._look_up(), create, self._note)

    def try_create(self, create: Callable[[str], Any]) -> Verdict:
        return self._try(self._look_up(), create)

    def set(self, change: Callable[[], Any]) -> Any:
        """Makes a change that is safe to repeat by its nature."""
        return self._run(None, lambda _: change(), self._note)

    def try_set(self, change: Callable[[], Any]) -> Verdict:
        return self._try(None, lambda _: change())

    def idempotent(self, write: Callable[[str], Any]) -> Any:
        """Makes a write under an idempotency key, which is the reference. The platform keeps the key."""
        return self._run(None, write, self._note)

    def try_idempotent(self, write: Callable[[str], Any]) -> Verdict:
        return self._try(None, write)

    def _look_up(self) -> Callable[[str], Any]:
        find = self._find
        if find is None:
            raise RuntimeError(f"step {self._name} creates without a lookup: call find first")

        def first(reference: str) -> Optional[str]:
            found = in_order(find(reference))
            return found[0].id if found else None

        return first

    def _run(
        self, look_up: Optional[Callable[[str], Any]], change: Callable[[str], Any], note: Callable[[Any], None]
    ) -> Any:
        state = host().begin(self._name)
        if isinstance(state, State_Done):
            outcome = json.loads(state.value)
            note(outcome)
            return outcome
        outcome = None
        in_doubt = isinstance(state, State_InDoubt) and look_up is not None
        if in_doubt:
            outcome = look_up(state.value)
        if outcome is None:
            if in_doubt:
                # Only after a lookup: an idempotent change is repeated without a word.
                host().absent(self._name)
            outcome = change(state.value)
        # Remember first: if the host stops between the two, a cancel still knows the object.
        note(outcome)
        host().finish(self._name, json.dumps(outcome).encode())
        return outcome

    def _try(self, look_up: Optional[Callable[[str], Any]], change: Callable[[str], Any]) -> Verdict:
        # A recorded verdict is {"ok": …} or {"refused": …}.
        def found(reference: str) -> Any:
            known = look_up(reference) if look_up else None
            return None if known is None else {"ok": known}

        def settled(reference: str) -> Any:
            try:
                return {"ok": change(reference)}
            except Failure as failure:
                if failure.is_final:
                    return {"refused": failure.to_json()}
                raise

        def note(verdict: dict[str, Any]) -> None:
            if "ok" in verdict:
                self._note(verdict["ok"])

        verdict = self._run(found if look_up else None, settled, note)
        if "refused" in verdict:
            return Verdict(refused=Failure.from_json(verdict["refused"]))
        return Verdict(ok=verdict["ok"])

    def _note(self, id: Any) -> None:
        if self._memory is not None:
            kind, key = self._memory
            host().remember(types.RemoteObject(kind=kind, key=key, id=str(id)))


def in_order(seen: list[Seen]) -> list[Seen]:
    """Sorts what was seen: the earliest first, and then by id, so that every run takes the same one."""
    timed = all(one.made_at for one in seen)

    def rank(one: Seen) -> tuple[float, int, str]:
        made = datetime.fromisoformat(one.made_at.replace("Z", "+00:00")).timestamp() if timed and one.made_at else 0.0
        return (made, len(one.id), one.id)

    return sorted(seen, key=rank)
