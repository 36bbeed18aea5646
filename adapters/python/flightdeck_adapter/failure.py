"""Failures: what went wrong, and therefore what the host does next. Raise one to end the call."""

from __future__ import annotations

from typing import Any, Callable, Optional

from wit_world.imports import adapter_types as types
from wit_world.imports.adapter_types import FailureKind

# The most characters of a platform's own words that are passed on.
WORDS_LIMIT = 500

# The kinds that neither a retry nor a person's decision changes.
FINAL = (FailureKind.INVALID, FailureKind.UNSUPPORTED, FailureKind.REJECTED, FailureKind.NOT_FOUND)


class Failure(Exception):
    """A failure of the contract. ``record`` is the contract's own form."""

    def __init__(self, kind: FailureKind, code: str, message: str, items: Optional[list[types.FailureItem]] = None) -> None:
        super().__init__(message)
        self.record = types.Failure(
            kind=kind, code=code, message=message, items=items or [], retry_after_ms=None, platform=None, extensions=[]
        )

    def said(self, status: int, code: str, words: str) -> Failure:
        """Adds the platform's own words."""
        self.record.platform = types.PlatformAnswer(status=status, code=code[:200], message=words[:WORDS_LIMIT])
        return self

    @property
    def kind(self) -> FailureKind:
        return self.record.kind

    @property
    def platform_code(self) -> str:
        """The platform's own code; empty if it gave none."""
        return self.record.platform.code if self.record.platform else ""

    @property
    def words(self) -> str:
        """The platform's own words if there are any, else the message."""
        platform = self.record.platform
        return platform.message if platform and platform.message else self.record.message

    @property
    def is_final(self) -> bool:
        """Whether the failure is final, so that a step may record it."""
        return self.kind in FINAL

    def to_json(self) -> dict[str, Any]:
        """What a step records of a refusal."""
        record = self.record
        items = [[item.field, item.value, item.message, item.supported] for item in record.items]
        platform = record.platform and [record.platform.status, record.platform.code, record.platform.message]
        return {
            "kind": record.kind.name, "code": record.code, "message": record.message, "items": items, "platform": platform,
        }

    @staticmethod
    def from_json(recorded: dict[str, Any]) -> Failure:
        """A failure from what a step recorded."""
        items = [failure_item(*item) for item in recorded["items"]]
        failure = Failure(FailureKind[recorded["kind"]], recorded["code"], recorded["message"], items)
        return failure.said(*recorded["platform"]) if recorded["platform"] else failure


def failure_item(field: str, value: object, message: str, supported: list[str]) -> types.FailureItem:
    return types.FailureItem(field=field, value=str(value), message=message, supported=list(supported), extensions=[])


def pointer(*segments: str) -> str:
    """A JSON pointer into the buyer's request (RFC 6901): ``pointer("packages", "news", "pacing")``."""
    return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in segments)


def word(case: Any) -> str:
    """The buyer's word for a case of a variant: ``front_loaded`` for ``Pacing_FrontLoaded()``."""
    name = type(case).__name__.split("_", 1)[1]
    if name == "Other":
        return str(case.value)
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


def _constructor(kind: FailureKind, doc: str) -> Callable[[str, str], Failure]:
    def make(code: str, message: str) -> Failure:
        return Failure(kind, code, message)

    make.__doc__ = doc
    return make


invalid = _constructor(FailureKind.INVALID, "The request makes no sense for this platform.")
unsupported = _constructor(FailureKind.UNSUPPORTED, "The platform can't do what the request asks for.")
permission = _constructor(FailureKind.PERMISSION, "The account lacks a permission; the operation waits.")
rejected = _constructor(FailureKind.REJECTED, "The platform refused for good.")
unavailable = _constructor(FailureKind.UNAVAILABLE, "The request may succeed later.")
not_found = _constructor(FailureKind.NOT_FOUND, "The object of the change is not on the platform.")


class Problems:
    """Collects everything that is wrong with a request, so that a buyer sees all of it at once."""

    def __init__(self) -> None:
        self._items: list[tuple[FailureKind, str, types.FailureItem]] = []

    def unsupported(self, code: str, field: str, value: object, message: str, supported: Optional[list[str]] = None) -> None:
        """Adds something that the platform can't do. ``field`` is a JSON pointer into the request."""
        self._items.append((FailureKind.UNSUPPORTED, code, failure_item(field, value, message, supported or [])))

    def invalid(self, code: str, field: str, value: object, message: str) -> None:
        """Adds something that makes no sense."""
        self._items.append((FailureKind.INVALID, code, failure_item(field, value, message, [])))

    def leave_out(self, accepted: Problems) -> None:
        """Drops the problems that ``accepted`` has too.

        For updates: an adapter may have become stricter since it accepted a buy, and that buy must still be pausable.
        """
        known = [(code, item.field, item.value) for _, code, item in accepted._items]
        self._items = [one for one in self._items if (one[1], one[2].field, one[2].value) not in known]

    def check(self) -> None:
        """Raises one failure with every problem, if there is any."""
        if not self._items:
            return
        first_kind, first_code, first = self._items[0]
        kind = FailureKind.UNSUPPORTED if any(kind is FailureKind.UNSUPPORTED for kind, _, _ in self._items) else first_kind
        agreed = all(code == first_code for _, code, _ in self._items)
        count = len(self._items)
        message = first.message if count == 1 else f"{count} things can't be done as asked; the first: {first.message}"
        raise Failure(kind, first_code if agreed else kind.name.lower(), message, [item for _, _, item in self._items])
