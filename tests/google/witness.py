"""Plays with Google's own client the life of a buy that our adapter has played, and compares the requests of the two.

The buy is the one of `adapters/gam/tests/all/google.rs`: display that is guaranteed, with an image and a snippet, and
video. What the adapter looks up and what it reads is asked with Google's methods, too. What `client.py` says about
the emulator's endpoint holds here, too; `compare.py` says how requests are compared and what may differ.
"""

import argparse
import datetime

import compare
from client import Play
from google.ads import admanager_v1
from google.ads.admanager_v1.services import (
    browser_language_service,
    custom_targeting_key_service,
    custom_targeting_value_service,
    device_category_service,
    geo_target_service,
    line_item_creative_association_service,
    network_service,
    report_service,
)
from google.protobuf import field_mask_pb2
from google.type import date_pb2, money_pb2

START = datetime.datetime(2026, 12, 1, tzinfo=datetime.timezone.utc)
END = datetime.datetime(2026, 12, 31, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2027, 1, 10, tzinfo=datetime.timezone.utc)
MOST = 1000


def made(service, name):
    """Returns the class of a client and the one of its REST transport."""
    return getattr(service, f"{name}Client"), getattr(service.transports, f"{name}RestTransport")


class Witness(Play):
    def __init__(self, url, key):
        self.listener = compare.Listener()
        super().__init__(url, key)
        self.listener.listen(self.session)
        # What the constructor asked for is no part of the life.
        self.listener.heard.clear()
        self.ties = self.client(*made(line_item_creative_association_service, "LineItemCreativeAssociationService"))
        self.networks = self.client(*made(network_service, "NetworkService"))

    def client(self, client, transport):
        ready = super().client(client, transport)
        self.listener.listen(ready.transport._session)
        return ready

    def clock(self, now):
        assert self.session.put(f"{self.url}/__control/clock", json={"now": now}).ok

    def look_up(self):
        """Asks for what the buyer named: the network, places, devices, languages, keys and values."""
        network = self.networks.get_network(name=self.network)
        assert network.currency_code == "USD", network
        key = f"{self.network}/customTargetingKeys"
        for service, name, lister, kind, filter in [
            (
                geo_target_service,
                "GeoTargetService",
                "list_geo_targets",
                admanager_v1.ListGeoTargetsRequest,
                '(displayName = "California" AND regionCode = "US") OR (displayName = "New York" AND regionCode = "US")'
                f' OR (name = "{self.network}/geoTargets/200501")'
                ' OR (displayName = "Los Angeles" AND regionCode = "US" AND type = "City")',
            ),
            (
                device_category_service,
                "DeviceCategoryService",
                "list_device_categories",
                admanager_v1.ListDeviceCategoriesRequest,
                'displayName : "Desktop" OR displayName : "Feature Phone" OR displayName : "Smartphone"',
            ),
            (
                browser_language_service,
                "BrowserLanguageService",
                "list_browser_languages",
                admanager_v1.ListBrowserLanguagesRequest,
                'displayName : "English"',
            ),
            (
                custom_targeting_key_service,
                "CustomTargetingKeyService",
                "list_custom_targeting_keys",
                admanager_v1.ListCustomTargetingKeysRequest,
                'adTagName = "audience" OR adTagName = "section"',
            ),
            (
                custom_targeting_value_service,
                "CustomTargetingValueService",
                "list_custom_targeting_values",
                admanager_v1.ListCustomTargetingValuesRequest,
                f'(customTargetingKey = "{key}/7001" AND adTagName = "news")'
                f' OR (customTargetingKey = "{key}/7001" AND adTagName = "sports")'
                f' OR (customTargetingKey = "{key}/7002" AND adTagName = "parents")',
            ),
        ]:
            client = self.client(*made(service, name))
            listed = getattr(client, lister)(kind(parent=self.network, filter=filter, page_size=MOST))
            assert list(listed), name

    def book_order(self):
        wanted = admanager_v1.Order(
            display_name="gam_12345 · Spring [fd2x0001]",
            advertiser=f"{self.network}/companies/4001",
            trafficker=f"{self.network}/users/5001",
            po_number="PO-2024-001",
        )
        request = admanager_v1.CreateOrderRequest(parent=self.network, order=wanted)
        self.order = self.orders.batch_create_orders(parent=self.network, requests=[request]).orders[0].name

    def literal(self, key, *values):
        return admanager_v1.CustomTargeting(
            custom_targeting_clauses=[
                admanager_v1.CustomTargetingClause(
                    custom_targeting_literals=[
                        admanager_v1.CustomTargetingLiteral(
                            custom_targeting_key=f"{self.network}/customTargetingKeys/{key}",
                            custom_targeting_values=[f"{self.network}/customTargetingValues/{one}" for one in values],
                        )
                    ]
                )
            ]
        )

    def names(self, collection, *ids):
        return [f"{self.network}/{collection}/{one}" for one in ids]

    def book_items(self):
        common = {
            "order": self.order,
            "start_time": START,
            "target_end_time": END,
            "cost_type": "CPM",
            "rate": money_pb2.Money(currency_code="USD", units=12, nanos=500_000_000),
            "goal": admanager_v1.Goal(goal_type="LIFETIME", unit_type="IMPRESSIONS", units=1_000_000),
            "creative_rotation_type": "EVENLY",
        }
        display = admanager_v1.LineItem(
            display_name="Package news",
            external_line_item_id="fd2x0002",
            line_item_type="STANDARD",
            delivery_rate_type="EVENLY",
            environment_type="BROWSER",
            frequency_caps=[admanager_v1.FrequencyCap(max_impressions=1, time_amount=1, time_unit="HOUR")],
            creative_placeholders=[placeholder(300, 250), placeholder(728, 90)],
            targeting=admanager_v1.Targeting(
                geo_targeting=admanager_v1.GeoTargeting(
                    targeted_geos=self.names("geoTargets", 21137, 21167),
                    excluded_geos=self.names("geoTargets", 200501, 1013962),
                ),
                technology_targeting=admanager_v1.TechnologyTargeting(
                    device_category_targeting=admanager_v1.DeviceCategoryTargeting(
                        targeted_categories=self.names("deviceCategories", 30001, 30003, 30000)
                    ),
                    browser_language_targeting=admanager_v1.BrowserLanguageTargeting(
                        targeted_browser_languages=self.names("browserLanguages", 504000)
                    ),
                ),
                inventory_targeting=admanager_v1.InventoryTargeting(
                    targeted_ad_units=[
                        admanager_v1.AdUnitTargeting(ad_unit=f"{self.network}/adUnits/6004", include_descendants=True)
                    ]
                ),
                custom_targeting=self.literal(7001, 7101, 7102),
            ),
            **common,
        )
        video = admanager_v1.LineItem(
            display_name="Package video",
            external_line_item_id="fd2x0003",
            line_item_type="PRICE_PRIORITY",
            priority=12,
            delivery_rate_type="AS_FAST_AS_POSSIBLE",
            environment_type="VIDEO_PLAYER",
            max_video_creative_duration=datetime.timedelta(seconds=30),
            creative_placeholders=[placeholder(640, 480)],
            targeting=admanager_v1.Targeting(
                inventory_targeting=admanager_v1.InventoryTargeting(targeted_placements=self.names("placements", 6502)),
                request_platform_targeting=admanager_v1.RequestPlatformTargeting(request_platforms=["VIDEO_PLAYER"]),
                custom_targeting=self.literal(7002, 7202),
            ),
            **common,
        )
        self.display, self.video = [
            self.line_items.create_line_item(parent=self.network, line_item=one).name for one in [display, video]
        ]

    def upload(self):
        address = "https://example.com/landing"
        creatives = [
            self.send(
                f"{self.network}/creatives",
                admanager_v1.Creative(
                    display_name=f"Creative {name} [fd3x000{at + 1}]",
                    advertiser=f"{self.network}/companies/4001",
                    size=size,
                    **kind,
                ),
            ).name
            for at, (name, size, kind) in enumerate(
                [
                    (
                        "banner",
                        pixels(300, 250),
                        {
                            "image_redirect_creative": admanager_v1.ImageRedirectCreativeDetails(
                                image_url="https://cdn.example.com/banner.jpg",
                                alt_text="Creative banner",
                                destination_url=address,
                            )
                        },
                    ),
                    (
                        "spot",
                        pixels(640, 480),
                        {
                            "vast_redirect_creative": admanager_v1.VastRedirectCreativeDetails(
                                vast_xml_url="https://ads.example.com/vast.xml",
                                vast_redirect_type="LINEAR",
                                duration=datetime.timedelta(seconds=15),
                                destination_url=address,
                            )
                        },
                    ),
                    (
                        "tag",
                        pixels(300, 250),
                        {
                            "third_party_creative": admanager_v1.ThirdPartyCreativeDetails(
                                snippet='<script src="https://ads.example.com/t.js"></script>',
                                safe_frame_compatible=True,
                                destination_url=address,
                            )
                        },
                    ),
                ]
            )
        ]
        for item, creative in zip([self.display, self.video, self.display], creatives):
            self.send(
                f"{item}/creatives", admanager_v1.LineItemCreativeAssociation(line_item=item, creative=creative)
            )
        self.orders.get_order(name=self.order)
        self.orders.batch_approve_orders(parent=self.network, names=[self.order])
        self.items()
        # Display has a creative for one of its two sizes, so nothing activates it but this.
        shown = self.ties.list_line_item_creative_associations(
            admanager_v1.ListLineItemCreativeAssociationsRequest(
                parent=f"{self.network}/lineItems/-", filter=f'lineItem = "{self.display}"', page_size=MOST
            )
        )
        assert len(list(shown)) == 2
        self.line_items.batch_activate_line_items(parent=self.network, names=[self.display])

    def items(self):
        listed = self.line_items.list_line_items(
            admanager_v1.ListLineItemsRequest(parent=self.network, filter=f'order = "{self.order}"', page_size=MOST)
        )
        return {one.name: one.status.name for one in listed}

    def status(self):
        number = self.order.rsplit("/", 1)[1]
        [order] = self.orders.list_orders(
            admanager_v1.ListOrdersRequest(parent=self.network, filter=f'orderId = "{number}"', page_size=MOST)
        )
        assert order.status.name == "APPROVED", order
        assert set(self.items().values()) == {"DELIVERING"}

    def look(self, name):
        return self.line_items.get_line_item(name=name).status.name

    def change(self):
        """Changes what is guaranteed and delivers while it is paused, and the rate of what is not."""
        self.look(self.display)
        self.orders.get_order(name=self.order)
        self.look(self.display)
        self.line_items.batch_pause_line_items(parent=self.network, names=[self.display])
        goal = admanager_v1.Goal(goal_type="LIFETIME", unit_type="IMPRESSIONS", units=2_000_000)
        self.line_items.update_line_item(
            line_item=admanager_v1.LineItem(name=self.display, target_end_time=LATER, goal=goal),
            update_mask=field_mask_pb2.FieldMask(paths=["target_end_time", "goal"]),
        )
        assert self.look(self.display) == "PAUSED"
        self.line_items.batch_resume_line_items(parent=self.network, names=[self.display])
        rate = money_pb2.Money(currency_code="USD", units=14)
        self.line_items.update_line_item(
            line_item=admanager_v1.LineItem(name=self.video, rate=rate),
            update_mask=field_mask_pb2.FieldMask(paths=["rate"]),
        )
        self.orders.get_order(name=self.order)
        self.items()

    def pause(self):
        self.orders.get_order(name=self.order)
        self.orders.batch_pause_orders(parent=self.network, names=[self.order])

    def resume(self):
        self.orders.get_order(name=self.order)
        for item in [self.display, self.video]:
            assert self.look(item) == "PAUSED"
            self.ties.list_line_item_creative_associations(
                admanager_v1.ListLineItemCreativeAssociationsRequest(parent=item, page_size=MOST)
            ).pages.__next__()
            self.look(item)
            self.line_items.batch_resume_line_items(parent=self.network, names=[item])
            assert self.look(item) == "DELIVERING"

    def report(self):
        self.networks.get_network(name=self.network)
        reports = self.client(*made(report_service, "ReportService"))
        # Long-running operations go through a session of their own.
        self.listener.listen(reports.transport.operations_client._transport._session)
        definition = admanager_v1.ReportDefinition
        ids = [int(name.rsplit("/", 1)[1]) for name in [self.display, self.video]]
        field = definition.Filter.FieldFilter(
            field=definition.Field(dimension="LINE_ITEM_ID"),
            operation="IN",
            values=[admanager_v1.ReportValue(int_list_value=admanager_v1.ReportValue.IntList(values=ids))],
        )
        days = definition.DateRange.FixedDateRange(
            start_date=date_pb2.Date(year=2026, month=12, day=1), end_date=date_pb2.Date(year=2026, month=12, day=3)
        )
        wanted = admanager_v1.Report(
            display_name="flightdeck 2026-12-01 to 2026-12-03",
            visibility="HIDDEN",
            report_definition=definition(
                report_type="HISTORICAL",
                dimensions=["DATE", "LINE_ITEM_ID", "LINE_ITEM_ENVIRONMENT_TYPE"],
                metrics=[
                    "AD_SERVER_IMPRESSIONS",
                    "AD_SERVER_CLICKS",
                    "VIDEO_VIEWERSHIP_COMPLETES",
                    "AD_SERVER_REVENUE",
                ],
                filters=[definition.Filter(field_filter=field)],
                time_zone_source="PUBLISHER",
                date_range=definition.DateRange(fixed=days),
            ),
        )
        report = reports.create_report(parent=self.network, report=wanted)
        result = reports.run_report(name=report.name).result(timeout=60)
        rows = list(
            reports.fetch_report_result_rows(
                admanager_v1.FetchReportResultRowsRequest(name=result.report_result, page_size=10_000)
            )
        )
        assert len(rows) == 6, rows

    def cancel(self):
        self.orders.get_order(name=self.order)
        self.orders.get_order(name=self.order)
        self.orders.batch_pause_orders(parent=self.network, names=[self.order])
        self.orders.batch_archive_orders(parent=self.network, names=[self.order])

    def play(self):
        self.clock("2026-11-01T00:00:00Z")
        for part, acts in [
            ("create", [self.look_up, self.book_order, self.book_items]),
            ("upload", [self.upload]),
            ("status", [lambda: self.clock("2026-12-04T00:00:00Z"), self.status]),
            ("change", [self.change]),
            ("pause", [self.pause]),
            ("resume", [self.resume]),
            ("report", [self.report]),
            ("cancel", [self.cancel]),
        ]:
            self.listener.part = part
            for act in acts:
                act()
        return self.listener.heard


def pixels(width, height):
    return admanager_v1.Size(width=width, height=height, size_type="PIXEL")


def placeholder(width, height):
    return admanager_v1.CreativePlaceholder(size=pixels(width, height), expected_creative_count=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="the emulator, http://127.0.0.1:9102")
    parser.add_argument("--key", required=True, help="the service account's key file")
    parser.add_argument("--adapter", required=True, help="what the adapter sent: JSON")
    arguments = parser.parse_args()
    heard = Witness(arguments.url, arguments.key).play()
    fields = compare.compare(compare.read(arguments.adapter), heard)
    print(f"{len(heard)} requests are the same, with {fields} fields.")


if __name__ == "__main__":
    main()
