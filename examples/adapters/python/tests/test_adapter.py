import copy
import itertools
import json
import unittest
from dataclasses import replace

from flightdeck_adapter import Failure, types
from flightdeck_adapter.testing import CRASHED, FakeHost
from signpost import adapter

from .signpost import FakeSignpost

DAYS = {"start": "2026-12-01T00:00:00Z", "end": "2026-12-31T00:00:00Z"}


def rule(dimension, *values, operator=types.Operator.ANY_OF):
    return types.TargetingRule(dimension=dimension, operator=operator, values=list(values))


def countries(*values):
    return rule(types.Dimension_GeoCountry(), *values)


def targeting(*rules):
    return types.Targeting(rules=list(rules), dayparting=None, frequency_cap=None, custom=None, extensions=[])


def cpm(rate):
    return types.Price(model=types.PriceModel_Cpm(), rate=rate)


def item(package_id, **changes):
    package = types.PackageOrder(
        package_id=package_id, name=f"News {package_id}", active=True, budget=250_000_000, impressions=20_000,
        price=cpm(12_500_000), pacing=types.Pacing_Even(), daily_budget=None, daily_impressions=None, **DAYS,
        targeting=targeting(countries("US", "CA")), formats=[types.CreativeFormat_Image()], creative_ids=[],
        product_settings="{}", extensions=[],
    )
    return replace(package, **changes)


def media(*packages, **changes):
    buy = types.MediaBuy(
        media_buy_id="signpost-1", name="Spring", po_number=None, currency="USD", active=True, total_budget=500_000_000,
        daily_budget=None, **DAYS, packages=list(packages) or [item("a"), item("b")], extensions=[],
    )
    return replace(buy, **changes)


def banner(**changes):
    creative = types.Creative(
        creative_id="banner", name="Banner", format=types.CreativeFormat_Image(), media_url="https://cdn.example.com/b.png",
        click_url=None, duration_ms=None, width=300, height=250, template_id=None, template_values=None,
        package_ids=["a", "b"], extensions=[],
    )
    return replace(creative, **changes)


def batch(*assets, buy=None):
    return types.CreativeBatch(media_buy=buy or media(), assets=list(assets), extensions=[])


def update(current, desired, *creatives):
    touched = [package.package_id for package in desired.packages]
    return types.MediaBuyUpdate(
        current=current, desired=desired, creatives=list(creatives), touched=touched, extensions=[]
    )


def context(remote=()):
    return types.Context(
        operation_id="op", platform="signpost", settings="{}", endpoint="https://signpost.example", advertiser_id="701",
        remote=list(remote), deadline="2026-12-01T00:00:00Z", extensions=[],
    )


def planned(change):
    return adapter.plan(context(), change).changes


class House:
    """An ad server, a host, and the adapter between them."""

    def __init__(self):
        self.signpost = FakeSignpost()
        self.host = FakeHost(self.signpost.respond)

    def call(self, function, *args):
        return self.host.run(lambda: function(context(self.host.remote), *args))

    def remote_buy(self, **changes):
        buy = types.RemoteBuy(
            media_buy_id="signpost-1", advertiser_id="701", remote=self.host.remote, start="", end="", extensions=[]
        )
        return replace(buy, **changes)


def booked(buy=None):
    """A house in which the buy exists."""
    house = House()
    house.call(adapter.create_media_buy, buy or media())
    return house


class Plans(unittest.TestCase):
    def test_a_plan_shows_the_order_its_lines_and_what_they_are_made_of(self):
        changes = planned(types.Change_Create(media()))
        create = types.PlanAction_Create()
        self.assertEqual(
            [(one.action, one.remote_type, one.package_id) for one in changes],
            [(create, "Order", None), (create, "Line", "a"), (create, "Line", "b")],
        )
        fields = {one.field: one.after for one in changes[1].fields}
        self.assertEqual(
            (fields["rate"], fields["countries"], fields["goal_impressions"]), ("12.50", '["CA","US"]', "20000")
        )
        self.assertEqual(planned(types.Change_Create(media())), changes, "equal input, equal plan")

    def test_everything_that_is_impossible_is_refused_at_once_by_its_field(self):
        devices = rule(types.Dimension_DeviceType(), "ctv", operator=types.Operator.NONE_OF)
        wrong = item(
            "a", pacing=types.Pacing_FrontLoaded(), price=types.Price(model=types.PriceModel_Cpc(), rate=1_000_001),
            daily_impressions=5, targeting=targeting(countries("US"), devices), product_settings='{"countries":["DE"]}',
        )
        with self.assertRaises(Failure) as raised:
            planned(types.Change_Create(media(wrong, currency="GBP")))
        record = raised.exception.record
        self.assertEqual(record.kind, types.FailureKind.UNSUPPORTED)
        self.assertEqual(
            [one.field for one in record.items],
            [
                "/currency", "/packages/a/cpc", "/packages/a/pacing", "/packages/a/daily_impressions",
                "/packages/a/cpc", "/packages/a/targeting_overlay/geo_country_any_of",
                "/packages/a/targeting_overlay/device_type_none_of",
            ],
        )
        self.assertEqual((record.items[2].value, record.items[5].supported), ("front_loaded", ["DE"]))

    def test_the_description_is_the_same_each_time(self):
        self.assertEqual(adapter.describe(), adapter.describe())
        self.assertIn("countries", json.loads(adapter.describe().product_settings_schema)["properties"])


