"""Writes what Google publishes about the messages of the Ad Manager API as one data file.

The facts come from the installed package `google-ads-admanager`: descriptors say which messages, fields, types and enum
values there are; the transports say which methods there are, with verb, path and body; the descriptors carry no
behaviour of fields, so the words at the beginning of a field's documentation say whether it is required, output only,
input only, immutable or the identifier, and the documentation gives the largest lengths, counts and numbers. Only these
facts are written, none of the documentation's sentences.

    extract.py messages.json            write the file
    extract.py --check messages.json    exit with 1 and name what differs

A limit that the documentation gives in words this script doesn't know ends it with an error, so that none is lost when
the package changes.
"""

import argparse
import difflib
import importlib
import json
import re
import sys
import textwrap
import typing
from importlib import metadata

from google.ads import admanager_v1
from google.longrunning import operations_pb2

PACKAGE = "google-ads-admanager"
PREFIX = "google.ads.admanager.v1."

# The services whose objects are written: all of their methods.
WRITTEN = ["order", "line_item", "creative", "line_item_creative_association", "creative_set", "report"]
# The services that are only read: their Get and List methods.
READ = [
    "ad_unit", "audience_segment", "bandwidth_group", "browser", "browser_language", "company", "creative_template",
    "custom_field", "custom_targeting_key", "custom_targeting_value", "device_category", "geo_target", "label", "network",
    "operating_system", "placement", "team", "user",
]  # fmt: skip
# Messages that no method names, because they are wrapped in a long-running operation.
WRAPPED = [admanager_v1.RunReportMetadata, admanager_v1.RunReportResponse]

# Messages with a form of their own in JSON.
WELL_KNOWN = {
    "google.protobuf.Timestamp": "timestamp",
    "google.protobuf.Duration": "duration",
    "google.protobuf.FieldMask": "fieldMask",
    "google.protobuf.Any": "any",
}
TYPES = {1: "double", 2: "float", 3: "int64", 5: "int32", 8: "bool", 9: "string", 12: "bytes"}
MESSAGE, ENUM = 11, 14

BEHAVIOURS = {
    "Required": "required",
    "Output only": "output",
    "Input only": "input",
    "Immutable": "immutable",
    "Identifier": "identifier",
}
# What else stands at the beginning of a field's documentation, and says nothing that a reader of bodies needs.
OTHER_WORDS = ["Optional", "Unordered list", "Non-empty default", "Deprecated"]
WORDS = re.compile(r"(?:(" + "|".join([*BEHAVIOURS, *OTHER_WORDS]) + r")[.:] )")

NUMBER = r"([\d,]+)"
LIMITS = [
    ("maxLength", re.compile(rf"[Mm]ax(?:imum)? length (?:of|is) {NUMBER} characters")),
    ("maxLength", re.compile(rf"can contain up to {NUMBER} characters")),
    ("maxLength", re.compile(rf"can't exceed {NUMBER} characters")),
    ("maxItems", re.compile(rf"[Aa] maximum of {NUMBER} objects")),
    ("maxItems", re.compile(rf"limit of {NUMBER} ")),
    ("maximum", re.compile(rf"[Aa] maximum of {NUMBER} days is allowed")),
    ("range", re.compile(rf"values range from {NUMBER} to {NUMBER}")),
    # Larger pages are made smaller, not refused.
    ("coerced", re.compile(rf"maximum value is {NUMBER}[;,]? (?:and )?(?:values|[\w ]*larger)")),
    ("default", re.compile(rf"at most {NUMBER} [\w` -]+ will be returned")),
]
# Words that announce a limit. A field whose documentation has one of them, and from which no limit was read, must be
# listed below.
ANNOUNCED = re.compile(r"\d[\d,]* (?:characters|bytes|objects)|[Mm]aximum (?:of|length|value)|limit of|range from|at most")
NO_LIMIT = {
    # The field itself is a maximum, or the sentence is about something else.
    "FrequencyCap.max_impressions",
}


def short(name):
    return name.removeprefix(PREFIX)


def documentation(message):
    """Returns the documentation of each field of a class of the package, by name."""
    text = (message.__doc__ or "").partition("Attributes:\n")[2]
    parts = re.split(r"^ {8}(\w+) \(.*\):\n", text, flags=re.M)
    return {name: " ".join(said.split()) for name, said in zip(parts[1::2], parts[2::2])}


def behaviour(said):
    found = []
    while match := WORDS.match(said):
        if word := BEHAVIOURS.get(match[1]):
            found.append(word)
        said = said[match.end() :]
    return sorted(found)


def limits(place, said):
    found = {}
    for name, pattern in LIMITS:
        match = pattern.search(said)
        if not match:
            continue
        numbers = [int(number.replace(",", "")) for number in match.groups()]
        if name == "range":
            found["minimum"], found["maximum"] = numbers
        else:
            found.setdefault(name, numbers[0])
    if not found and ANNOUNCED.search(said) and place not in NO_LIMIT:
        sys.exit(f"{place}: this script can't read the limit in: {said}")
    return found


def filterable(said):
    listed = said.partition("**Filterable fields:**")[2]
    return sorted(re.findall(r"- ``([\w.]+)``", listed))


