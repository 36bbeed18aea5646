"""Plays the protocol document's examples over MCP with the client of the protocol's own project.

Arguments, names and states are those of the document. What can't stand as it is: ids, which the host gives, and days, which lie
in the past there. The calls say what they expect; the first that is answered otherwise ends the play with its words.
"""

import argparse
import asyncio
import datetime
import json

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

BUYER_TOOLS = {
    "create_media_buy", "add_creative_assets", "check_media_buy_status", "get_media_buy_delivery",
    "update_media_buy_performance_index", "update_media_buy", "update_package", "get_pending_tasks",
    "get_task", "answer_task", "list_products", "list_media_buys", "get_operation",
}  # fmt: skip
REVIEWER_TOOLS = {"assign_task", "start_task", "escalate_task", "comment_task", "ask_buyer", "complete_task"}

UPDATE_ANSWERS = {"accepted", "failed", "pending_manual", "pending_permission"}


def day(days):
    """The day so many days from now, in UTC."""
    return (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)).date().isoformat()


class Agent:
    """Somebody with a token."""

    def __init__(self, url, token, mode="auto"):
        self.http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.client = Client(streamable_http_client(f"{url}/mcp", http_client=self.http), mode=mode)

    async def __aenter__(self):
        await self.http.__aenter__()
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *error):
        await self.client.__aexit__(*error)
        await self.http.__aexit__(*error)

    async def tools(self):
        """The names of the tools that this token may use."""
        return {tool.name for tool in (await self.client.list_tools()).tools}

    async def call(self, tool, arguments):
        """The answer of a tool that must succeed."""
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, f"{tool}: {result.structured_content}"
        self.same_twice(tool, result)
        return result.structured_content

    async def refused(self, tool, arguments):
        """The error of a tool that must not succeed."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, f"{tool} was not refused: {result.structured_content}"
        self.same_twice(tool, result)
        return result.structured_content["error"]

    @staticmethod
    def same_twice(tool, result):
        """A model reads the text, a program the structure: they must agree."""
        assert json.loads(result.content[0].text) == result.structured_content, tool


async def approve(buyer, reviewer, task_id):
    """A reviewer approves, and the buyer polls as the document shows."""
    task = await reviewer.call("get_task", {"task_id": task_id})
    assert task["plan"], "a reviewer sees what will happen"
    decision = {"task_id": task_id, "resolution": "approved", "version": task["version"]}
    await reviewer.call("complete_task", decision)
    for _ in range(600):
        tasks = (await buyer.call("get_pending_tasks", {"task_type": "manual_approval"}))["tasks"]
        [mine] = [task for task in tasks if task["task_id"] == task_id]
        assert mine["status"] != "failed", mine
        if mine["status"] == "completed":
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{task_id} was never completed")


async def create(buyer, reviewer):
    """The first example, as it stands."""
    request = {
        "packages": ["premium_sports", "drive_time_audio"],
        "po_number": "PO-2024-001",
        "total_budget": 50000,
        "targeting_overlay": {"geography": ["US-CA", "US-NY"], "device_types": ["mobile", "desktop"]},
    }
    dry = await buyer.call("create_media_buy", {**request, "dry_run": True})
    assert dry["plan"], dry
    created = await buyer.call("create_media_buy", {**request, "idempotency_key": "the-first"})
    assert created["status"] == "pending_manual", created
    assert created["media_buy_id"] and created["creative_deadline"] and created["task_id"] in created["detail"], created
    again = await buyer.call("create_media_buy", {**request, "idempotency_key": "the-first"})
    assert again["media_buy_id"] == created["media_buy_id"] and again["replayed"] is True, again
    await approve(buyer, reviewer, created["task_id"])
    status = await buyer.call("check_media_buy_status", {"media_buy_id": created["media_buy_id"]})
    assert status["status"] == "pending_activation", status
    return created["media_buy_id"]


async def creatives(buyer, reviewer, buy):
    """The second example; the product needs the banner's size besides. Whatever is new to be shown waits for a person."""
    banner = {
        "creative_id": "banner_001",
        "name": "Spring Campaign Banner",
        "format": "image",
        "media_url": "https://cdn.example.com/banner.jpg",
        "click_url": "https://example.com/landing",
        "package_assignments": ["premium_sports"],
    }
    request = {"media_buy_id": buy, "assets": [banner], "idempotency_key": "the-banner"}
    answer = await buyer.call("add_creative_assets", request)
    assert answer["status"] == "pending_manual", answer
    await approve(buyer, reviewer, answer["task_id"])
    operation = await buyer.call("get_operation", {"operation_id": answer["operation_id"]})
    assert operation["state"] == "succeeded", operation
    status = await buyer.call("check_media_buy_status", {"media_buy_id": buy})
    assert status["status"] in {"pending_activation", "active"}, status


