"""The functions of the contract, for Signpost: orders, lines, creatives and their assignments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Optional

from componentize_py_types import Ok
from flightdeck_adapter import (
    Failure, Plan, Problems, Seen, asset_status, buy_state, changed_fields, id_of, made_objects, micros, not_found, outcome,
    rejected, step, step_name, types,
)

from .api import Signpost
from .translate import Line, describe, translate, translate_creative

__all__ = [
    "add_creative_assets", "apply_performance_index", "cancel_media_buy", "check_status", "create_media_buy", "describe",
    "find_made", "get_delivery", "plan", "stop_made", "update_media_buy",
]

ORDER, PACKAGE = types.RemoteKind_Order(), types.RemoteKind_Package()
CREATIVE, ASSOCIATION = types.RemoteKind_Creative(), types.RemoteKind_Association()
STATES = {
    "awaiting_creatives": types.DeliveryState_AwaitingCreatives(), "scheduled": types.DeliveryState_Scheduled(),
    "delivering": types.DeliveryState_Delivering(), "paused": types.DeliveryState_Paused(),
    "completed": types.DeliveryState_Completed(), "archived": types.DeliveryState_Canceled(),
}
# By how many millionths a package must differ from its baseline before it is worth a word.
NOTABLE = 100_000

# ---- plans ----


def plan(ctx: types.Context, change: types.Change) -> types.ChangePlan:
    if isinstance(change, types.Change_Create):
        return _plan_create(ctx, change.value)
    if isinstance(change, types.Change_AddCreatives):
        return _plan_creatives(ctx, change.value)
    if isinstance(change, types.Change_Update):
        return _plan_update(ctx, change.value)
    if isinstance(change, types.Change_Cancel):
        archived = {"state": "archived"}
        return Plan().update("Order", change.value.name, {}, archived, remote_id=id_of(ctx.remote, ORDER)).record
    # Signpost has no performance index: a person is advised, nothing changes.
    return Plan().note("Signpost has no performance index. Nothing changes there.").record


def _plan_create(ctx: types.Context, buy: types.MediaBuy) -> types.ChangePlan:
    order, lines = _possible(ctx, buy)
    plan = Plan().create("Order", order["name"], order)
    for line in lines:
        plan.create("Line", line.fields["name"], line.fields, package_id=line.package_id)
    return plan.record


def _possible(ctx: types.Context, buy: types.MediaBuy) -> tuple[dict[str, Any], list[Line]]:
    """A translated buy, or a failure with everything that Signpost can't do."""
    problems = Problems()
    translated = translate(buy, ctx.advertiser_id, problems)
    problems.check()
    return translated


def _plan_creatives(ctx: types.Context, batch: types.CreativeBatch) -> types.ChangePlan:
    plan = Plan()
    for creative in batch.assets:
        fields = translate_creative(creative, ctx.advertiser_id)
        plan.create("Creative", fields["name"], fields)
        for package_id in creative.package_ids:
            _plan_assignment(plan, package_id, creative.creative_id, True)
    return plan.record


def _plan_assignment(plan: Plan, package_id: str, creative_id: str, active: bool) -> None:
    name = f"{package_id}/{creative_id}"
    if active:
        plan.associate("Assignment", name, {"creative": creative_id}, package_id=package_id)
    else:
        plan.update("Assignment", name, {"active": True}, {"active": False}, package_id=package_id)


def _plan_update(ctx: types.Context, request: types.MediaBuyUpdate) -> types.ChangePlan:
    before, after, changes = _differences(ctx, request)
    plan = Plan().update("Order", after["name"], before, after, remote_id=id_of(ctx.remote, ORDER))
    planned: list[str] = []
    for change in changes:
        package_id, fields = change.package_id, change.after.fields
        remote_id = id_of(ctx.remote, PACKAGE, package_id)
        plan.update("Line", fields["name"], change.before.fields, fields, package_id=package_id, remote_id=remote_id)
        for creative_id in change.added:
            creative = _creative(request, creative_id)
            if not id_of(ctx.remote, CREATIVE, creative_id) and creative and creative_id not in planned:
                created = translate_creative(creative, ctx.advertiser_id)
                plan.create("Creative", created["name"], created)
                planned.append(creative_id)
            _plan_assignment(plan, package_id, creative_id, True)
        for creative_id in change.removed:
            _plan_assignment(plan, package_id, creative_id, False)
    return plan.record


