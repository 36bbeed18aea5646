"""Buys through flightdeck over MCP, and waits as long as the publisher's people need.

- `__main__`: the command line.
- `buying`: what is done for an order, step by step, and how it waits.
- `host`: one call of a tool, and which errors are worth another try.
- `store`: what must survive a crash.
- `webhooks`: receives events, so that nothing waits for the next poll.
"""
