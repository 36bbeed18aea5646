"""Writes what Kevel's OpenAPI document says about the fields of requests as one data file.

The document isn't part of this repository: Kevel publishes it, and the folder with it is an argument. Only facts are
written: for every request that writes an object the emulator has, each field with its type, whether it is required, may
be null or is read only, its values, limits and default. A test compares them with `objects.json`, which the emulator
goes by, and wants a reason for every difference.

    extract.py FOLDER openapi.json            write the file
    extract.py --check FOLDER openapi.json    exit with 1 and name what differs
"""

import argparse
import difflib
import json
import pathlib
import sys

import yaml

# The emulator's types, with the requests that write them: file, path, verb, and the fields that lead to the object.
REQUESTS = {
    "advertiser": [
        ("advertiser.yaml", "/v1/advertiser", "post", ()),
        ("advertiser.yaml", "/v1/advertiser/{id}", "put", ()),
    ],
    "campaign": [
        ("campaign.yaml", "/v1/campaign", "post", ()),
        ("campaign.yaml", "/v1/campaign/{id}", "put", ()),
        ("campaign.yaml", "/v2/campaign", "post", ()),
    ],
    "flight": [
        ("flight.yaml", "/v1/flight", "post", ()),
        ("flight.yaml", "/v1/flight/{id}", "put", ()),
        ("campaign.yaml", "/v2/campaign", "post", ("Flights",)),
    ],
    "creative": [
        ("creative.yaml", "/v1/creative", "post", ()),
        ("creative.yaml", "/v1/creative/{id}", "put", ()),
        ("campaign.yaml", "/v2/campaign", "post", ("Flights", "Ads", "Creative")),
    ],
    "ad": [
        ("ad.yaml", "/v1/flight/{flightId}/creative", "post", ()),
        ("ad.yaml", "/v1/flight/{flightId}/creative/{id}", "put", ()),
        ("campaign.yaml", "/v2/campaign", "post", ("Flights", "Ads")),
    ],
    "geo": [
        ("geo-targeting.yaml", "/v1/flight/{flightId}/geotargeting", "post", ()),
        ("geo-targeting.yaml", "/v1/flight/{flightId}/geotargeting/{locationId}", "put", ()),
        ("flight.yaml", "/v1/flight", "post", ("GeoTargeting",)),
    ],
    "site_zone": [
        ("site-zone-targeting.yaml", "/v1/flight/{flightId}/sitezonetargeting", "post", ()),
        ("site-zone-targeting.yaml", "/v1/flight/{flightId}/sitezonetargeting/{id}", "put", ()),
        ("flight.yaml", "/v1/flight", "post", ("SiteZoneTargeting",)),
    ],
    "day_part": [("day-part.yaml", "/v1/flight/{flightId}/dayparting", "post", ())],
}

FACTS = ["type", "format", "nullable", "readOnly", "enum", "minimum", "maximum", "minLength", "maxLength", "default"]
# Bodies are JSON; a creative may also be sent as a form with its image.
BODIES = ["application/json", "multipart/form-data", "application/x-www-form-urlencoded"]


class Document:
    """The files of the document, with their references."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.files = {}

    def file(self, path):
        path = path.resolve()
        if path not in self.files:
            self.files[path] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return self.files[path]

    def follow(self, path, value):
        """Returns where a value is in the end: the file, and the value without its reference."""
        while "$ref" in value:
            beside = {name: fact for name, fact in value.items() if name != "$ref"}
            name, _, pointer = value["$ref"].partition("#/")
            path = path.parent / name if name else path
            found = self.file(path)
            for part in pointer.split("/"):
                found = found[part.replace("~1", "/")]
            value = {**found, **beside}
        return path, value

    def fields(self, path, schema):
        """Returns the fields of an object, each with its file, and the names of the required ones."""
        path, schema = self.follow(path, schema)
        fields, required = {}, set(schema.get("required", []))
        for part in schema.get("allOf", []):
            more, needed = self.fields(path, part)
            fields |= more
            required |= needed
        fields |= {name: (path, field) for name, field in schema.get("properties", {}).items()}
        return fields, required

    def request(self, file, route, verb, within):
        path = self.folder / file
        found = self.file(path)["paths"][route][verb]["requestBody"]["content"]
        body = next(found[kind] for kind in BODIES if kind in found)
        fields, required = self.fields(path, body["schema"])
        for name in within:
            at, field = self.follow(*fields[name])
            fields, required = self.fields(at, field.get("items", field))
        # The document requires a field that it no longer has, and that Kevel's own client therefore can't send: the
        # StartDateISO of a campaign's update. Such a name is left out.
        return [self.facts(name, at, field, name in required) for name, (at, field) in fields.items()]

    def facts(self, name, path, field, required):
        path, field = self.follow(path, field)
        # One form of several says nothing that holds for all of them, except its type.
        found = {"name": name} | {fact: field[fact] for fact in FACTS if fact in field}
        if "type" not in found:
            found["type"] = "object"
        if "items" in field:
            found["items"] = self.follow(path, field["items"])[1].get("type", "object")
        if field.get("required"):
            found["requires"] = field["required"]
        if required:
            found["required"] = True
        return found


def write(document):
    def line(value):
        return json.dumps(value, ensure_ascii=False, default=str)

    objects = []
    for name, requests in REQUESTS.items():
        parts = []
        for file, route, verb, within in requests:
            label = " ".join([verb.upper(), route, *within])
            rows = ",\n".join(f"      {line(fact)}" for fact in document.request(file, route, verb, within))
            parts.append(f"    {line(label)}: [\n{rows}\n    ]")
        joined = ",\n".join(parts)
        objects.append(f"  {line(name)}: {{\n{joined}\n  }}")
    return "{\n" + ",\n".join(objects) + "\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="the folder with Kevel's OpenAPI document: flight.yaml, schemas/flight.yaml, …")
    parser.add_argument("file", help="the data file: tests/emulators/kevel/openapi.json")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the file differs")
    arguments = parser.parse_args()
    made = write(Document(arguments.folder))
    path = pathlib.Path(arguments.file)
    if not arguments.check:
        path.write_text(made, encoding="utf-8")
        return
    kept = path.read_text(encoding="utf-8")
    if kept != made:
        changed = difflib.unified_diff(kept.splitlines(), made.splitlines(), "the file", "the document", n=0, lineterm="")
        sys.exit("\n".join(["The file isn't what the document says:", *changed]))


if __name__ == "__main__":
    main()