# ---- creating ----


def create_media_buy(ctx: types.Context, buy: types.MediaBuy) -> types.Outcome:
    signpost = Signpost(ctx.endpoint)
    order, lines = _possible(ctx, buy)
    order_id = (
        step("order")
        .remember(ORDER, "")
        .find(signpost.orders_with)
        .create(lambda reference: signpost.create_order(order, reference))
    )
    for line in lines:
        (
            step(step_name("line", line.package_id))
            .remember(PACKAGE, line.package_id)
            .find(lambda reference: signpost.lines_with(order_id, reference))
            .create(lambda reference, line=line: signpost.create_line(order_id, line.fields, reference))
        )
    return outcome()


def add_creative_assets(ctx: types.Context, batch: types.CreativeBatch) -> types.CreativeOutcome:
    signpost = Signpost(ctx.endpoint)
    return types.CreativeOutcome(assets=[_add(ctx, signpost, one) for one in batch.assets], notes=[], extensions=[])


def _add(ctx: types.Context, signpost: Signpost, creative: types.Creative) -> types.AssetStatus:
    id, refused = _upload(ctx, signpost, creative)
    for package_id in creative.package_ids:
        if not refused:
            refused = _assign(ctx, signpost, package_id, creative.creative_id, id)
    if refused:
        return asset_status(creative.creative_id, types.AssetState_Rejected(), id, refused.words)
    return asset_status(creative.creative_id, types.AssetState_Approved(), id)


def _upload(ctx: types.Context, signpost: Signpost, creative: types.Creative) -> tuple[str, Optional[Failure]]:
    """Uploads a creative once. The step runs whether or not the creative is known: steps must not differ from run to run."""
    known = id_of(ctx.remote, CREATIVE, creative.creative_id)

    def create(reference: str) -> str:
        return known or signpost.create_creative(translate_creative(creative, ctx.advertiser_id), reference)

    verdict = (
        step(step_name("creative", creative.creative_id))
        .remember(CREATIVE, creative.creative_id)
        .find(lambda reference: [Seen(known)] if known else signpost.creatives_with(reference))
        .try_create(create)
    )
    return verdict.ok, verdict.refused


def _assign(ctx: types.Context, signpost: Signpost, package_id: str, creative_id: str, id: str) -> Optional[Failure]:
    """Assigns a creative to a package's line. Returns the refusal, if there is one."""
    return (
        step(step_name("assignment", package_id, creative_id))
        .remember(ASSOCIATION, f"{package_id}/{creative_id}")
        .try_set(lambda: signpost.assign(_line_of(ctx, package_id), id))
        .refused
    )


def _line_of(ctx: types.Context, package_id: str) -> str:
    id = id_of(ctx.remote, PACKAGE, package_id)
    if not id:
        raise not_found("line_missing", f"The package {package_id} has no line on Signpost: it was not created there.")
    return id


# ---- updating ----


@dataclass
class _Change:
    package_id: str
    before: Line
    after: Line
    added: list[str]
    removed: list[str]

    @property
    def fields(self) -> dict[str, Any]:
        return changed_fields(self.before.fields, self.after.fields)


def _differences(
    ctx: types.Context, request: types.MediaBuyUpdate
) -> tuple[dict[str, Any], dict[str, Any], list[_Change]]:
    """The order before and after, and the packages that change, in their order."""
    accepted, problems = Problems(), Problems()
    before, old_lines = translate(request.current, ctx.advertiser_id, accepted)
    after, new_lines = translate(request.desired, ctx.advertiser_id, problems)
    # What is on Signpost was accepted, whatever this release says now: a buy can always be paused.
    problems.leave_out(accepted)
    problems.check()
    old, new = ({line.package_id: line for line in lines} for lines in (old_lines, new_lines))
    changes = []
    for package_id in request.touched:
        was, will = old[package_id].creative_ids, new[package_id].creative_ids
        added, removed = [id for id in will if id not in was], [id for id in was if id not in will]
        change = _Change(package_id, old[package_id], new[package_id], added, removed)
        if change.fields or added or removed:
            changes.append(change)
    return before, after, changes


