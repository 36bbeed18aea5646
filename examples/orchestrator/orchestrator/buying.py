"""What is done for an order, step by step, and how it waits."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from .host import Host, Refused, Unavailable
from .store import Change, Store
from .webhooks import News

Answer = TypeVar("Answer")

# flightdeck remembers an idempotency key for at least 24 hours. One hour less, for clocks that differ.
KEY_LIFETIME_SECONDS = 23 * 3_600

# These say nothing about the request itself: it may have been accepted before, or will be with the right token.
UNDECIDED_CODES = {
    "AUTHENTICATION_REQUIRED",
    "PERMISSION_DENIED",
    "IDEMPOTENCY_CONFLICT",
    "HTTP_ERROR",
    "PROTOCOL_ERROR",
}


@dataclass(frozen=True)
class Order:
    """A media buy and its creatives, as the buyer wants them. The PO number names it."""

    media_buy: dict[str, Any]
    creatives: list[dict[str, Any]]

    @property
    def po_number(self) -> str:
        return str(self.media_buy["po_number"])

    @classmethod
    def read(cls, path: Path) -> Order:
        content = json.loads(path.read_text())
        if not content["media_buy"].get("po_number"):
            raise ValueError(f"{path}: an order needs a po_number, by which it is known after a crash")
        return cls(content["media_buy"], content.get("creatives", []))


@dataclass(frozen=True)
class Patience:
    """How long to wait. Pauses grow from the first to the longest."""

    total_seconds: float
    first_pause_seconds: float
    longest_pause_seconds: float

    def pauses(self) -> Iterator[float]:
        """Each about twice as long as the one before. Half of it is random, so that many orders don't poll at once."""
        pause = self.first_pause_seconds
        while True:
            yield pause * random.uniform(0.5, 1)
            pause = min(pause * 2, self.longest_pause_seconds)


class Rejected(Exception):
    """A person or the ad server said no. The order is over: the same again would be rejected again."""


class StillWaiting(Exception):
    """Not an error. The next run goes on where this one stopped."""


