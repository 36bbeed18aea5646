"""What schemathesis does not know of flightdeck: which refusals the OpenAPI document can't foretell.

A request that the document allows may be refused for what the host knows and a schema does not: what is sold, what a platform can
do, what day it is. It must not be refused for its form.
"""

import os

import schemathesis

# What a refusal of a well-formed request is about. Everything else that is refused, the document must refuse, too.
OF_THE_WORLD = (
    "decimal places",  # a schema could say so, but validators reckon in binary and would refuse 0.07
    "more digits than a double keeps",  # in what is a platform's own, and has no schema here
    "there is no platform",
    "is no package that you can buy",
    "is no package of this media buy",
    "is no creative of this media buy",
    "next_cursor of the page before",
    "was never sent to this endpoint",
    "IANA time zone",
    "is named twice",
    "is given twice",
    "days of the calendar",
    "must be a day of the calendar",
    "in the future",
    "after the flight",
    "must be after",
    "must be before",
    "at most 366 days",
    "start_date",
    "schedules or presets",
    "If-Match header",
    "Idempotency-Key header",
    "U+",  # joiners, where they join nothing
    "must be a country of 2 letters",
    "private",
)


@schemathesis.check
def the_form_is_right(ctx, response, case):
    """What the document allows is not refused for its form."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    if any(not str(value).strip() for value in (case.headers or {}).values()):
        return  # a header that it leaves empty, whatever its schema says
    error = response.json()["error"]
    if error["code"] != "INVALID_PARAMETER":
        return
    said = error["message"]
    if log := os.environ.get("FLIGHTDECK_OPENAPI_REFUSALS"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"{case.operation.label}: {said}\n")
    assert any(words in said for words in OF_THE_WORLD), f"the document allows what is refused: {said}"