def _creative(request: types.MediaBuyUpdate, creative_id: str) -> Optional[types.Creative]:
    return next((one for one in request.creatives if one.creative_id == creative_id), None)


def update_media_buy(ctx: types.Context, request: types.MediaBuyUpdate) -> types.UpdateOutcome:
    signpost = Signpost(ctx.endpoint)
    before, after, changes = _differences(ctx, request)
    renamed = changed_fields(before, after)
    if renamed:
        step("change/order").set(lambda: signpost.change_order(id_of(ctx.remote, ORDER) or "", renamed))
    answer = types.UpdateOutcome(effective=None, affected_packages=[], failed=None, notes=[], extensions=[])
    uploaded: dict[str, tuple[str, Optional[Failure]]] = {}
    for change in changes:
        # The first refusal ends the update.
        refused = next((refusal for refusal in _change(ctx, signpost, request, change, uploaded) if refusal), None)
        if refused:
            answer.failed = types.PackageFailure(package_id=change.package_id, failure=refused.record)
            break
        answer.affected_packages.append(change.package_id)
    return answer


def _change(
    ctx: types.Context, signpost: Signpost, request: types.MediaBuyUpdate, change: _Change, uploaded: dict[str, Any]
) -> Iterator[Optional[Failure]]:
    """Changes one package, step by step: yields the refusal of each, or None."""
    package_id, fields = change.package_id, change.fields
    if fields:
        changed = step(step_name("change/line", package_id))
        yield changed.try_set(lambda: signpost.change_line(_line_of(ctx, package_id), fields)).refused
    for creative_id in change.added:
        creative = _creative(request, creative_id)
        if creative is None:
            yield not_found("creative_missing", f"The buy has no creative {creative_id}.")
            return
        if creative_id not in uploaded:
            uploaded[creative_id] = _upload(ctx, signpost, creative)
        id, refused = uploaded[creative_id]
        yield refused
        yield _assign(ctx, signpost, package_id, creative_id, id)
    for creative_id in change.removed:
        id = id_of(ctx.remote, CREATIVE, creative_id)
        removed = step(step_name("unassign", package_id, creative_id))
        yield removed.try_set(lambda id=id: signpost.unassign(_line_of(ctx, package_id), id) if id else None).refused


# ---- stopping ----


def cancel_media_buy(ctx: types.Context, buy: types.MediaBuy) -> types.Outcome:
    signpost = Signpost(ctx.endpoint)

    def archive() -> int:
        known = id_of(ctx.remote, ORDER)
        # The answer to the order's request may have been lost, so its id was never learned.
        orders = [known] if known else signpost.orders_of(ctx.advertiser_id, buy.media_buy_id)
        for id in orders:
            _stop(lambda id=id: signpost.change_order(id, {"state": "archived"}))
        return len(orders)

    return outcome() if step("archive").set(archive) else outcome("There was nothing on Signpost.")


def _stop(change: Callable[[], None]) -> None:
    """Stops an object. One that is gone or archived is stopped already."""
    try:
        change()
    except Failure as failure:
        if failure.kind is not types.FailureKind.NOT_FOUND and failure.platform_code != "order_archived":
            raise


def find_made(ctx: types.Context, made: types.MadeStep) -> list[types.MadeObject]:
    signpost = Signpost(ctx.endpoint)
    what, _, key = made.name.partition("/")
    order_id = id_of(ctx.remote, ORDER)
    if made.name == "order":
        return made_objects(signpost.orders_with(made.reference), "Order", ORDER, "")
    if what == "line" and order_id:
        return made_objects(signpost.lines_with(order_id, made.reference), "Line", PACKAGE, key)
    if what == "creative":
        return made_objects(signpost.creatives_with(made.reference), "Creative", CREATIVE, key)
    # The other steps make nothing that carries a reference.
    return []


