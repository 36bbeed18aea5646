"""A stand-in for Signpost in memory: what the adapter's tests need of it."""

from urllib.parse import parse_qsl, urlsplit

from flightdeck_adapter.testing import Answer


def _refusal(status, code, message):
    return Answer(status, {"errors": [{"code": code, "field": None, "message": message}]})


class FakeSignpost:
    def __init__(self):
        self.orders, self.lines, self.creatives, self.assignments = [], [], [], []
        self._last = 0

    def respond(self, method, path, body):
        """What ``FakeHost`` calls for each request."""
        parts = urlsplit(path)
        query = dict(parse_qsl(parts.query))
        kind, id, below = (parts.path.split("/")[2:] + [None, None])[:3]
        if kind == "status":
            return self._status(query)
        if kind == "report":
            return self._report(query)
        if method == "PATCH":
            return self._change(kind, id, body)
        parent = {}
        if below:
            kind, parent = {"lines": ("lines", {"order_id": id}), "creatives": ("assignments", {"line_id": id})}[below]
        return self._create(kind, {**body, **parent}) if method == "POST" else self._list(kind, {**query, **parent})

    def _create(self, kind, fields):
        if kind == "creatives" and fields.get("width") == 1:
            return _refusal(422, "invalid", "width is too small")
        if kind == "assignments":
            for known in self.assignments:
                if (known["line_id"], known["creative_id"]) == (fields["line_id"], fields["creative_id"]):
                    known["active"] = True
                    return Answer(200, known)
        self._last += 1
        made = {"state": "draft", "active": True, **fields, "id": str(self._last), "created_at": "2026-11-01T00:00:00Z"}
        getattr(self, kind).append(made)
        return Answer(201, made)

    def _list(self, kind, query):
        at = int(query.pop("cursor", 0))
        items = [one for one in getattr(self, kind) if all(one.get(name) == value for name, value in query.items())]
        # Pages of one object, so that a test notices an adapter that reads only the first.
        return Answer(200, {"items": items[at : at + 1], "next_cursor": str(at + 1) if at + 1 < len(items) else None})

    def _change(self, kind, id, fields):
        one = next((object for object in getattr(self, kind) if object["id"] == id), None)
        if one is None:
            return _refusal(404, "not_found", f"there is no {kind} {id}")
        if one["state"] == "archived":
            return _refusal(409, "order_archived", f"order {id} is archived")
        one.update(fields)
        return Answer(200, one)

    def _status(self, query):
        ids = query["line_ids"].split(",")
        lines = [line["id"] for line in self.lines if line["id"] in ids]
        return Answer(200, {"lines": [{"line_id": id, "state": "delivering", "impressions": 250} for id in lines]})

    def _report(self, query):
        row = {"day": query["from"], "impressions": 200, "clicks": 1, "spend": "2.5"}
        rows = [{"line_id": id, **row} for id in query["line_ids"].split(",")]
        return Answer(200, {"rows": rows, "as_of": "2026-12-02T00:00:00Z"})
