"""Plays the life of a buy with video, display and redirect creatives on an Ad Manager emulator with Google's own
client, and compares field by field what both put on the wire.

Every answer of the emulator is read by Google's type of this answer and written again by Google's library: what comes
out must be what the emulator sent, to the last field. So must every object that is written: each field that was sent
and that Google keeps comes back with its value. What `client.py` says about the emulator's endpoint holds here, too.
"""

import argparse
import base64
import datetime
import json
import pathlib
import re

from client import Play
from google.ads import admanager_v1
from google.ads.admanager_v1.services.report_service.transports import ReportServiceRestTransport
from google.longrunning import operations_pb2
from google.protobuf import field_mask_pb2, json_format
from google.type import date_pb2, money_pb2

DATA = pathlib.Path(__file__).parent.parent / "emulators" / "gam"
START = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
END = START + datetime.timedelta(days=10)
# A picture of one pixel.
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Wire:
    """What goes over the wire, and what Google's library makes of it."""

    def __init__(self):
        self.compared = 0
        self.methods = []
        for name in ["messages.json", "reference.json"]:
            for method in json.loads((DATA / name).read_text(encoding="utf-8"))["methods"]:
                path = re.sub(r"\{[^=}]*=([^}]*)\}", r"\1", method["path"])
                pattern = re.compile(re.escape(path).replace(r"\*", "[^/:]+") + "$")
                self.methods.append((method["verb"], pattern, method["response"]))

    def listen(self, session):
        session.hooks["response"].append(self.hear)

    def hear(self, answer, **_):
        path = answer.url.split("?")[0].partition("/v1/")[2]
        if not path or answer.status_code != 200:
            return
        found = [name for verb, pattern, name in self.methods if verb == answer.request.method and pattern.match(f"/v1/{path}")]
        assert len(found) == 1, (answer.request.method, path, found)
        self.compare(found[0], answer.text)

    def compare(self, name, text):
        if name == "google.protobuf.Empty":
            assert json.loads(text) == {}, text
        elif name == "google.longrunning.Operation":
            self.same(name, text, json_format.MessageToDict(json_format.Parse(text, operations_pb2.Operation())))
        else:
            # A message of creatives or associations that the package hasn't yet holds a list of one it has.
            kind = getattr(admanager_v1, name, None)
            if kind is None:
                [(_, items)] = json.loads(text).items()
                inner = admanager_v1.Creative if name.endswith("CreativesResponse") else admanager_v1.LineItemCreativeAssociation
                for item in items:
                    self.same(name, json.dumps(item), written(inner.from_json(json.dumps(item))))
            else:
                self.same(name, text, written(kind.from_json(text)))
        self.compared += 1

    @staticmethod
    def same(name, text, again):
        sent = json.loads(text)
        assert again == sent, f"{name}: Google's library writes\n{json.dumps(again)}\nwhere the emulator wrote\n{text}"


def written(message):
    """Returns a message as Google's library writes it."""
    return json.loads(
        type(message).to_json(message, use_integers_for_enums=False, always_print_fields_with_no_presence=False)
    )


def kept(sent, back, place, dropped=()):
    """Checks that each field that was sent came back with its value."""
    if isinstance(sent, dict):
        for name, value in sent.items():
            if name not in dropped:
                assert name in back, f"{place}.{name} is lost"
                kept(value, back[name], f"{place}.{name}", dropped)
    elif isinstance(sent, list):
        assert len(sent) == len(back), f"{place}: {sent} became {back}"
        for at, (one, other) in enumerate(zip(sent, back)):
            kept(one, other, f"{place}[{at}]", dropped)
    else:
        assert sent == back, f"{place}: {sent!r} became {back!r}"


