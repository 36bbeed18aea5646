"""What must survive a crash: each change before it is sent, what became of it, and which events came."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

# flightdeck may send an event again for 30 days, as long as it keeps the delivery.
EVENTS_KEPT_SECONDS = 31 * 86_400

SCHEMA = """
CREATE TABLE IF NOT EXISTS changes (
    po_number TEXT NOT NULL, tool TEXT NOT NULL, arguments TEXT NOT NULL,
    idempotency_key TEXT NOT NULL, prepared_at REAL NOT NULL,
    media_buy_id TEXT, operation_id TEXT, task_id TEXT, outcome TEXT, reason TEXT,
    PRIMARY KEY (po_number, tool)
);
CREATE TABLE IF NOT EXISTS events (webhook_id TEXT PRIMARY KEY, received_at REAL NOT NULL);
"""

Outcome = Literal["succeeded", "failed", "refused"]


@dataclass(frozen=True)
class Change:
    """A change of a media buy: the call that asks for it, and what is known of its fate."""

    po_number: str
    tool: str
    arguments: dict[str, Any]
    idempotency_key: str
    prepared_at: float
    media_buy_id: str | None
    operation_id: str | None
    task_id: str | None
    # `None` while it waits. `failed` was accepted and then rejected; `refused` was never accepted.
    outcome: Outcome | None
    reason: str | None


class Altered(Exception):
    """An order was sent already, with another content."""


class Store:
    """An SQLite file. Every method commits before it returns."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path)
        self._db.row_factory = sqlite3.Row
        # FULL: what is committed also survives a power cut.
        self._db.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {SCHEMA}")

    def prepare(self, po_number: str, tool: str, arguments: dict[str, Any]) -> Change:
        """Returns the change that was prepared before, or a new one.

        The key is stored before anything is sent. After a crash, the same arguments are sent with the same key, and
        flightdeck answers as it did the first time instead of buying again.
        """
        with self._db:
            which = (po_number, tool)
            # What was refused had no effect, and the buy waits for other creatives if these were rejected. A corrected
            # order may take their place.
            self._db.execute(
                "DELETE FROM changes WHERE po_number = ? AND tool = ? AND (outcome = 'refused'"
                " OR (outcome = 'failed' AND tool = 'add_creative_assets' AND arguments <> ?))",
                (*which, json.dumps(arguments)),
            )
            self._db.execute(
                "INSERT INTO changes (po_number, tool, arguments, idempotency_key, prepared_at)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*which, json.dumps(arguments), str(uuid.uuid4()), time.time()),
            )
        change = self._change(*which)
        if change.arguments != arguments:
            raise Altered(f"{tool} was sent already, with other content: a changed order needs a new po_number")
        return change

    def note(self, change: Change, **news: str | float | None) -> Change:
        """Stores what was learned of a change."""
        columns = ", ".join(f"{column} = ?" for column in news)
        which = (change.po_number, change.tool)
        with self._db:
            self._db.execute(f"UPDATE changes SET {columns} WHERE po_number = ? AND tool = ?", (*news.values(), *which))
        return self._change(*which)

    def is_new_event(self, webhook_id: str) -> bool:
        """Remembers an event; `False` if it came before."""
        now = time.time()
        with self._db:
            self._db.execute("DELETE FROM events WHERE received_at < ?", (now - EVENTS_KEPT_SECONDS,))
            added = self._db.execute("INSERT INTO events VALUES (?, ?) ON CONFLICT DO NOTHING", (webhook_id, now))
        return added.rowcount == 1

    def _change(self, po_number: str, tool: str) -> Change:
        found = self._db.execute("SELECT * FROM changes WHERE po_number = ? AND tool = ?", (po_number, tool))
        row = dict(found.fetchone())
        return Change(**{**row, "arguments": json.loads(row["arguments"])})