async def updates(buyer, reviewer, buy):
    """The update examples: what makes the buy larger waits for a reviewer, and nothing else does."""

    async def update(tool, changes, waits=False):
        answer = await buyer.call(tool, {"media_buy_id": buy, **changes})
        assert answer["status"] in UPDATE_ANSWERS, answer
        assert answer["status"] == ("pending_manual" if waits else "accepted"), answer
        if waits:
            await approve(buyer, reviewer, answer["task_id"])
        else:
            assert answer["implementation_date"].endswith("Z") and answer["reason"] is None, answer

    await update("update_media_buy", {"active": False, "total_budget": 60000}, waits=True)
    status = await buyer.call("check_media_buy_status", {"media_buy_id": buy})
    assert status["status"] == "paused", status
    await update("update_media_buy", {"active": True})
    await update("update_package", {"packages": [{"package_id": "premium_sports", "active": False, "budget": 25000}]})
    more = [{"package_id": "premium_sports", "budget": 26000}]
    await update("update_package", {"packages": more}, waits=True)
    goal = {"package_id": "drive_time_audio", "impressions": 750000, "daily_impressions": 50000}
    await update("update_package", {"packages": [goal]})
    change = {"package_id": "premium_sports", "active": True, "budget": 15000, "creative_ids": ["banner_001"]}
    await update("update_media_buy", {"flight_end_date": day(40), "daily_budget": 5000, "packages": [change]}, waits=True)


async def refusals(buyer, buy):
    """What the document's examples ask that is not possible, and what no example asks."""
    past = {"media_buy_id": buy, "flight_end_date": "2024-02-28"}
    error = await buyer.refused("update_media_buy", past)
    assert (error["code"], error["field"]) == ("INVALID_PARAMETER", "/flight_end_date"), error
    missing = await buyer.refused("check_media_buy_status", {"media_buy_id": "gam_67890"})
    assert missing["code"] == "NOT_FOUND", missing
    odd = await buyer.refused("create_media_buy", {"packages": ["news"], "total_budgett": 1})
    assert (odd["code"], odd["field"]) == ("INVALID_PARAMETER", "/total_budgett"), odd
    denied = await buyer.refused("complete_task", {"task_id": "task_x", "resolution": "approved"})
    assert denied["code"] == "PERMISSION_DENIED", denied


async def measures(buyer, buy):
    """Delivery and performance."""
    delivery = {"media_buy_id": buy, "start_date": day(0), "end_date": day(0)}
    delivered = await buyer.call("get_media_buy_delivery", delivery)
    assert {"impressions", "spend", "clicks", "video_completions"} <= set(delivered["totals"]), delivered
    assert {package["package_id"] for package in delivered["by_package"]} == {"premium_sports", "drive_time_audio"}
    performance = [{"package_id": "premium_sports", "performance_index": 1.2}]
    told = await buyer.call(
        "update_media_buy_performance_index", {"media_buy_id": buy, "performance_data": performance}
    )
    assert told["optimization_actions"][0]["package_id"] == "premium_sports", told


async def play(arguments):
    """The whole play."""
    async with Agent(arguments.url, arguments.buyer, mode="legacy") as early:
        assert await early.tools() == BUYER_TOOLS, await early.tools()
    async with Agent(arguments.url, arguments.buyer) as buyer, Agent(arguments.url, arguments.reviewer) as reviewer:
        assert await buyer.tools() == BUYER_TOOLS, await buyer.tools()
        assert REVIEWER_TOOLS <= await reviewer.tools(), await reviewer.tools()
        products = await buyer.call("list_products", {})
        assert {"premium_sports", "drive_time_audio"} <= {product["package_id"] for product in products["products"]}
        buy = await create(buyer, reviewer)
        await creatives(buyer, reviewer, buy)
        await measures(buyer, buy)
        await updates(buyer, reviewer, buy)
        await refusals(buyer, buy)
    print("played")


def main():
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--buyer", required=True)
    parser.add_argument("--reviewer", required=True)
    asyncio.run(play(parser.parse_args()))


if __name__ == "__main__":
    main()