class Changes(unittest.TestCase):
    def at_every_point(self, prepare, run, check):
        """Interrupts a call at every point, runs it again, and checks what is left."""
        for point in itertools.count(1):
            house = prepare()
            house.host.crash_at(point)
            survived = run(house) is not CRASHED
            run(house)
            with self.subTest(point=point):
                check(house)
            if survived:
                return self.assertGreater(point, 2)

    def test_a_buy_is_created_once_whatever_is_lost(self):
        def check(house):
            orders, lines = house.signpost.orders, house.signpost.lines
            self.assertEqual((len(orders), len(lines), orders[0]["state"]), (1, 2, "live"))
            self.assertEqual(
                [(one.kind, one.key, one.id) for one in house.host.remote],
                [
                    (adapter.ORDER, "", orders[0]["id"]), (adapter.PACKAGE, "a", lines[0]["id"]),
                    (adapter.PACKAGE, "b", lines[1]["id"]),
                ],
            )

        self.at_every_point(House, lambda house: house.call(adapter.create_media_buy, media()), check)

    def test_creatives_are_uploaded_and_assigned_once_whatever_is_lost(self):
        def check(house):
            self.assertEqual((len(house.signpost.creatives), len(house.signpost.assignments)), (1, 2))

        self.at_every_point(booked, lambda house: house.call(adapter.add_creative_assets, batch(banner())), check)

    def test_a_creative_that_is_refused_is_reported_and_the_others_go_on(self):
        house = booked()
        audio = banner(creative_id="audio", format=types.CreativeFormat_Audio())
        assets = batch(banner(creative_id="small", width=1), audio, banner())
        statuses = house.call(adapter.add_creative_assets, assets).assets
        rejected, approved = types.AssetState_Rejected(), types.AssetState_Approved()
        self.assertEqual(
            [(one.state, one.feedback) for one in statuses],
            [(rejected, "width is too small"), (rejected, "Signpost runs images and videos."), (approved, None)],
        )
        self.assertEqual(len(house.signpost.creatives), 1)

    def test_an_update_sends_the_differences_once_for_each_package_whatever_is_lost(self):
        desired = media(item("a", creative_ids=["banner"], impressions=30_000), item("b"))
        request = update(media(), desired, banner())
        first = [(one.remote_type, one.fields[0].field, one.fields[0].after) for one in planned(types.Change_Update(request))]
        self.assertEqual(
            first,
            [("Line", "goal_impressions", "30000"), ("Creative", "advertiser_id", "701"), ("Assignment", "creative", "banner")],
        )

        def check(house):
            signpost = house.signpost
            self.assertEqual([line["goal_impressions"] for line in signpost.lines], [30_000, 20_000])
            self.assertEqual((len(signpost.creatives), len(signpost.assignments)), (1, 1))
            self.assertEqual(house.call(adapter.update_media_buy, request).affected_packages, ["a"])

        self.at_every_point(booked, lambda house: house.call(adapter.update_media_buy, request), check)

    def test_a_pause_is_one_field_of_each_line_and_a_creative_can_be_taken_away(self):
        with_banner = media(item("a", creative_ids=["banner"]), item("b"))
        house = booked()
        house.call(adapter.add_creative_assets, batch(banner(package_ids=["a"]), buy=with_banner))
        house.host.requests.clear()
        answer = house.call(adapter.update_media_buy, update(with_banner, media(active=False), banner()))
        self.assertEqual(answer.affected_packages, ["a", "b"])
        self.assertEqual([line["active"] for line in house.signpost.lines], [False, False])
        self.assertFalse(house.signpost.assignments[0]["active"])
        self.assertEqual(len([one for one in house.host.requests if not one.startswith("GET")]), 3)

    def test_the_first_package_that_is_refused_ends_an_update_and_is_named(self):
        house = booked()
        del house.signpost.lines[0]
        desired = media(item("a", active=False), item("b", active=False))
        answer = house.call(adapter.update_media_buy, update(media(), desired))
        failed = answer.failed
        self.assertEqual((failed.package_id, failed.failure.kind.name, answer.affected_packages), ("a", "NOT_FOUND", []))
        self.assertTrue(house.signpost.lines[0]["active"])

    def test_what_was_accepted_once_can_be_paused_whatever_the_settings_say_now(self):
        settings = {"product_settings": '{"countries":["DE"]}'}
        house = booked()
        current, desired = (
            media(item("a", active=active, **settings), item("b", **settings)) for active in (True, False)
        )
        answer = house.call(adapter.update_media_buy, update(current, desired))
        self.assertEqual(answer.affected_packages, ["a"])
        self.assertFalse(house.signpost.lines[0]["active"])

    def test_values_can_be_set_again_without_creating_anything(self):
        house = booked()
        request = update(media(), media(item("a", creative_ids=["banner"]), item("b")), banner())
        house.call(adapter.update_media_buy, request)
        for name in ("creative/banner", "assignment/a/banner"):
            house.host.doubt(name)
        house.call(adapter.update_media_buy, request)
        self.assertEqual((len(house.signpost.creatives), len(house.signpost.assignments)), (1, 1))

    def test_a_cancel_archives_the_order_even_one_whose_id_was_never_learned(self):
        for forgotten in (False, True):
            house = booked()
            if forgotten:
                house.host.remote.clear()
            house.call(adapter.cancel_media_buy, media())
            self.assertEqual(house.signpost.orders[0]["state"], "archived")
        self.assertEqual(House().call(adapter.cancel_media_buy, media()).notes, ["There was nothing on Signpost."])


