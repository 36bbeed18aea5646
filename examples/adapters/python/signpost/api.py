"""Signpost's API: one function for each request."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Iterator, Optional

from flightdeck_adapter import Api, Seen, in_chunks, pages, segment

# The most lines in one query, and the most days of one report.
MAX_LINES = 50
MAX_DAYS = 92


class Signpost:
    def __init__(self, endpoint: str) -> None:
        self._api = Api(endpoint, lambda body: (body["errors"][0]["code"], body["errors"][0]["message"]))

    # ---- orders ----

    def create_order(self, fields: dict[str, Any], reference: str) -> str:
        return self._create("/v1/orders", fields, reference)

    def change_order(self, id: str, fields: dict[str, Any]) -> None:
        self._api.patch(f"/v1/orders/{segment(id)}", fields)

    def orders_with(self, reference: str) -> list[Seen]:
        """All orders with a reference."""
        return [_seen(order, order["state"] != "archived") for order in self._list("/v1/orders", external_ref=reference)]

    def orders_of(self, advertiser_id: str, media_buy_id: str) -> list[str]:
        """The ids of all orders of a media buy that are not archived."""
        orders = self._list("/v1/orders", advertiser_id=advertiser_id)
        return [order["id"] for order in orders if order["memo"] == media_buy_id and order["state"] != "archived"]

    # ---- lines ----

    def create_line(self, order_id: str, fields: dict[str, Any], reference: str) -> str:
        return self._create(f"/v1/orders/{segment(order_id)}/lines", fields, reference)

    def change_line(self, id: str, fields: dict[str, Any]) -> None:
        self._api.patch(f"/v1/lines/{segment(id)}", fields)

    def lines_with(self, order_id: str, reference: str) -> list[Seen]:
        lines = self._list(f"/v1/orders/{segment(order_id)}/lines", external_ref=reference)
        return [_seen(line, line["active"] and line["state"] != "archived") for line in lines]

    # ---- creatives ----

    def create_creative(self, fields: dict[str, Any], reference: str) -> str:
        return self._create("/v1/creatives", fields, reference)

    def change_creative(self, id: str, fields: dict[str, Any]) -> None:
        self._api.patch(f"/v1/creatives/{segment(id)}", fields)

    def creatives_with(self, reference: str) -> list[Seen]:
        return [_seen(creative, creative["active"]) for creative in self._list("/v1/creatives", external_ref=reference)]

    def assign(self, line_id: str, creative_id: str) -> str:
        """Assigns a creative to a line. Signpost keeps one assignment of each, so a repeat changes nothing."""
        return self._api.post(f"/v1/lines/{segment(line_id)}/creatives", {"creative_id": creative_id})["id"]

    def unassign(self, line_id: str, creative_id: str) -> None:
        """Ends the assignments of a creative in a line."""
        for one in self._list(f"/v1/lines/{segment(line_id)}/creatives"):
            if one["creative_id"] == creative_id and one["active"]:
                self._api.patch(f"/v1/assignments/{segment(one['id'])}", {"active": False})

    # ---- reading ----

    def status(self, line_ids: list[str]) -> dict[str, Any]:
        """The state of each line, by id. A line that is gone is not in the result."""
        lines: dict[str, Any] = {}
        for ids in in_chunks(line_ids, MAX_LINES):
            for line in self._api.get("/v1/status", line_ids=",".join(ids))["lines"]:
                lines[line["line_id"]] = line
        return lines

    def report(self, line_ids: list[str], first: str, last: str) -> tuple[list[Any], Optional[str]]:
        """What lines delivered by day, and until when it was counted."""
        rows: list[Any] = []
        as_of = None
        for start, end in _ranges(date.fromisoformat(first), date.fromisoformat(last)):
            for ids in in_chunks(line_ids, MAX_LINES):
                query = {"from": start.isoformat(), "to": end.isoformat(), "line_ids": ",".join(ids)}
                report = self._api.get("/v1/report", **query)
                rows.extend(report["rows"])
                as_of = report["as_of"]
        return rows, as_of

    def _create(self, path: str, fields: dict[str, Any], reference: str) -> str:
        return self._api.post(path, {**fields, "external_ref": reference})["id"]

    def _list(self, path: str, **query: Any) -> list[Any]:
        def read(cursor: Optional[str]) -> tuple[list[Any], Optional[str]]:
            page = self._api.get(path, cursor=cursor, **query)
            return page["items"], page["next_cursor"]

        return pages(read)


def _seen(found: dict[str, Any], active: bool) -> Seen:
    return Seen(found["id"], name=found.get("name", ""), active=active, made_at=found["created_at"])


def _ranges(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Splits a range of days into ranges that one report takes."""
    while first <= last:
        end = min(last, first + timedelta(days=MAX_DAYS - 1))
        yield first, end
        first = end + timedelta(days=1)
