"""The host of a component: the contract's ``steps`` and ``cache``, and WASI's HTTP.

Import this module in the entry point of a component, and nowhere else: its imports exist only there.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn, Optional

from componentize_py_types import Err, Ok
from wit_world.imports import cache, outgoing_handler, steps, types
from wit_world.imports.streams import StreamError_Closed

from .host import NoAnswer, Request, Response, use_host

# The most bytes that one blocking write accepts.
WRITE_SIZE = 4096
# The number of bytes requested per read of a response.
READ_SIZE = 64 * 1024
# The most bytes of a response: far more than a page of any list, far less than the memory of a call.
RESPONSE_LIMIT = 8 * 1024 * 1024

METHODS = {
    "GET": types.Method_Get(), "POST": types.Method_Post(), "PUT": types.Method_Put(), "PATCH": types.Method_Patch(),
    "DELETE": types.Method_Delete(),
}


class ComponentHost:
    begin = staticmethod(steps.begin)
    absent = staticmethod(steps.absent)
    finish = staticmethod(steps.finish)
    remember = staticmethod(steps.remember)
    forget = staticmethod(steps.forget)
    cached = staticmethod(cache.get)
    cache = staticmethod(cache.put)

    def send(self, request: Request) -> Response:
        outgoing = _build(request)
        body = outgoing.body()
        try:
            answer = outgoing_handler.handle(outgoing, None)
        except Err as error:
            _no_answer(error.value)
        # Written only after the request was handed over: before that, nothing reads it.
        try:
            _write(body, request.body)
        except Err:
            # A server may answer before it has read the whole body. Then its answer counts.
            pass
        with answer.subscribe() as ready:
            ready.block()
        result: Any = answer.get()
        while isinstance(result, Ok):
            result = result.value
        if not isinstance(result, types.IncomingResponse):
            _no_answer(result.value if isinstance(result, Err) else None)
        with result as response:
            with response.headers() as headers:
                found = [(name.lower(), value.decode(errors="replace")) for name, value in headers.entries()]
            return Response(response.status(), found, _read(response.consume()))


def _build(request: Request) -> types.OutgoingRequest:
    parts = re.fullmatch(r"(https?)://([^/?#]+)([^#]*)", request.url)
    if parts is None:
        raise NoAnswer(f"{request.url} is not an address: correct the platform's endpoint")
    scheme, authority, path = parts.groups()
    headers = [(name, value.encode()) for name, value in request.headers]
    if request.body is not None:
        headers.append(("content-length", str(len(request.body)).encode()))
    try:
        outgoing = types.OutgoingRequest(types.Fields.from_list(headers))
        outgoing.set_method(METHODS[request.method])
        outgoing.set_scheme(types.Scheme_Https() if scheme == "https" else types.Scheme_Http())
        outgoing.set_authority(authority)
        outgoing.set_path_with_query(path if path.startswith("/") else f"/{path}")
    except Err as error:
        _no_answer(error.value)
    return outgoing


def _write(body: types.OutgoingBody, data: Optional[bytes]) -> None:
    if data:
        # The stream must be dropped before its body is finished.
        with body.write() as stream:
            for at in range(0, len(data), WRITE_SIZE):
                stream.blocking_write_and_flush(data[at : at + WRITE_SIZE])
    types.OutgoingBody.finish(body, None)


def _read(body: types.IncomingBody) -> bytes:
    data = bytearray()
    with body, body.stream() as stream:
        while len(data) <= RESPONSE_LIMIT:
            try:
                data += stream.blocking_read(READ_SIZE)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return bytes(data)
                raise NoAnswer("the answer broke off") from None
    raise NoAnswer(f"the answer is larger than {RESPONSE_LIMIT} bytes")


def _no_answer(code: Any) -> NoReturn:
    text = getattr(code, "value", None)
    why = text if isinstance(text, str) else type(code).__name__.removeprefix("ErrorCode_")
    raise NoAnswer(why, denied=isinstance(code, types.ErrorCode_HttpRequestDenied))


use_host(ComponentHost())
