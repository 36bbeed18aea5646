"""The class that a component exports."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, Callable

from componentize_py_types import Err

from .failure import Failure

FUNCTIONS = (
    "describe", "plan", "create_media_buy", "add_creative_assets", "update_media_buy", "cancel_media_buy", "check_status",
    "get_delivery", "apply_performance_index", "find_made", "stop_made",
)


def exports(adapter: ModuleType) -> type:
    """Makes the class ``AdServer`` from a module with the contract's functions.

    A raised ``Failure`` becomes the contract's error. Everything else is a bug and stays one: the call ends, and the
    host logs the traceback.
    """
    # Said while the component is built, not when a buyer first needs the function.
    missing = [name for name in FUNCTIONS if not callable(getattr(adapter, name, None))]
    if missing:
        raise TypeError(f"{adapter.__name__} has no function {', '.join(missing)}")
    return type("AdServer", (), {name: _method(getattr(adapter, name)) for name in FUNCTIONS})


def _method(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def method(_self: Any, *args: Any) -> Any:
        try:
            return function(*args)
        except Failure as failure:
            raise Err(failure.record) from None

    return method
