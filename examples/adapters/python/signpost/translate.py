"""Translates media buys into Signpost's objects, without network.

Plans show these objects, requests send them, and an update is the difference between two of them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Optional

from flightdeck_adapter import Problems, decimal, pointer, types, word

# Signpost's limits, from its reference.
MAX_NAME = 120
MAX_GOAL = 1_000_000_000
MAX_PIXELS = 10_000
MAX_SECONDS = 120
PLACES = 4
CURRENCIES = ["USD", "EUR"]
DEVICES = ["mobile", "desktop"]

COUNTRY, DEVICE = types.Dimension_GeoCountry(), types.Dimension_DeviceType()
IMAGE, VIDEO = types.CreativeFormat_Image(), types.CreativeFormat_Video()


@dataclass
class Line:
    package_id: str
    creative_ids: list[str]
    fields: dict[str, Any]


def _support(dimension: types.Dimension, values: list[str], note: str) -> types.DimensionSupport:
    operators = [types.Operator.ANY_OF]
    return types.DimensionSupport(dimension=dimension, operators=operators, values=values, note=note, extensions=[])


def describe() -> types.Description:
    """What Signpost can do. It must not depend on anything but this file."""
    countries = {
        "description": "Where the product runs, if the buyer does not say. Buyers can choose only among these.",
        "type": "array",
        "items": {"type": "string", "pattern": "^[A-Z]{2}$"},
    }
    return types.Description(
        platform="signpost",
        title="Signpost",
        adapter_version="1.0.0",
        formats=[IMAGE, VIDEO],
        targeting=[_support(COUNTRY, [], "ISO 3166-1 codes such as US"), _support(DEVICE, DEVICES, "")],
        dayparting=None,
        frequency_cap=None,
        pacing=[types.Pacing_Even(), types.Pacing_Asap()],
        price_models=[types.PriceModel_Cpm()],
        updates=[
            types.UpdateKind_Active(), types.UpdateKind_TotalBudget(), types.UpdateKind_EndDate(),
            types.UpdateKind_Targeting(), types.UpdateKind_Pacing(), types.UpdateKind_DailyBudget(),
            types.UpdateKind_Budget(), types.UpdateKind_Impressions(), types.UpdateKind_Price(),
            types.UpdateKind_CreativeAssignments(),
        ],
        settings_schema=json.dumps({"type": "object", "properties": {}, "additionalProperties": False}),
        product_settings_schema=json.dumps(
            {"type": "object", "properties": {"countries": countries}, "additionalProperties": False}
        ),
        read_requests=[],
        write_requests=[],
        lookup_lag_ms=1000,
        batch_size=25,
        cancel=types.CancelSupport_Stops(),
        delivery_counting=types.DeliveryCounting_Daily(),
        extensions=[],
    )


def translate(buy: types.MediaBuy, advertiser_id: str, problems: Problems) -> tuple[dict[str, Any], list[Line]]:
    """The order and the lines of a buy. Adds everything that Signpost can't do to the problems."""
    if buy.currency not in CURRENCIES:
        message = "Signpost sells in USD and EUR."
        problems.unsupported("unsupported_currency", "/currency", buy.currency, message, CURRENCIES)
    if buy.daily_budget is not None:
        message = "Signpost has daily budgets of lines only: set one in each package."
        problems.unsupported("unsupported_daily_budget", "/daily_budget", decimal(buy.daily_budget), message)
    order = {
        "name": buy.name[:MAX_NAME],
        "advertiser_id": advertiser_id,
        "currency": buy.currency,
        # At once: a line without a creative delivers nothing, and creatives come later.
        "state": "live",
        # Where a cancel finds an order whose id was never learned.
        "memo": buy.media_buy_id,
    }
    return order, [_line(buy, package, problems) for package in buy.packages]


def _price_field(package: types.PackageOrder) -> str:
    """The buyer's field for the price: the last part of the pointer of a refusal."""
    model = word(package.price.model)
    return "flat_price" if model == "flat" else model