class Life(Play):
    def __init__(self, url, key):
        self.wire = Wire()
        super().__init__(url, key)
        self.wire.listen(self.session)

    def client(self, client, transport):
        made = super().client(client, transport)
        self.wire.listen(made.transport._session)
        return made

    def clock(self, now):
        assert self.session.put(f"{self.url}/__control/clock", json={"now": now.isoformat()}).ok

    def place(self, order, name, size, **fields):
        width, height, count = size
        wanted = admanager_v1.LineItem(
            order=order.name,
            display_name=name,
            external_line_item_id=f"life-{name}",
            start_time=START,
            target_end_time=END,
            creative_rotation_type="EVENLY",
            line_item_type="STANDARD",
            cost_type="CPM",
            # Whole units: nanos is zero, and a zero is not on the wire.
            rate=money_pb2.Money(currency_code="USD", units=12),
            creative_placeholders=[
                admanager_v1.CreativePlaceholder(
                    size=admanager_v1.Size(width=width, height=height, size_type="PIXEL"), expected_creative_count=count
                )
            ],
            goal=admanager_v1.Goal(goal_type="LIFETIME", unit_type="IMPRESSIONS", units=10_000),
            frequency_caps=[admanager_v1.FrequencyCap(max_impressions=3, time_amount=2, time_unit="HOUR")],
            skip_inventory_check=True,
            **fields,
        )
        made = self.line_items.create_line_item(parent=self.network, line_item=wanted)
        # What counts for one request doesn't come back.
        assert "skip_inventory_check" not in made
        kept(written(wanted), written(made), name, ["skipInventoryCheck"])
        return made

    def units(self, *ids):
        return admanager_v1.InventoryTargeting(
            targeted_ad_units=[
                admanager_v1.AdUnitTargeting(ad_unit=f"{self.network}/adUnits/{one}", include_descendants=True)
                for one in ids
            ]
        )

    def display(self, order):
        targeting = admanager_v1.Targeting(
            inventory_targeting=self.units(6001),
            custom_targeting=admanager_v1.CustomTargeting(
                custom_targeting_clauses=[
                    admanager_v1.CustomTargetingClause(
                        custom_targeting_literals=[
                            admanager_v1.CustomTargetingLiteral(
                                custom_targeting_key=f"{self.network}/customTargetingKeys/7001",
                                custom_targeting_values=[f"{self.network}/customTargetingValues/7101"],
                                negative=False,
                            )
                        ]
                    )
                ]
            ),
        )
        return self.place(order, "display", (300, 250, 3), targeting=targeting)

    def video(self, order):
        targeting = admanager_v1.Targeting(
            inventory_targeting=self.units(6005),
            request_platform_targeting=admanager_v1.RequestPlatformTargeting(request_platforms=["VIDEO_PLAYER"]),
            video_position_targeting=admanager_v1.VideoPositionTargeting(
                video_positions=[admanager_v1.VideoPosition(position_type="PREROLL")]
            ),
        )
        return self.place(
            order,
            "video",
            (640, 480, 1),
            environment_type="VIDEO_PLAYER",
            max_video_creative_duration=datetime.timedelta(seconds=30),
            targeting=targeting,
        )

    def creative(self, order, item, name, size, dropped=(), **kind):
        width, height = size
        wanted = admanager_v1.Creative(
            display_name=name,
            advertiser=order.advertiser,
            size=admanager_v1.Size(width=width, height=height, size_type="PIXEL"),
            **kind,
        )
        made = self.send(f"{self.network}/creatives", wanted)
        kept(written(wanted), written(made), name, dropped)
        tie = admanager_v1.LineItemCreativeAssociation(line_item=item.name, creative=made.name)
        tied = self.send(f"{item.name}/creatives", tie)
        kept(written(tie), written(tied), f"association of {name}")
        return made

    def creatives(self, order, display, video):
        address = "https://acme.example/"
        self.creative(
            order,
            display,
            "redirect",
            (300, 250),
            image_redirect_creative=admanager_v1.ImageRedirectCreativeDetails(
                image_url="https://cdn.example/banner.png",
                destination_url=address,
                alt_text="Banner",
                third_party_impression_tracking_urls=["https://track.example/1"],
            ),
        )
        hosted = self.creative(
            order,
            display,
            "hosted",
            (300, 250),
            # The bytes are replaced by an asset of Google's.
            ["assetByteArray"],
            image_creative=admanager_v1.ImageCreativeDetails(
                destination_url=address,
                primary_image_asset=admanager_v1.CreativeAsset(
                    file_name="pixel.gif",
                    asset_byte_array=GIF,
                    size=admanager_v1.Size(width=300, height=250, size_type="PIXEL"),
                ),
            ),
        )
        asset = hosted.image_creative.primary_image_asset
        assert (asset.file_size, asset.asset_byte_array) == (len(GIF), b""), asset
        self.creative(
            order,
            display,
            "tag",
            (300, 250),
            third_party_creative=admanager_v1.ThirdPartyCreativeDetails(
                snippet="<script src='https://ads.example/t.js'></script>", destination_url=address
            ),
        )
        self.creative(
            order,
            video,
            "spot",
            (640, 480),
            vast_redirect_creative=admanager_v1.VastRedirectCreativeDetails(
                vast_xml_url="https://ads.example/vast.xml",
                vast_redirect_type="LINEAR",
                duration=datetime.timedelta(seconds=15),
                destination_url_type="NONE",
                tracking_urls=[admanager_v1.VideoTrackingUrl(conversion_event="COMPLETE", url="https://track.example/2")],
            ),
        )

    def status(self, item):
        return self.line_items.get_line_item(name=item.name).status.name

    def change(self, item, paths, **fields):
        wanted = admanager_v1.LineItem(name=item.name, **fields)
        mask = field_mask_pb2.FieldMask(paths=paths)
        before = written(self.line_items.get_line_item(name=item.name))
        made = self.line_items.update_line_item(line_item=wanted, update_mask=mask)
        kept(written(wanted), written(made), item.display_name)
        # Nothing else changed, but for what Google derives.
        named = {path.title().replace("_", "") for path in paths}
        for name, value in before.items():
            if name[:1].upper() + name[1:] not in named and name not in ["updateTime", "budget", "stats", "deliveryIndicator"]:
                kept({name: value}, written(made), f"{item.display_name} after a change")

    def report(self, items):
        reports = self.client(admanager_v1.ReportServiceClient, ReportServiceRestTransport)
        definition = admanager_v1.ReportDefinition

        def date(time):
            return date_pb2.Date(year=time.year, month=time.month, day=time.day)

        ids = [int(item.name.rsplit("/", 1)[1]) for item in items]
        field = definition.Filter.FieldFilter(
            field=definition.Field(dimension="LINE_ITEM_ID"),
            operation="IN",
            values=[admanager_v1.ReportValue(int_list_value=admanager_v1.ReportValue.IntList(values=ids))],
        )
        wanted = admanager_v1.Report(
            report_definition=definition(
                report_type="HISTORICAL",
                dimensions=["DATE", "LINE_ITEM_ID"],
                metrics=["AD_SERVER_IMPRESSIONS", "AD_SERVER_CLICKS", "AD_SERVER_REVENUE"],
                filters=[definition.Filter(field_filter=field)],
                date_range=definition.DateRange(
                    fixed=definition.DateRange.FixedDateRange(start_date=date(START), end_date=date(END))
                ),
            ),
        )
        made = reports.create_report(parent=self.network, report=wanted)
        kept(written(wanted), written(made), "report")
        result = reports.run_report(name=made.name).result(timeout=60)
        pages = reports.fetch_report_result_rows(
            admanager_v1.FetchReportResultRowsRequest(name=result.report_result, page_size=3)
        )
        sums = dict.fromkeys(ids, 0)
        for row in pages:
            sums[row.dimension_values[1].int_value] += row.metric_value_groups[0].primary_values[0].int_value
        return [sums[one] for one in ids]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="the emulator, http://127.0.0.1:9102")
    parser.add_argument("--key", required=True, help="the service account's key file")
    arguments = parser.parse_args()
    life = Life(arguments.url, arguments.key)
    life.clock(START - datetime.timedelta(days=30))
    wanted = admanager_v1.Order(
        display_name="The life of a buy",
        advertiser=f"{life.network}/companies/4001",
        trafficker=f"{life.network}/users/5001",
        po_number="PO-7",
        external_order_id=7,
        notes="from Google's client",
    )
    request = admanager_v1.CreateOrderRequest(parent=life.network, order=wanted)
    order = life.orders.batch_create_orders(parent=life.network, requests=[request]).orders[0]
    kept(written(wanted), written(order), "order")
    display, video = life.display(order), life.video(order)
    # A list without items has no list.
    ties = life.session.get(f"{life.url}/v1/{video.name}/creatives")
    assert ties.json() == {}, ties.text
    life.creatives(order, display, video)
    life.orders.batch_approve_orders(parent=life.network, names=[order.name])
    both = [display, video]
    assert [life.status(item) for item in both] == ["READY", "READY"]
    life.clock(START + datetime.timedelta(days=3))
    assert [life.status(item) for item in both] == ["DELIVERING", "DELIVERING"]
    life.change(display, ["notes", "rate"], notes="dearer", rate=money_pb2.Money(currency_code="USD", units=13, nanos=500_000_000))
    names = [item.name for item in both]
    life.line_items.batch_pause_line_items(parent=life.network, names=names)
    assert [life.status(item) for item in both] == ["PAUSED", "PAUSED"]
    goal = admanager_v1.Goal(goal_type="LIFETIME", unit_type="IMPRESSIONS", units=12_000)
    life.change(video, ["goal"], goal=goal)
    life.clock(START + datetime.timedelta(days=4))
    life.line_items.batch_resume_line_items(parent=life.network, names=names)
    assert [life.status(item) for item in both] == ["DELIVERING", "DELIVERING"]
    life.clock(END + datetime.timedelta(days=1))
    assert [life.status(item) for item in both] == ["COMPLETED", "COMPLETED"]
    stats = [life.line_items.get_line_item(name=name).stats.impressions_delivered for name in names]
    assert life.report(both) == stats and all(stats), stats
    life.orders.batch_archive_orders(parent=life.network, names=[order.name])
    listed = life.orders.list_orders(
        admanager_v1.ListOrdersRequest(parent=life.network, filter=f'displayName = "{order.display_name}"')
    )
    assert [one.archived for one in listed] == [True]
    assert life.wire.compared > 40, life.wire.compared
    print(f"{life.wire.compared} answers are the same in Google's own words.")


if __name__ == "__main__":
    main()
