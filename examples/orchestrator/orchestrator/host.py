"""One call of a tool over MCP, and which errors are worth another try."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

# A create is answered within 20 seconds: a longer one goes on while its operation is polled.
TIMEOUT_SECONDS = 60

RETRIED_STATUSES = {408, 425, 429}
RETRIED_CODES = {"OPERATION_IN_PROGRESS", "RATE_LIMITED", "PLATFORM_UNAVAILABLE", "ADAPTER_UNAVAILABLE"}


class Unavailable(Exception):
    """Nothing is known of the call, or it is not possible now. The same call, with the same key, may be sent again."""

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Refused(Exception):
    """The call is wrong, and would be refused again."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Host:
    """A flightdeck."""

    def __init__(self, url: str, token: str) -> None:
        self._url = f"{url.rstrip('/')}/mcp"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Calls a tool once, on a connection of its own: minutes lie between two calls, and a restart of the host.

        Raises:
            Unavailable: Try again.
            Refused: Don't.
        """
        last: httpx2.Response | None = None

        async def remember(response: httpx2.Response) -> None:
            nonlocal last
            last = response

        try:
            async with (
                httpx2.AsyncClient(
                    headers=self._headers, timeout=TIMEOUT_SECONDS, event_hooks={"response": [remember]}
                ) as http,
                Client(streamable_http_client(self._url, http_client=http)) as client,
            ):
                result = await client.call_tool(tool, arguments)
        # The client runs tasks, so what happens in it arrives in groups.
        except (ExceptionGroup, MCPError, httpx2.HTTPError, OSError) as trouble:
            raise _judged(tool, _first(trouble), last) from trouble
        content: dict[str, Any] = result.structured_content or {}
        if not result.is_error:
            return content
        error = content.get("error", {"code": "UNKNOWN", "message": str(result.content)})
        code, message, wait = error["code"], error["message"], error.get("retry_after")
        if code in RETRIED_CODES or wait is not None:
            raise Unavailable(f"{code}: {message}", wait or 0)
        if error.get("suggestion"):
            message = f"{message} ({error['suggestion']})"
        raise Refused(code, message)


def _judged(tool: str, trouble: BaseException, last: httpx2.Response | None) -> Unavailable | Refused:
    status = last.status_code if last is not None else None
    if status is not None and 400 <= status < 500 and status not in RETRIED_STATUSES:
        code = "AUTHENTICATION_REQUIRED" if status == 401 else "HTTP_ERROR"
        return Refused(code, f"{tool} was answered with the HTTP status {status}")
    if isinstance(trouble, MCPError) and status == 200:
        return Refused("PROTOCOL_ERROR", str(trouble))
    asked = last.headers.get("Retry-After") if last is not None and status != 200 else None
    return Unavailable(f"{tool}: {trouble or type(trouble).__name__}", _seconds(asked))


def _first(trouble: BaseException) -> BaseException:
    while isinstance(trouble, BaseExceptionGroup):
        trouble = trouble.exceptions[0]
    return trouble


def _seconds(retry_after: str | None) -> float:
    """A `Retry-After`: seconds, or an HTTP date."""
    if retry_after is None:
        return 0
    try:
        return max(0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0
