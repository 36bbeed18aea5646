"""Plans: the changes that a reviewer reads. Build them from the objects that are sent."""

from __future__ import annotations

import json
from typing import Any, Optional

from wit_world.imports import adapter_types as types


def _text(value: Any) -> Optional[str]:
    """A field's value as a reviewer reads it; None if it has none."""
    return value if value is None or isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def changed_fields(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The fields of ``after`` that differ from ``before``. An update sends exactly these."""
    return {name: value for name, value in after.items() if value != before.get(name)}


class Plan:
    def __init__(self) -> None:
        self._changes: list[types.PlannedChange] = []
        self._notes: list[str] = []

    def create(self, remote_type: str, name: str, fields: dict[str, Any], **ids: Optional[str]) -> Plan:
        """Plans a new object."""
        return self._push(types.PlanAction_Create(), remote_type, name, {}, fields, **ids)

    def update(
        self, remote_type: str, name: str, before: dict[str, Any], after: dict[str, Any], **ids: Optional[str]
    ) -> Plan:
        """Plans a change of some fields; nothing if none differs."""
        changed = changed_fields(before, after)
        return self._push(types.PlanAction_Update(), remote_type, name, before, changed, **ids) if changed else self

    def associate(self, remote_type: str, name: str, fields: dict[str, Any], **ids: Optional[str]) -> Plan:
        """Plans the connection of two objects."""
        return self._push(types.PlanAction_Associate(), remote_type, name, {}, fields, **ids)

    def note(self, *notes: str) -> Plan:
        """Adds information for the reviewer."""
        self._notes.extend(notes)
        return self

    def _push(
        self,
        action: types.PlanAction,
        remote_type: str,
        name: str,
        before: dict[str, Any],
        after: dict[str, Any],
        remote_id: Optional[str] = None,
        package_id: Optional[str] = None,
    ) -> Plan:
        changes = [types.FieldChange(field=field, before=_text(before.get(field)), after=_text(after[field])) for field in after]
        self._changes.append(
            types.PlannedChange(
                action=action, remote_type=remote_type, name=name, remote_id=remote_id, package_id=package_id,
                fields=[change for change in changes if change.before != change.after], extensions=[],
            )
        )
        return self

    @property
    def record(self) -> types.ChangePlan:
        """The contract's record."""
        return types.ChangePlan(changes=self._changes, notes=self._notes, extensions=[])
