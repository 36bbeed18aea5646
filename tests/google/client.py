"""Plays a small media buy on an Ad Manager emulator with Google's own client.

Four things differ from a play against Google:

- The endpoint is plain http. The clients' constructors always make an https transport (and self-signed tokens), so the
  transports are made here, with `url_scheme="http"`; they then ask the `token_uri` of the key file for tokens.
- google-auth writes Google's own token endpoint into every assertion as its audience, whatever the key file's
  `token_uri` says. The emulator takes assertions for its own endpoint only, so that claim is set here.
- The client has no methods that write creatives or tie them to line items. These four requests go through its own
  authorised session, with bodies made from and answers read into its own types.
- Times are asked of the caller: the emulator's clock may stand anywhere.
"""

import argparse
import datetime

from google.ads import admanager_v1
from google.ads.admanager_v1.services.company_service.transports import CompanyServiceRestTransport
from google.ads.admanager_v1.services.creative_service.transports import CreativeServiceRestTransport
from google.ads.admanager_v1.services.geo_target_service.transports import GeoTargetServiceRestTransport
from google.ads.admanager_v1.services.line_item_creative_association_service.transports import (
    LineItemCreativeAssociationServiceRestTransport,
)
from google.ads.admanager_v1.services.line_item_service.transports import LineItemServiceRestTransport
from google.ads.admanager_v1.services.network_service.transports import NetworkServiceRestTransport
from google.ads.admanager_v1.services.order_service.transports import OrderServiceRestTransport
from google.ads.admanager_v1.services.report_service.transports import ReportServiceRestTransport
from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession
from google.oauth2 import service_account
from google.protobuf import field_mask_pb2
from google.type import date_pb2, money_pb2

SCOPE = "https://www.googleapis.com/auth/admanager"


