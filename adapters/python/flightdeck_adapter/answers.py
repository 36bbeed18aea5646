"""Records of the contract that every adapter returns."""

from __future__ import annotations

from typing import Any, Iterator, Optional, Sequence

from wit_world.imports import adapter_types as types

from .step import Seen, in_order

# The state of a buy is the first of these that any of its packages is in.
PRECEDENCE = (
    types.DeliveryState_Delivering(), types.DeliveryState_PendingApproval(), types.DeliveryState_AwaitingCreatives(),
    types.DeliveryState_Scheduled(), types.DeliveryState_Paused(), types.DeliveryState_Completed(),
    types.DeliveryState_Canceled(), types.DeliveryState_Missing(),
)


def outcome(*notes: str) -> types.Outcome:
    """The result of a change that takes effect now."""
    return types.Outcome(effective=None, notes=list(notes), extensions=[])


def id_of(remote: list[types.RemoteObject], kind: types.RemoteKind, key: str = "") -> Optional[str]:
    """The id under which an object of the buy is remembered; None if it is not."""
    return next((object.id for object in remote if object.kind == kind and object.key == key), None)


def asset_status(
    creative_id: str, state: types.AssetState, remote_id: Optional[str] = None, feedback: Optional[str] = None
) -> types.AssetStatus:
    """The status of a creative after an upload."""
    return types.AssetStatus(creative_id=creative_id, state=state, remote_id=remote_id, feedback=feedback, extensions=[])


def buy_state(packages: list[types.PackageStatus]) -> types.DeliveryState:
    """The state of a buy, from its packages."""
    states = [package.state for package in packages]
    first = next((state for state in PRECEDENCE if state in states), None)
    return first or (states[0] if states else types.DeliveryState_Missing())


def in_chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Splits a list into parts of at most ``size``, for requests that take so many ids."""
    return (items[at : at + size] for at in range(0, len(items), size))


def made_objects(seen: list[Seen], remote_type: str, kind: types.RemoteKind, key: str) -> list[types.MadeObject]:
    """What ``find-made`` returns for what a step's own lookup has seen."""
    return [
        types.MadeObject(
            object=types.RemoteObject(kind=kind, key=key, id=one.id), remote_type=remote_type, name=one.name,
            active=one.active, made_at=one.made_at, extensions=[],
        )
        for one in in_order(seen)
    ]
