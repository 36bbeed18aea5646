"""The component's entry point: installs the real host, and exports the contract's functions."""

import flightdeck_adapter.component  # noqa: F401 - installs the host
from flightdeck_adapter import exports
from signpost import adapter

AdServer = exports(adapter)