class Play:
    """Google's clients for one emulator and one network."""

    def __init__(self, url, key):
        self.url = url
        account = service_account.Credentials.from_service_account_file(key, scopes=[SCOPE])
        self.credentials = account.with_claims({"aud": f"{url}/token"})
        self.session = AuthorizedSession(self.credentials)
        networks = self.client(admanager_v1.NetworkServiceClient, NetworkServiceRestTransport)
        self.network = next(iter(networks.list_networks().networks)).name
        self.orders = self.client(admanager_v1.OrderServiceClient, OrderServiceRestTransport)
        self.line_items = self.client(admanager_v1.LineItemServiceClient, LineItemServiceRestTransport)

    def client(self, client, transport):
        host = self.url.removeprefix("http://")
        return client(transport=transport(host=host, url_scheme="http", credentials=self.credentials))

    def send(self, path, message):
        """Posts what the client has no method for, in the client's own words."""
        body = type(message).to_json(message, use_integers_for_enums=False, always_print_fields_with_no_presence=False)
        answer = self.session.post(f"{self.url}/v1/{path}", data=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 200, answer.text
        return type(message).from_json(answer.text)

    def order(self):
        companies = self.client(admanager_v1.CompanyServiceClient, CompanyServiceRestTransport)
        listed = companies.list_companies(
            admanager_v1.ListCompaniesRequest(parent=self.network, filter='displayName = "Acme Corp"')
        )
        [advertiser] = listed
        wanted = admanager_v1.Order(
            display_name="From Google's client", advertiser=advertiser.name, trafficker=f"{self.network}/users/5001"
        )
        request = admanager_v1.CreateOrderRequest(parent=self.network, order=wanted)
        made = self.orders.batch_create_orders(parent=self.network, requests=[request]).orders[0]
        assert made.status == admanager_v1.OrderStatusEnum.OrderStatus.DRAFT, made
        try:
            self.orders.batch_create_orders(parent=self.network, requests=[request])
        except exceptions.BadRequest as conflict:
            assert conflict.reason == "NOT_UNIQUE", conflict
            assert conflict.domain == "admanager.googleapis.com", conflict
        else:
            raise AssertionError("the same name twice was accepted")
        made.notes = "changed"
        change = admanager_v1.UpdateOrderRequest(order=made, update_mask=field_mask_pb2.FieldMask(paths=["notes"]))
        changed = self.orders.batch_update_orders(parent=self.network, requests=[change]).orders[0]
        assert changed.notes == "changed", changed
        return made

    def line_item(self, order, start, end):
        geo = self.client(admanager_v1.GeoTargetServiceClient, GeoTargetServiceRestTransport)
        places = geo.list_geo_targets(
            admanager_v1.ListGeoTargetsRequest(parent=self.network, filter='type = "Country" AND regionCode = "US"')
        )
        [country] = places
        wanted = admanager_v1.LineItem(
            order=order.name,
            display_name="Ten days",
            external_line_item_id="google-1",
            start_time=start,
            target_end_time=end,
            creative_rotation_type="EVENLY",
            line_item_type="STANDARD",
            cost_type="CPM",
            rate=money_pb2.Money(currency_code="USD", units=12, nanos=340_000_000),
            creative_placeholders=[
                admanager_v1.CreativePlaceholder(size=admanager_v1.Size(width=300, height=250, size_type="PIXEL"))
            ],
            goal=admanager_v1.Goal(goal_type="LIFETIME", unit_type="IMPRESSIONS", units=5_000),
            frequency_caps=[admanager_v1.FrequencyCap(max_impressions=3, time_amount=1, time_unit="DAY")],
            targeting=admanager_v1.Targeting(
                geo_targeting=admanager_v1.GeoTargeting(targeted_geos=[country.name]),
                inventory_targeting=admanager_v1.InventoryTargeting(
                    targeted_ad_units=[
                        admanager_v1.AdUnitTargeting(ad_unit=f"{self.network}/adUnits/6001", include_descendants=True)
                    ]
                ),
            ),
        )
        made = self.line_items.create_line_item(parent=self.network, line_item=wanted)
        made.goal.units = 10_000
        mask = field_mask_pb2.FieldMask(paths=["goal"])
        changed = self.line_items.update_line_item(line_item=made, update_mask=mask)
        assert (changed.goal.units, changed.goal.unit_type.name) == (10_000, "IMPRESSIONS"), changed
        listed = self.line_items.list_line_items(
            admanager_v1.ListLineItemsRequest(
                parent=self.network, filter='externalLineItemId = "google-1"', page_size=1
            )
        )
        assert [item.name for item in listed] == [made.name]
        try:
            self.line_items.get_line_item(name=f"{self.network}/lineItems/1")
        except exceptions.NotFound as missing:
            assert missing.reason == "NOT_FOUND", missing
        else:
            raise AssertionError("a line item that does not exist was found")
        return changed

    def creative(self, order, item):
        wanted = admanager_v1.Creative(
            display_name="Banner",
            advertiser=order.advertiser,
            size=admanager_v1.Size(width=300, height=250, size_type="PIXEL"),
            image_redirect_creative=admanager_v1.ImageRedirectCreativeDetails(
                image_url="https://cdn.example/banner.png", destination_url="https://acme.example/"
            ),
        )
        made = self.send(f"{self.network}/creatives", wanted)
        creatives = self.client(admanager_v1.CreativeServiceClient, CreativeServiceRestTransport)
        assert creatives.get_creative(name=made.name) == made
        tie = self.send(
            f"{item.name}/creatives",
            admanager_v1.LineItemCreativeAssociation(line_item=item.name, creative=made.name),
        )
        ties = self.client(
            admanager_v1.LineItemCreativeAssociationServiceClient, LineItemCreativeAssociationServiceRestTransport
        )
        listed = ties.list_line_item_creative_associations(parent=item.name)
        assert [one.name for one in listed] == [tie.name]
        assert ties.get_line_item_creative_association(name=tie.name).creative == made.name

    def report(self, item, start, end):
        reports = self.client(admanager_v1.ReportServiceClient, ReportServiceRestTransport)
        definition = admanager_v1.ReportDefinition

        def date(time):
            return date_pb2.Date(year=time.year, month=time.month, day=time.day)

        field = definition.Filter.FieldFilter(
            field=definition.Field(dimension="LINE_ITEM_ID"),
            operation="IN",
            values=[
                admanager_v1.ReportValue(
                    int_list_value=admanager_v1.ReportValue.IntList(values=[int(item.name.rsplit("/", 1)[1])])
                )
            ],
        )
        wanted = admanager_v1.Report(
            display_name="Delivery",
            report_definition=definition(
                report_type="HISTORICAL",
                dimensions=["DATE", "LINE_ITEM_ID"],
                metrics=["AD_SERVER_IMPRESSIONS", "AD_SERVER_CLICKS", "AD_SERVER_REVENUE", "AD_SERVER_COMPLETED_VIEWS"],
                filters=[definition.Filter(field_filter=field)],
                date_range=definition.DateRange(
                    fixed=definition.DateRange.FixedDateRange(start_date=date(start), end_date=date(end))
                ),
            ),
        )
        made = reports.create_report(parent=self.network, report=wanted)
        result = reports.run_report(name=made.name).result(timeout=60)
        pages = reports.fetch_report_result_rows(
            admanager_v1.FetchReportResultRowsRequest(name=result.report_result, page_size=3)
        )
        rows = list(pages)
        assert len(rows) == 10, rows
        values = [row.metric_value_groups[0].primary_values for row in rows]
        assert sum(value[0].int_value for value in values) == 10_000, values
        assert abs(sum(value[2].double_value for value in values) - 123.4) < 1e-9, values


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="the emulator, http://127.0.0.1:9102")
    parser.add_argument("--key", required=True, help="the service account's key file")
    arguments = parser.parse_args()
    play = Play(arguments.url, arguments.key)
    start = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
    end = start + datetime.timedelta(days=10)
    # The clock is the one thing that Google does not let a client turn.
    clock = play.session.put
    assert clock(f"{play.url}/__control/clock", json={"now": "2029-12-01T00:00:00Z"}).ok
    order = play.order()
    item = play.line_item(order, start, end)
    play.creative(order, item)
    play.orders.batch_approve_orders(parent=play.network, names=[order.name])
    status = admanager_v1.LineItemComputedStatusEnum.LineItemComputedStatus
    assert play.line_items.get_line_item(name=item.name).status == status.READY
    assert clock(f"{play.url}/__control/clock", json={"now": "2030-01-06T00:00:00Z"}).ok
    assert play.line_items.get_line_item(name=item.name).stats.impressions_delivered == 5_000
    play.line_items.batch_pause_line_items(parent=play.network, names=[item.name])
    assert play.line_items.get_line_item(name=item.name).status == status.PAUSED
    play.line_items.batch_resume_line_items(parent=play.network, names=[item.name])
    assert clock(f"{play.url}/__control/clock", json={"now": "2030-02-01T00:00:00Z"}).ok
    assert play.orders.get_order(name=order.name).impressions_delivered == 10_000
    play.report(item, start, end)
    play.orders.batch_archive_orders(parent=play.network, names=[order.name])
    assert play.orders.get_order(name=order.name).archived
    print("Google's client played the whole buy.")


if __name__ == "__main__":
    main()