class Reads(unittest.TestCase):
    def test_the_status_of_many_buys_is_read_at_once(self):
        house = booked()
        house.signpost.lines.pop()
        buys = [house.remote_buy(), house.remote_buy(media_buy_id="signpost-2", remote=[])]
        first, second = (answer.status.value for answer in house.call(adapter.check_status, buys))
        self.assertEqual((first.state, first.detail), (types.DeliveryState_Delivering(), "no longer on Signpost: b"))
        self.assertEqual([one.impressions_delivered for one in first.packages], [250, None])
        self.assertEqual(second.state, types.DeliveryState_Missing())

    def test_delivery_comes_by_day_with_exact_spend(self):
        house = booked()
        days = types.DateRange(first="2026-12-01", last="2027-03-03")
        (answer,) = house.call(adapter.get_delivery, [house.remote_buy()], days)
        # 93 days are two reports.
        self.assertEqual(
            [(row.package_id, row.day, row.spend) for row in answer.delivery.value.rows],
            [(id, day, 2_500_000) for id in "ab" for day in ("2026-12-01", "2027-03-03")],
        )

    def test_everything_that_a_step_made_is_found_and_a_surplus_object_is_stopped(self):
        house = booked()
        house.signpost.lines.append({**copy.deepcopy(house.signpost.lines[0]), "id": "99"})
        made = house.call(adapter.find_made, house.host.made_step("line/a"))
        self.assertEqual([(one.object.key, one.object.id) for one in made], [("a", house.signpost.lines[0]["id"]), ("a", "99")])
        house.call(adapter.stop_made, made[1])
        self.assertEqual([line["active"] for line in house.signpost.lines], [True, True, False])
        nothing = types.MadeStep(name="change/line/a", reference="ref1", extensions=[])
        self.assertEqual(house.call(adapter.find_made, nothing), [])
        self.assertEqual(len(house.call(adapter.find_made, house.host.made_step("order"))), 1)

    def test_performance_is_advice_for_a_person(self):
        def performance(index):
            return types.PackagePerformance(
                package_id="a", performance_index=index, confidence=None, feedback=None, extensions=[]
            )

        request = types.PerformanceUpdate(
            media_buy=media(), performance=[performance(1_200_000), performance(1_000_000)], extensions=[]
        )
        actions = adapter.apply_performance_index(context(), request).actions
        self.assertEqual([one.action for one in actions], ["raise_budget", "none"])
