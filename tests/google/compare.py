"""Compares two series of requests to Ad Manager field by field: what our adapter sends, and what Google's client sends.

A request is its method, its path, each value of its query, each header and each leaf of its body. A value is compared
with its type: `7` and `"7"` differ. `DIFFERENCES` lists what may differ, with the reason. A difference that isn't
listed is an error, and so is an entry that no longer occurs: the table says neither more nor less than what is there.
"""

import collections
import dataclasses
import fnmatch
import json
import pathlib
import re
import urllib.parse

from google.ads import admanager_v1

DATA = pathlib.Path(__file__).parent.parent / "emulators" / "gam"
# What the host or the HTTP library writes into every request, whatever the adapter or the client says.
LIBRARY = ["accept-encoding", "authorization", "connection", "content-length", "user-agent"]


@dataclasses.dataclass(frozen=True)
class Difference:
    """What may differ: in requests of a path and a place in them, patterns with `*`."""

    request: str
    place: str
    kind: str
    reason: str


ENUM, EXTRA, MISSING, VALUE = "enum", "only Google's client", "only the adapter", "value"
# A zero, or the value of an enum that is 0, of a field that can't tell zero from nothing.
ZERO = "a zero that only the adapter writes"

DIFFERENCES = [
    Difference(
        "*",
        "query $alt",
        EXTRA,
        "The client asks for enum values as numbers, and sends them so. ProtoJSON takes both, and the adapter reads names, "
        "which stay readable in a log.",
    ),
    Difference("*", "*", ENUM, "See above: the same value, as a name and as a number."),
    Difference("POST */reports", "body.*", ZERO, "ProtoJSON leaves such a value out; written, it says the same."),
    Difference("PATCH */lineItems/*", "body.rate.nanos", ZERO, "The same, for a rate of whole units."),
    Difference("*", "header accept", VALUE, "The client takes anything, the adapter JSON: the API answers nothing else."),
    Difference("GET *", "header content-type", EXTRA, "A GET has no body, so there is no type to tell."),
    Difference("*", "header x-goog-api-client", EXTRA, "Which client it is, for Google's own statistics."),
    Difference("*", "header x-goog-request-params", EXTRA, "For routing gRPC; the path says the same."),
]


@dataclasses.dataclass
class Request:
    part: str
    method: str
    path: str
    headers: dict
    body: object

    def __str__(self):
        return f"{self.method} {self.path.partition('?')[0]}"


def read(path):
    """Reads what the adapter sent."""
    heard = []
    for one in json.loads(pathlib.Path(path).read_text(encoding="utf-8")):
        headers = {name.lower(): value for name, value in one["headers"]}
        body = None if one["body"] is None else json.loads(one["body"])
        heard.append(Request(one["part"], one["method"], one["path"], headers, body))
    return heard


class Listener:
    """Notes each request that goes through the sessions of Google's client."""

    def __init__(self):
        self.part = ""
        self.heard = []

    def listen(self, session):
        session.hooks["response"].append(self.hear)

    def hear(self, answer, **_):
        sent = answer.request
        url = urllib.parse.urlsplit(sent.url)
        if not url.path.startswith("/v1/"):
            return
        assert answer.status_code == 200, (sent.method, sent.url, answer.text)
        body = json.loads(sent.body) if sent.body else None
        path = f"{url.path}?{url.query}" if url.query else url.path
        headers = {name.lower(): value for name, value in sent.headers.items()}
        self.heard.append(Request(self.part, sent.method, path, headers, body))