def stop_made(ctx: types.Context, made: types.MadeObject) -> types.Outcome:
    signpost, kind, id = Signpost(ctx.endpoint), made.object.kind, made.object.id
    if kind == ORDER:
        change = lambda: signpost.change_order(id, {"state": "archived"})  # noqa: E731
    elif kind == PACKAGE:
        change = lambda: signpost.change_line(id, {"active": False})  # noqa: E731
    elif kind == CREATIVE:
        change = lambda: signpost.change_creative(id, {"active": False})  # noqa: E731
    else:
        message = f"{made.remote_type} {id} is nothing that this adapter makes. Look at it on Signpost."
        raise rejected("unknown_object", message)
    step(step_name("stop", made.remote_type, id)).set(lambda: _stop(change))
    return outcome()


# ---- reading ----


def _packages_of(buy: types.RemoteBuy) -> list[types.RemoteObject]:
    return [object for object in buy.remote if object.kind == PACKAGE]


def _lines_of(buys: list[types.RemoteBuy]) -> list[str]:
    return [package.id for buy in buys for package in _packages_of(buy)]


def check_status(ctx: types.Context, buys: list[types.RemoteBuy]) -> list[types.StatusAnswer]:
    lines = Signpost(ctx.endpoint).status(_lines_of(buys))

    def package(object: types.RemoteObject) -> types.PackageStatus:
        line = lines.get(object.id)
        state = STATES.get(line["state"], types.DeliveryState_Other(line["state"])) if line else types.DeliveryState_Missing()
        impressions = line["impressions"] if line else None
        return types.PackageStatus(package_id=object.key, state=state, impressions_delivered=impressions, extensions=[])

    def answer(buy: types.RemoteBuy) -> types.StatusAnswer:
        packages = [package(object) for object in _packages_of(buy)]
        gone = ", ".join(one.package_id for one in packages if one.state == types.DeliveryState_Missing())
        detail = f"no longer on Signpost: {gone}"[:500] if gone else ""
        status = types.BuyStatus(
            media_buy_id=buy.media_buy_id, state=buy_state(packages), detail=detail, packages=packages, assets=[], extensions=[]
        )
        return types.StatusAnswer(media_buy_id=buy.media_buy_id, status=Ok(status))

    return [answer(buy) for buy in buys]


def get_delivery(
    ctx: types.Context, buys: list[types.RemoteBuy], days: types.DateRange
) -> list[types.DeliveryAnswer]:
    rows, as_of = Signpost(ctx.endpoint).report(_lines_of(buys), days.first, days.last)

    def answer(buy: types.RemoteBuy) -> types.DeliveryAnswer:
        delivered = [
            types.DeliveryRow(
                package_id=object.key, day=row["day"], impressions=row["impressions"], spend=micros(row["spend"]),
                clicks=row["clicks"], video_completions=None, extensions=[],
            )
            for object in _packages_of(buy)
            for row in rows
            if row["line_id"] == object.id
        ]
        delivery = types.BuyDelivery(media_buy_id=buy.media_buy_id, rows=delivered, totals=[], as_of=as_of, extensions=[])
        return types.DeliveryAnswer(media_buy_id=buy.media_buy_id, delivery=Ok(delivery))

    return [answer(buy) for buy in buys]


def apply_performance_index(_ctx: types.Context, update: types.PerformanceUpdate) -> types.PerformanceOutcome:
    def advice(one: types.PackagePerformance) -> types.OptimizationAction:
        above = one.performance_index > 1_000_000
        kind, action = types.OptimizationKind_Advised(), "raise_budget" if above else "review_creatives"
        reason = f"The package performs {'above' if above else 'below'} its baseline. Signpost has no performance index."
        if abs(one.performance_index - 1_000_000) <= NOTABLE:
            kind, action, reason = types.OptimizationKind_Unnecessary(), "none", "The package performs as expected."
        return types.OptimizationAction(package_id=one.package_id, kind=kind, action=action, reason=reason, extensions=[])

    return types.PerformanceOutcome(actions=[advice(one) for one in update.performance], extensions=[])
