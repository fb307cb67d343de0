"""What more than one endpoint is asked in its path and query: which account, balance, hold or package, which page."""

from collections.abc import Sequence
from typing import TypeVar

from api.fields import AccountIdIn, Asked, Count, HoldId, Identifier, Unit

T = TypeVar("T")


class AccountPlace(Asked):
    id: AccountIdIn


class BalancePlace(AccountPlace):
    unit: Unit


class HoldPlace(BalancePlace):
    hold: HoldId


class PackagePlace(Asked):
    identifier: Identifier


class Paged(Asked):
    limit: Count = 50


def cut(found: Sequence[T], limit: int) -> tuple[Sequence[T], T | None]:
    """Cut a page out of what was found and, if there is more, give the last on it: the next page begins after that."""
    page = found[:limit]
    return page, page[-1] if len(found) > limit else None