class Types:
    """The types of request bodies, by method and path."""

    def __init__(self):
        self.methods = []
        for name in ["messages.json", "reference.json"]:
            for method in json.loads((DATA / name).read_text(encoding="utf-8"))["methods"]:
                path = re.sub(r"\{[^=}]*=([^}]*)\}", r"\1", method["path"])
                pattern = re.compile(re.escape(path).replace(r"\*", "[^/:]+") + "$")
                self.methods.append((method["verb"], pattern, method))

    def of(self, request):
        """Returns the descriptor of a request's body."""
        path = request.path.partition("?")[0]
        found = [method for verb, pattern, method in self.methods if verb == request.method and pattern.match(path)]
        assert len(found) == 1, f"{request} is no method of Ad Manager"
        kind = getattr(admanager_v1, found[0]["request"], None)
        inner = found[0].get("body")
        if kind is None:
            # The client has no requests for creatives and associations yet, but their objects.
            name = "".join(word.title() for word in inner.split("_")) if inner != "*" else None
            return None if name is None else getattr(admanager_v1, name).pb().DESCRIPTOR
        message = kind.pb().DESCRIPTOR
        return message if inner in [None, "*"] else message.fields_by_name[inner].message_type


def leaves(value, place, field=None, message=None):
    """Yields place, value and descriptor of each leaf of a body."""
    if isinstance(value, dict):
        assert value or place == "body", f"{place} is an empty object"
        for name, inner in value.items():
            found = None if message is None else next((one for one in message.fields if one.json_name == name), None)
            assert message is None or found is not None, f"{place}.{name} is no field of {message.full_name}"
            yield from leaves(inner, f"{place}.{name}", found, found.message_type if found is not None else None)
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from leaves(inner, f"{place}[{at}]", field, message)
    else:
        yield place, value, field


def parts(request, types):
    """Returns the parts of a request by their places, with descriptors of the leaves of its body."""
    found = {}
    _, _, query = request.path.partition("?")
    for name, value in urllib.parse.parse_qsl(query, strict_parsing=bool(query)):
        assert f"query {name}" not in found, f"{request}: {name} stands twice in the query"
        found[f"query {name}"] = (value, None)
    for name, value in request.headers.items():
        if name not in LIBRARY:
            found[f"header {name}"] = (value, None)
    if request.body is not None:
        message = types.of(request)
        for place, value, field in leaves(request.body, "body", None, message):
            found[place] = (value, field)
    return found


def differences(adapter, google, types):
    """Yields place, kind and what the two sent, for each difference of two requests."""
    ours, theirs = parts(adapter, types), parts(google, types)
    for place in sorted(ours.keys() | theirs.keys()):
        if place not in theirs:
            value, field = ours[place]
            yield place, ZERO if is_zero(value, field) else MISSING, value, None
        elif place not in ours:
            yield place, EXTRA, None, theirs[place][0]
        else:
            (our, field), (their, _) = ours[place], theirs[place]
            if type(our) is type(their) and our == their:
                continue
            values = None if field is None or field.enum_type is None else field.enum_type.values_by_number
            same = values is not None and their in values and values[their].name == our
            yield place, ENUM if same else VALUE, our, their


def is_zero(value, field):
    if field is None or field.has_presence:
        return False
    return value == (field.enum_type.values_by_number[0].name if field.enum_type is not None else 0)


def compare(adapter, google):
    """Compares two series of requests; returns what was compared, or raises with all that is wrong."""
    types, wrong, used, fields = Types(), [], collections.Counter(), 0
    kinds = [f"{one.part}: {one}" for one in adapter], [f"{one.part}: {one}" for one in google]
    assert kinds[0] == kinds[1], "\n".join(f"{ours:60} | {theirs}" for ours, theirs in zip(*pad(*kinds)))
    for ours, theirs in zip(adapter, google):
        fields += len(parts(ours, types))
        for place, kind, our, their in differences(ours, theirs, types):
            fits = [
                known
                for known in DIFFERENCES
                if known.kind == kind and fnmatch.fnmatch(str(ours), known.request) and fnmatch.fnmatch(place, known.place)
            ]
            used.update(fits)
            if not fits:
                wrong.append(f"{ours.part}: {ours}: {place} ({kind}): the adapter {our!r}, Google's client {their!r}")
    wrong += [f"this difference no longer occurs: {known}" for known in DIFFERENCES if known not in used]
    assert not wrong, "\n".join(["", *wrong])
    return fields


def pad(ours, theirs):
    most = max(len(ours), len(theirs))
    return ours + ["-"] * (most - len(ours)), theirs + ["-"] * (most - len(theirs))
