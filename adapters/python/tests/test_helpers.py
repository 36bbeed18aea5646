import itertools
import unittest

from flightdeck_adapter import (
    Api, Failure, Plan, Problems, Seen, buy_state, decimal, in_order, kept, micros, pages, pointer, step, step_name, types,
    word,
)
from flightdeck_adapter.testing import CRASHED, Answer, FakeHost

ORDER = types.RemoteKind_Order()


def api(explain=lambda body: ("", "")):
    return Api("https://ads.example/", explain)


class Money(unittest.TestCase):
    def test_it_is_decimal_text_and_back_digit_by_digit(self):
        for amount, text in [(12_500_000, "12.50"), (7_000_000, "7.00"), (1, "0.000001"), (-500_000, "-0.50"), (0, "0.00")]:
            self.assertEqual(decimal(amount), text)
            self.assertEqual(micros(text), amount)
        self.assertEqual(decimal(9_007_199_254_740_993), "9007199254.740993")
        self.assertEqual((decimal(12_345_600, 4), decimal(12_345_670, 4)), ("12.3456", None))
        self.assertEqual(micros("3"), 3_000_000)
        for text in ["", "1.", "1e3", "0.1234567", " 1", "٣"]:
            with self.assertRaises(ValueError):
                micros(text)


class Cache(unittest.TestCase):
    def test_a_value_is_kept_for_its_time(self):
        host, made = FakeHost(lambda *_: None), itertools.count(1)
        read = lambda: host.run(lambda: kept("zone", 60, lambda: {"zone": "Europe/Berlin", "made": next(made)}))
        self.assertEqual([read()["made"], read()["made"]], [1, 1])
        host.now = 60
        self.assertEqual(read(), {"zone": "Europe/Berlin", "made": 2})


class Steps(unittest.TestCase):
    def test_names_that_are_cut_stay_apart(self):
        self.assertEqual(step_name("line", "news"), "line/news")
        one, other = (step_name("line", "é" * 200, end) for end in "ab")
        self.assertLessEqual(len(one.encode()), 200)
        self.assertNotEqual(one, other)

    def test_what_was_made_first_comes_first_and_then_the_smallest_id(self):
        def ids(*seen):
            return [one.id for one in in_order([Seen(id, made_at=at) for id, at in seen])]

        self.assertEqual(ids(("9", "2026-11-01T00:00:01Z"), ("10", "2026-11-01T00:00:00Z")), ["10", "9"])
        self.assertEqual(ids(("10", None), ("9", "2026-11-01T00:00:00Z")), ["9", "10"])

    def test_a_step_creates_once_whatever_is_lost(self):
        for point in itertools.count(1):
            made = []

            def respond(method, _path, body, made=made):
                if method == "POST":
                    made.append(body["ref"])
                return Answer(200, {"id": "7", "made": made})

            def run():
                def find(reference):
                    return [Seen("7") for known in api().get("/x")["made"] if known == reference]

                order = step("order").remember(ORDER, "").find(find)
                return order.create(lambda reference: api().post("/x", {"ref": reference})["id"])

            host = FakeHost(respond)
            host.crash_at(point)
            survived = host.run(run) is not CRASHED
            self.assertEqual(host.run(run), "7")
            self.assertEqual(len(made), 1, f"point {point}")
            self.assertEqual(host.remote, [types.RemoteObject(ORDER, "", "7")])
            if survived:
                break

    def test_an_idempotent_step_repeats_its_write_and_looks_nothing_up(self):
        def run():
            return step("line").idempotent(lambda key: api().post("/x", {"key": key})["id"])

        host = FakeHost(lambda *_: Answer(200, {"id": "7"}))
        host.crash_at(2)
        self.assertIs(host.run(run), CRASHED)
        self.assertEqual(host.run(run), "7")
        self.assertEqual(host.requests, ["POST /x", "POST /x"])

    def test_a_refusal_is_recorded_where_it_should_not_end_the_operation(self):
        answers = [Answer(422, {"why": "too wide"}), Answer(200)]
        host = FakeHost(lambda *_: answers.pop(0))

        def run():
            client = api(lambda body: ("size", body["why"]))
            return step("creative").try_set(lambda: client.post("/x", {})).refused

        self.assertEqual(host.run(run).words, "too wide")
        again = host.run(run)
        self.assertEqual((again.kind, again.platform_code), (types.FailureKind.REJECTED, "size"))
        self.assertEqual(len(host.requests), 1)

    def test_the_host_refuses_a_write_outside_of_a_step_and_a_second_step_of_one_name(self):
        host = FakeHost(lambda *_: Answer(200))
        with self.assertRaisesRegex(AssertionError, "not open"):
            host.run(lambda: api().post("/x", {}))
        with self.assertRaisesRegex(AssertionError, "twice"):
            host.run(lambda: [step("a").set(lambda: None) for _ in range(2)])