def _line(buy: types.MediaBuy, package: types.PackageOrder, problems: Problems) -> Line:
    at = pointer("packages", package.package_id)
    if package.price.model != types.PriceModel_Cpm():
        message = "Signpost has prices per thousand impressions only."
        field = f"{at}/{_price_field(package)}"
        problems.unsupported("unsupported_price_model", field, word(package.price.model), message, ["cpm"])
    pacing = word(package.pacing)
    if pacing not in ("even", "asap"):
        message = "Signpost paces evenly or as fast as possible."
        problems.unsupported("unsupported_pacing", f"{at}/pacing", pacing, message, ["even", "asap"])
    if package.impressions > MAX_GOAL:
        message = f"A line's goal is at most {MAX_GOAL}."
        problems.invalid("goal_too_large", f"{at}/impressions", package.impressions, message)
    if package.daily_impressions is not None:
        message = "Signpost caps the budget of a day, not its impressions."
        problems.unsupported(
            "unsupported_daily_impressions", f"{at}/daily_impressions", package.daily_impressions, message
        )
    fields = {
        "name": package.name[:MAX_NAME],
        "goal_impressions": package.impressions,
        "rate": _amount(package.price.rate, f"{at}/{_price_field(package)}", problems),
        "rate_type": "cpm",
        "start": package.start,
        "end": package.end,
        "pacing": pacing,
        "active": buy.active and package.active,
        "daily_budget": _amount(package.daily_budget, f"{at}/daily_budget", problems),
        **_targeting(package, at, problems),
    }
    return Line(package.package_id, package.creative_ids, fields)


def _amount(micros: Optional[int], field: str, problems: Problems) -> Optional[str]:
    if micros is None:
        return None
    text = decimal(micros, PLACES)
    if text is None:
        message = f"Signpost's amounts have at most {PLACES} decimal places."
        problems.invalid("too_exact", field, decimal(micros), message)
    return text


def _targeting(package: types.PackageOrder, at: str, problems: Problems) -> dict[str, list[str]]:
    targeting = package.targeting
    sold = json.loads(package.product_settings).get("countries", [])
    countries, devices = sold, []

    def refuse(name: str, value: object, message: str, supported: Optional[list[str]] = None) -> None:
        field = f"{at}/targeting_overlay/{name}"
        problems.unsupported("unsupported_targeting", field, value, message, supported)

    for rule in targeting.rules:
        name = f"{word(rule.dimension)}_{rule.operator.name.lower()}"
        if rule.operator is not types.Operator.ANY_OF or rule.dimension not in (COUNTRY, DEVICE):
            refuse(name, ", ".join(rule.values), "Signpost can only include countries and devices.")
            continue
        accepts = DEVICES if rule.dimension == DEVICE else sold
        for value in rule.values:
            if accepts and value not in accepts:
                refuse(name, value, f"This product does not run on or in {value}.", accepts)
        if rule.dimension == DEVICE:
            devices = rule.values
        else:
            countries = rule.values
    if targeting.dayparting:
        refuse("dayparting", targeting.dayparting.timezone, "Signpost has no day parts.")
    if targeting.frequency_cap:
        refuse("frequency_cap", targeting.frequency_cap.suppress_minutes, "Signpost has no frequency caps.")
    if targeting.custom:
        refuse("custom", targeting.custom, "Signpost has no targeting of its own.")
    # Sorted as Signpost keeps them, so that an order of words is no difference.
    return {"countries": sorted(countries), "devices": sorted(devices)}


def translate_creative(creative: types.Creative, advertiser_id: str) -> dict[str, Any]:
    """A creative as Signpost takes it. Raises a failure that says what is missing."""
    problems = Problems()
    at = pointer("assets", creative.creative_id)
    fields: dict[str, Any] = {
        "advertiser_id": advertiser_id,
        "name": creative.name[:MAX_NAME],
        "format": word(creative.format),
        "url": creative.media_url,
    }
    if creative.click_url is not None:
        fields["click_url"] = creative.click_url
    if not creative.media_url:
        problems.invalid("missing_media_url", f"{at}/media_url", "", "Signpost needs the URL of the asset.")
    if creative.format == IMAGE:
        fields["width"] = _size(creative.width, f"{at}/width", MAX_PIXELS, problems)
        fields["height"] = _size(creative.height, f"{at}/height", MAX_PIXELS, problems)
    elif creative.format == VIDEO:
        # Whole seconds: a started second counts.
        seconds = -(-(creative.duration_ms or 0) // 1000)
        fields["duration_seconds"] = _size(seconds, f"{at}/duration_ms", MAX_SECONDS, problems)
    else:
        message = "Signpost runs images and videos."
        problems.unsupported("unsupported_format", f"{at}/format", word(creative.format), message, ["image", "video"])
    problems.check()
    return fields


def _size(value: Optional[int], field: str, most: int, problems: Problems) -> Optional[int]:
    if not value or value > most:
        problems.invalid("invalid_size", field, value or "", f"Signpost needs a value of 1 to {most}.")
    return value

