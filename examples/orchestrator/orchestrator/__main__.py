"""python -m orchestrator ORDER.json … — carries out orders; start it again after a crash, and it goes on."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from pathlib import Path

from .buying import Buyer, Order, Patience, Rejected, StillWaiting
from .host import Host, Refused
from .store import Altered, Store
from .webhooks import News, Receiver

# 75 is EX_TEMPFAIL of sysexits.h.
DONE, STOPPED, START_AGAIN = 0, 1, 75


async def carry_out(buyer: Buyer, order: Order) -> int:
    """Carries out one order, and says how it ended."""
    try:
        delivery = await buyer.carry_out(order)
    except (Rejected, Refused, Altered) as no:
        print(f"{order.po_number}: stopped: {no}", flush=True)
        return STOPPED
    except StillWaiting as waiting:
        print(f"{order.po_number}: {waiting}", flush=True)
        return START_AGAIN
    totals = delivery["totals"]
    shown = f"{totals['impressions']} impressions, {totals['spend']} {delivery['currency']} spent"
    print(f"{order.po_number}: delivered {shown}, as of {delivery['as_of']}", flush=True)
    return DONE


async def run(arguments: argparse.Namespace) -> int:
    orders = [Order.read(path) for path in arguments.orders]
    store, news = Store(arguments.state), News()
    patience = Patience(arguments.patience, arguments.first_pause, arguments.longest_pause)
    buyer = Buyer(Host(arguments.url, os.environ["FLIGHTDECK_TOKEN"]), store, news, patience, arguments.answer)
    async with contextlib.AsyncExitStack() as open_until_the_end:
        if secret := os.environ.get("WEBHOOK_SECRET"):
            host, _, port = arguments.webhooks.rpartition(":")
            serving = Receiver(secret, store, news).serving(host, int(port))
            print(f"webhooks are received at {await open_until_the_end.enter_async_context(serving)}", flush=True)
        return max(await asyncio.gather(*(carry_out(buyer, order) for order in orders)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="orchestrator", description=__doc__)
    parser.add_argument("orders", nargs="+", type=Path, metavar="ORDER.json")
    parser.add_argument("--url", default="http://127.0.0.1:8080", help="of flightdeck")
    parser.add_argument("--state", type=Path, default="orchestrator.db", help="file that remembers what was sent")
    parser.add_argument("--webhooks", default="127.0.0.1:8090", metavar="ADDRESS:PORT", help="where to receive them")
    parser.add_argument("--answer", metavar="WORDS", help="to the next question that a reviewer asks")
    parser.add_argument("--patience", type=float, default=30 * 86_400, metavar="SECONDS", help="per step")
    parser.add_argument("--first-pause", type=float, default=2, metavar="SECONDS", help="between two polls")
    parser.add_argument("--longest-pause", type=float, default=300, metavar="SECONDS", help="between two polls")
    arguments = parser.parse_args()
    if "FLIGHTDECK_TOKEN" not in os.environ:
        parser.error("FLIGHTDECK_TOKEN is not set: a buyer's token")
    try:
        return asyncio.run(run(arguments))
    except KeyboardInterrupt:
        return START_AGAIN


if __name__ == "__main__":
    sys.exit(main())