class Buyer:
    """Carries out orders. Everything that it must not forget is in the store."""

    def __init__(self, host: Host, store: Store, news: News, patience: Patience, answer: str | None = None) -> None:
        self._host = host
        self._store = store
        self._news = news
        self._patience = patience
        self._answer = answer
        self._told: set[str] = set()

    async def carry_out(self, order: Order) -> dict[str, Any]:
        """Buys, uploads the creatives, waits until the buy is active, and returns what it delivered.

        Each step is safe to repeat, so after a crash all of them run again from the first.
        """
        created = await self._change(order.po_number, "create_media_buy", order.media_buy)
        buy = created.media_buy_id
        assert buy is not None, "a create that succeeded has a media buy"
        if order.creatives:
            assets = {"media_buy_id": buy, "assets": order.creatives}
            await self._change(order.po_number, "add_creative_assets", assets)
        await self._activation(order.po_number, buy)
        period = {"start_date": _day(created.prepared_at), "end_date": _day(time.time())}
        return await self._until(
            order.po_number, buy, lambda: self._host.call("get_media_buy_delivery", {"media_buy_id": buy, **period})
        )

    async def _change(self, po_number: str, tool: str, arguments: dict[str, Any]) -> Change:
        """Has one change made, exactly once, and waits until it is carried out."""
        change = self._store.prepare(po_number, tool, arguments)
        if change.outcome is None and change.operation_id is None:
            prepared = change
            change = await self._until(po_number, prepared.media_buy_id, lambda: self._send(prepared))
        if change.outcome is None:
            sent = change
            change = await self._until(po_number, sent.media_buy_id, lambda: self._ended(sent))
        if change.outcome != "succeeded":
            raise Rejected(f"{tool} {change.outcome}: {change.reason}")
        self._say(po_number, f"{tool} is done ({change.media_buy_id})")
        return change

    async def _send(self, change: Change) -> Change:
        if change.tool == "create_media_buy" and time.time() - change.prepared_at > KEY_LIFETIME_SECONDS:
            return await self._found_again(change)
        try:
            request = {**change.arguments, "idempotency_key": change.idempotency_key}
            answer = await self._host.call(change.tool, request)
        except Refused as refused:
            if refused.code not in UNDECIDED_CODES:
                self._store.note(change, outcome="refused", reason=str(refused))
            raise
        buy = answer.get("media_buy_id") or change.arguments.get("media_buy_id")
        news = {"media_buy_id": buy, "operation_id": answer["operation_id"], "task_id": answer.get("task_id")}
        return self._store.note(change, **news)

    async def _found_again(self, change: Change) -> Change:
        """A create whose answer never came, and whose key may be forgotten: the PO number tells whether it happened."""
        found = await self._host.call("list_media_buys", {"po_number": change.po_number})
        if not found["media_buys"]:
            change = self._store.note(change, prepared_at=time.time())
            return await self._send(change)
        if len(found["media_buys"]) > 1:
            raise Refused("AMBIGUOUS", "several media buys have this po_number: a person must look which one it is")
        buy = found["media_buys"][0]["media_buy_id"]
        status = await self._host.call("check_media_buy_status", {"media_buy_id": buy})
        pending = [one for one in status["pending_operations"] if one["operation"] == change.tool]
        if pending:
            return self._store.note(change, media_buy_id=buy, operation_id=pending[0]["operation_id"])
        outcome = "failed" if status["status"] == "failed" else "succeeded"
        return self._store.note(change, media_buy_id=buy, outcome=outcome, reason=status["detail"])

    async def _ended(self, change: Change) -> Change | None:
        """Asks once whether a change has ended. A change that waits for a person is as normal as one that runs."""
        operation = await self._host.call("get_operation", {"operation_id": change.operation_id})
        task = operation["task_id"]
        if task and operation["waits_for_task"]:
            # One change may wait for several tasks in turn: for an approval, and then for a permission.
            self._store.note(change, task_id=task)
            await self._attend(change, task)
        if operation["state"] == "succeeded":
            return self._store.note(change, outcome="succeeded")
        if operation["state"] == "failed":
            error = operation["error"]
            return self._store.note(change, outcome="failed", reason=f"{error['code']}: {error['message']}")
        return None

    async def _attend(self, change: Change, task_id: str) -> None:
        """Says who is waited for, and answers what a reviewer asks. Until the answer, the reviewer waits for us."""
        task = await self._host.call("get_task", {"task_id": task_id})
        if task_id not in self._told:
            kind = task["task_type"].replace("_", " ")
            why, due = task["error_detail"], task["due_by"]
            self._say(change.po_number, f"{change.tool} waits for a {kind} ({task_id}, due by {due}): {why}")
            self._told.add(task_id)
        asked = [one for one in task["questions"] if one["answer"] is None and task["decision"] is None]
        if not asked:
            return
        question = asked[-1]["question"]
        if f"{task_id} {question}" not in self._told:
            hint = "" if self._answer else "; start again with --answer"
            self._say(change.po_number, f"{asked[-1]['by']} asks: {question}{hint}")
            self._told.add(f"{task_id} {question}")
        if self._answer:
            # Sent twice, as after a crash, it is one answer.
            await self._host.call("answer_task", {"task_id": task_id, "answer": self._answer})
            self._say(change.po_number, f"answered: {self._answer}")
            self._answer = None

    async def _activation(self, po_number: str, buy: str) -> None:
        said = ""

        async def ask() -> bool | None:
            nonlocal said
            status = await self._host.call("check_media_buy_status", {"media_buy_id": buy})
            words = f"{buy} is {status['status']}: {status['detail']}".removesuffix(": ")
            if words != said:
                self._say(po_number, words)
                said = words
            if status["status"] in {"active", "completed"}:
                return True
            if status["status"] == "failed":
                raise Rejected(words)
            for creative in status["creative_statuses"]:
                if creative["status"] == "rejected":
                    raise Rejected(f"{creative['creative_id']} was rejected: {creative['review_feedback']}")
            return None

        await self._until(po_number, buy, ask)

    async def _until(self, po_number: str, buy: str | None, ask: Callable[[], Awaitable[Answer | None]]) -> Answer:
        """Asks until there is an answer, with growing pauses. News of the media buy ends a pause."""
        deadline = time.monotonic() + self._patience.total_seconds
        pauses, news = self._patience.pauses(), self._news.of(buy or "")
        while (left := deadline - time.monotonic()) > 0:
            # Before the question, so that nothing is missed between it and the pause.
            news.clear()
            try:
                answer = await ask()
                if answer is not None:
                    return answer
            except Unavailable as trouble:
                self._say(po_number, f"trying again: {trouble}")
                # Not ended by news: the host said when to come back.
                await asyncio.sleep(min(trouble.retry_after, left))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), min(next(pauses), left))
                pauses = self._patience.pauses()
        raise StillWaiting("waits longer than this run: start it again to go on")

    def _say(self, po_number: str, words: str) -> None:
        print(f"{po_number}: {words}", flush=True)


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
