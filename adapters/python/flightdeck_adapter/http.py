"""A small JSON client for a platform's API.

The host adds the credentials after a request has left the component. The client does not retry and follows
no redirect. An unsuccessful answer is raised:

============================  ==========================================================
answer                        failure
============================  ==========================================================
3xx                           ``rejected``, code ``redirected``
401, 403                      ``permission``
404, 410                      ``not-found``
408, 425, 429, 5xx, none      ``unavailable``, with the delay of ``Retry-After``
any other 4xx                 ``rejected``
============================  ==========================================================
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, Callable, Optional
from urllib.parse import quote, urlencode

from wit_world.imports.adapter_types import FailureKind

from .failure import Failure, rejected, unavailable
from .host import NoAnswer, Request, Response, host

MEANS = {
    FailureKind.PERMISSION: "the account may not do this",
    FailureKind.NOT_FOUND: "there is no such thing",
    FailureKind.UNAVAILABLE: "it asks to wait or has a problem of its own",
    FailureKind.REJECTED: "it refused",
}


def segment(text: str) -> str:
    """The segment of a path, percent-encoded."""
    return quote(text, safe="")


class Api:
    def __init__(self, endpoint: str, explain: Callable[[Any], tuple[str, str]] = lambda _: ("", "")) -> None:
        """``explain`` reads the platform's own code and words from the JSON body of a refusal."""
        self._endpoint = endpoint.rstrip("/")
        self._explain = explain

    def get(self, path: str, **query: Any) -> Any:
        """Parameters without a value are left out."""
        pairs = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path, None)

    def post(self, path: str, body: Any) -> Any:
        return self._send("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        return self._send("PATCH", path, body)

    def put(self, path: str, body: Any) -> Any:
        return self._send("PUT", path, body)

    def delete(self, path: str) -> Any:
        return self._send("DELETE", path, None)

    def _send(self, method: str, path: str, body: Any) -> Any:
        what = f"{method} {path.split('?')[0]}"
        headers = [("accept", "application/json")]
        if body is not None:
            headers.append(("content-type", "application/json"))
        data = None if body is None else json.dumps(body).encode()
        try:
            answer = host().send(Request(method, f"{self._endpoint}{path}", headers, data))
        except NoAnswer as error:
            # The platform never saw a denied request, so a step must not record it as a refusal.
            if error.denied:
                raise unavailable("egress_refused", f"flightdeck did not let {what} out: {error}.") from None
            raise unavailable("no_answer", f"The platform did not answer {what}: {error}.") from None
        text = answer.body.decode(errors="replace")
        if 200 <= answer.status < 300:
            # Nothing to tell. Any other answer without a body is one that got lost on its way: the ad
            # server may have acted, and the step stays in doubt.
            if answer.status in (204, 205):
                return None
            if not text:
                message = f"The answer to {what} has no body."
                raise unavailable("unreadable_answer", message).said(answer.status, "", "")
            try:
                return json.loads(text)
            except ValueError:
                message = f"The answer to {what} is not JSON."
                raise unavailable("unreadable_answer", message).said(answer.status, "", text) from None
        raise self._failure(what, answer, text)

    def _failure(self, what: str, answer: Response, text: str) -> Failure:
        status = answer.status
        if 300 <= status < 400:
            message = f"The platform redirected {what} ({status}). Redirects are not followed: correct its endpoint."
            return rejected("redirected", message).said(status, "", "It redirected the request.")
        kind = FailureKind.REJECTED
        if status in (401, 403):
            kind = FailureKind.PERMISSION
        elif status in (404, 410):
            kind = FailureKind.NOT_FOUND
        elif status in (408, 425, 429) or status >= 500:
            kind = FailureKind.UNAVAILABLE
        code, words = self._explained(text)
        said = f" It said: {words}" if words else ""
        message = f"The platform answered {status} to {what}: {MEANS[kind]}.{said}"
        failure = Failure(kind, kind.name.lower(), message).said(status, code, words)
        if kind is FailureKind.UNAVAILABLE:
            failure.record.retry_after_ms = _delay(answer.headers)
        return failure

    def _explained(self, text: str) -> tuple[str, str]:
        plain = " ".join(re.sub(r"<[^>]*>", " ", text).split())[:300]
        try:
            code, words = self._explain(json.loads(text))
        except (ValueError, KeyError, TypeError, IndexError):
            # A proxy's page instead of the platform's JSON.
            return "", plain
        return code, words or plain


def pages(read: Callable[[Optional[str]], tuple[list[Any], Optional[str]]]) -> list[Any]:
    """Reads all pages of a list. ``read`` gets a cursor (None for the first page): (items, next cursor)."""
    items: list[Any] = []
    known: set[str] = set()
    cursor: Optional[str] = None
    while True:
        page, cursor = read(cursor)
        items.extend(page)
        # The end is where the platform says so: a page without items may have pages after it.
        if not cursor:
            return items
        if cursor in known:
            raise unavailable("endless_list", f"The platform's list repeats its page {cursor}.")
        known.add(cursor)


def _delay(headers: list[tuple[str, str]]) -> Optional[int]:
    """``Retry-After`` in milliseconds: seconds, or a date."""
    text = next((value for name, value in headers if name.lower() == "retry-after"), "")
    if re.fullmatch(r"[0-9]{1,9}", text):
        return int(text) * 1000
    try:
        wait = parsedate_to_datetime(text) - datetime.now(timezone.utc)
    except (ValueError, TypeError):
        return None
    return max(int(wait.total_seconds() * 1000), 0) or None
