"""Receives webhooks. An event only ends a pause early: what is true is asked from the host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .store import Store

# Events have a few hundred bytes.
MOST_BYTES = 64 * 1024


class News:
    """Tells those who wait for a media buy that something happened to it."""

    def __init__(self) -> None:
        self._awaited: dict[str, asyncio.Event] = {}

    def of(self, media_buy_id: str) -> asyncio.Event:
        return self._awaited.setdefault(media_buy_id, asyncio.Event())

    def tell(self, media_buy_id: str) -> None:
        if media_buy_id in self._awaited:
            self._awaited[media_buy_id].set()


class Receiver:
    """Verifies what is sent, and passes it on once."""

    def __init__(self, secret: str, store: Store, news: News) -> None:
        self._verifier = Webhook(secret)
        self._store = store
        self._news = news

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[str]:
        """Serves while the context is open. Port 0 is a free one; yields the address."""
        app = Starlette(routes=[Route("/", self._take, methods=["POST"])])
        config = uvicorn.Config(app, host=host, port=port, log_level="warning", lifespan="off")
        socket = config.bind_socket()
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([socket]))
        try:
            yield "http://{}:{}/".format(*socket.getsockname()[:2])
        finally:
            server.should_exit = True
            await serving

    async def _take(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return Response(status_code=413)
        try:
            # Checks the signature, and that the timestamp is not older than five minutes.
            event = self._verifier.verify(bytes(body), dict(request.headers))
        except (WebhookVerificationError, ValueError) as error:
            return Response(f"not a webhook of ours: {error}\n", status_code=401)
        # flightdeck sends at least once. An event that came before is confirmed and ignored.
        webhook_id = request.headers["webhook-id"]
        if self._store.is_new_event(webhook_id):
            print(f"webhook {event['type']} ({webhook_id})", flush=True)
            self._news.tell(event["data"].get("media_buy_id") or "")
        return Response(status_code=204)