class Facts:
    """What is written to the file."""

    def __init__(self):
        self.methods = []
        self.messages = {}
        self.enums = {}

    def service(self, name, only):
        module = f"google.ads.admanager_v1.services.{name}_service.transports"
        service = "".join(part.title() for part in name.split("_")) + "Service"
        transport = getattr(importlib.import_module(f"{module}.base"), f"{service}Transport")
        routes = getattr(importlib.import_module(f"{module}.rest_base"), f"_Base{service}RestTransport")
        for called in sorted(vars(transport)):
            # Every service has the methods of long-running operations; only reports have such operations.
            if called == "cancel_operation" or (called == "get_operation" and name != "report"):
                continue
            method = "".join(part.title() for part in called.split("_"))
            base = getattr(routes, f"_Base{method}", None)
            if base is None or (only and not method.startswith(only)) or not hasattr(base, "_get_http_options"):
                continue
            hints = typing.get_type_hints(getattr(transport, called).fget)["return"]
            [request], answers = typing.get_args(hints)
            # Usually the answer or something that becomes it.
            answer = (typing.get_args(answers) or (answers,))[0]
            for option in base._get_http_options():
                route = {"verb": option["method"].upper(), "path": option["uri"]}
                if "body" in option:
                    route["body"] = option["body"]
                self.methods.append(
                    {"name": f"{service}.{method}", **route, "request": self.take(request), "response": self.take(answer)}
                )

    def take(self, message):
        """Takes a message and everything in it; returns its name."""
        pb = getattr(message, "pb", None)
        return self.message(pb().DESCRIPTOR if pb else message.DESCRIPTOR, message if pb else None)

    def message(self, descriptor, documented):
        name = short(descriptor.full_name)
        if name in self.messages:
            return name
        self.messages[name] = fields = []
        said = documentation(documented) if documented else {}
        inner = {own: field.message for own, field in documented.meta.fields.items()} if documented else {}
        for field in descriptor.fields:
            words = said.get(field.name, "")
            found = {"name": field.json_name, **self.kind(field, inner.get(field.name))}
            oneof = field.containing_oneof
            if oneof and not oneof.name.startswith("_"):
                found["oneof"] = oneof.name
            if is_ := behaviour(words):
                found["is"] = is_
            found |= limits(f"{name}.{field.name}", words)
            if documented and "Filterable fields" in words:
                found["filterable"] = filterable(words)
            fields.append(found)
        return name

    def kind(self, field, documented):
        if field.type == ENUM:
            found = {"enum": self.enum(field.enum_type)}
        elif field.type == MESSAGE:
            described = field.message_type
            if described.GetOptions().map_entry:
                value = described.fields_by_name["value"]
                return {"map": TYPES[described.fields_by_name["key"].type], **self.kind(value, documented)}
            own = WELL_KNOWN.get(described.full_name)
            if own is None and described.full_name.startswith("google.protobuf."):
                sys.exit(f"{field.full_name}: this script doesn't know the form of {described.full_name} in JSON")
            proto_plus = documented if hasattr(documented, "pb") else None
            found = {"type": own} if own else {"message": self.message(described, proto_plus)}
        else:
            found = {"type": TYPES[field.type]}
        if field.is_repeated:
            return found | {"list": True}
        # Such a field is left out of JSON when it has its type's empty value.
        return found if field.has_presence else found | {"implicit": True}

    def enum(self, descriptor):
        name = short(descriptor.full_name)
        self.enums[name] = {value.name: value.number for value in descriptor.values}
        return name


def gather():
    facts = Facts()
    for name in WRITTEN:
        facts.service(name, ())
    for name in READ:
        facts.service(name, ("Get", "List"))
    for message in [*WRAPPED, operations_pb2.Operation]:
        facts.take(message)
    return facts


def write(facts):
    """One line for each method and field, enums wrapped: a change of the package is a difference that can be read."""

    def rows(items):
        return ",\n".join(items)

    def line(value):
        return json.dumps(value, ensure_ascii=False)

    methods = rows(f"    {line(method)}" for method in sorted(facts.methods, key=lambda method: (method["name"], method["path"])))
    messages = []
    for name, fields in sorted(facts.messages.items()):
        inside = rows(f"      {line(field)}" for field in fields)
        messages.append(f"    {line(name)}: [\n{inside}\n    ]" if fields else f"    {line(name)}: []")
    enums = []
    for name, values in sorted(facts.enums.items()):
        wrapped = textwrap.wrap(line(values)[1:-1], 150, break_long_words=False, break_on_hyphens=False)
        inside = "\n".join(f"      {part}" for part in wrapped)
        enums.append(f"    {line(name)}: {{\n{inside}\n    }}")
    source = line(f"{PACKAGE} {metadata.version(PACKAGE)}")
    return (
        f'{{\n  "source": {source},\n  "methods": [\n{methods}\n  ],\n  "messages": {{\n{rows(messages)}\n  }},\n'
        f'  "enums": {{\n{rows(enums)}\n  }}\n}}\n'
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", help="the data file: tests/emulators/gam/messages.json")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    arguments = parser.parse_args()
    made = write(gather())
    if not arguments.check:
        with open(arguments.file, "w", encoding="utf-8") as file:
            file.write(made)
        return
    with open(arguments.file, encoding="utf-8") as file:
        kept = file.read()
    if kept != made:
        changed = difflib.unified_diff(kept.splitlines(), made.splitlines(), "the file", "the package", n=0, lineterm="")
        sys.exit("\n".join(["The file isn't what the package says; run `make schemas`:", *changed]))


if __name__ == "__main__":
    main()