class Http(unittest.TestCase):
    def failure(self, answer):
        with self.assertRaises(Failure) as raised:
            FakeHost(lambda *_: answer).run(lambda: api().get("/x"))
        return raised.exception.record

    def test_an_unsuccessful_answer_is_a_failure_of_the_right_kind(self):
        kinds = {
            302: "REJECTED", 400: "REJECTED", 401: "PERMISSION", 403: "PERMISSION", 404: "NOT_FOUND", 409: "REJECTED",
            422: "REJECTED", 429: "UNAVAILABLE", 500: "UNAVAILABLE",
        }
        for status, kind in kinds.items():
            self.assertEqual(self.failure(Answer(status)).kind.name, kind, status)
        self.assertEqual(self.failure(Answer(429, headers=[("Retry-After", "3")])).retry_after_ms, 3000)
        self.assertEqual(self.failure(None).code, "no_answer")
        self.assertEqual(self.failure(Answer(302)).code, "redirected")

    def test_a_list_is_read_to_its_end_and_a_loop_is_found(self):
        lists = {None: ([1], "a"), "a": ([], "b"), "b": ([2], None)}
        self.assertEqual(pages(lists.__getitem__), [1, 2])
        with self.assertRaises(Failure) as raised:
            pages(lambda _: ([], "a"))
        self.assertEqual(raised.exception.record.code, "endless_list")


class Records(unittest.TestCase):
    def test_problems_are_one_failure_with_every_item(self):
        problems = Problems()
        problems.check()
        problems.invalid("invalid_rate", "/packages/a/price", 1, "Too exact.")
        problems.unsupported("unsupported_pacing", "/packages/a/pacing", "x", "None.", ["even"])
        with self.assertRaises(Failure) as raised:
            problems.check()
        record = raised.exception.record
        self.assertEqual((record.kind.name, record.code, len(record.items)), ("UNSUPPORTED", "unsupported", 2))

    def test_a_plan_shows_what_changes_and_nothing_else(self):
        plan = Plan().update("Line", "News", {"a": 1, "b": 2}, {"a": 1, "b": 3}).update("Line", "Same", {"a": 1}, {"a": 1})
        (change,) = plan.record.changes
        self.assertEqual((change.name, change.fields), ("News", [types.FieldChange("b", "2", "3")]))

    def test_a_buy_is_in_the_first_state_that_any_of_its_packages_is_in(self):
        paused, delivering = types.DeliveryState_Paused(), types.DeliveryState_Delivering()
        packages = [
            types.PackageStatus(package_id="a", state=state, impressions_delivered=None, extensions=[])
            for state in (paused, delivering)
        ]
        self.assertEqual(buy_state(packages), delivering)
        self.assertEqual(buy_state([]), types.DeliveryState_Missing())

    def test_pointers_escape_what_ids_may_contain_and_words_are_the_buyers(self):
        self.assertEqual(pointer("assets", "a/b~c", "width"), "/assets/a~1b~0c/width")
        self.assertEqual((word(types.Pacing_FrontLoaded()), word(types.Pacing_Other("new"))), ("front_loaded", "new"))
