"""Each guard of the ledger, taken out, is missed: the simulation sees something happen twice, or not exactly."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ledger import balance, claims, pages
from ledger.counter import balance_key, read_hold
from ledger.kinds import Kind
from tests.simulation.faults import without
from tests.simulation.harsh import CALM, DEADLY, ROUGH, run, small_tails

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.change import Change
    from ledger.entry import Posted
    from ledger.table import Table

MOST_SEEDS = 150
KILLED = {"kill": 0.3, "resend": 0.4}
HOLDS_AT_ONCE = {"operations": ("reserve", "capture", "capture", "release"), "patience_ms": (0,), "together": 24}


@dataclass(frozen=True)
class Mutant:
    """The ledger less one guard: a clause of its conditions, or a piece of its code put out of action."""

    guard: str
    clause: str = ""
    operation: str = ""
    patch: Callable[[pytest.MonkeyPatch], None] = lambda patch: None
    odds: dict[str, float] = field(default_factory=lambda: ROUGH)
    habits: dict[str, Any] = field(default_factory=dict)


def _skip_three(table: Table, account: int, unit: str, key: bytes, after: int) -> Posted | None:
    return pages.find_recent(table, account, unit, key, after=after and after + 3)


def _try_it_anyway(wanted: Change, now_ms: int) -> bool:
    return wanted.unsized


def _look_at_the_balance_first(table: Table, wanted: Change) -> balance._Refused:
    item = table.get(balance_key(wanted.account, wanted.unit))
    apart = wanted.apart and wanted.kind is not Kind.RESERVE
    left = read_hold(table, wanted.account, wanted.unit, wanted.reference) if apart else None
    return balance._Refused(item, left)


MUTANTS = [
    Mutant("a key that is in the tail is not applied again", "NOT contains(t, :key)"),
    Mutant("a key older than what was trimmed is looked for first", "w < :minted"),
    Mutant("a search speaks only for what it saw", "f <= :seen"),
    Mutant("a tail is trimmed once", "f = :flushed"),
    Mutant("a page is put once", "attribute_not_exists(pk)", "put_item"),
    Mutant("a spend finds its credit", "a >= :need"),
    Mutant(
        "a change of several balances claims its key in the same commit",
        "attribute_not_exists(pk)",
        "transact_write_items",
    ),
    Mutant(
        "a claim's key is exchanged by one request only",
        "k = :old",
        odds=DEADLY,
        habits={
            "keyed": 1,
            "patience_ms": (claims.RENEW_MS + 1_000,),
            "operations": ("top-up",),
        },
    ),
    Mutant(
        "a claim stands for one content",
        patch=lambda patch: patch.setattr(claims.CallerKey, "digest", lambda self: b""),
    ),
    Mutant(
        "a key that the SDK may have used is not exchanged",
        patch=lambda patch: patch.setattr(balance, "was_resent", lambda answer: False),
    ),
    Mutant(
        "a second search begins where the first one's pages ended",
        patch=lambda patch: patch.setattr(balance, "find_recent", _skip_three),
    ),
    Mutant(
        "between a claim's last use and its exchange all that is in flight has landed",
        patch=lambda patch: patch.setattr(claims, "RENEW_MS", 0),
        odds=KILLED,
        habits={"keyed": 1, "requests": 12, "patience_ms": (claims.APPLY_MS - 500,), "operations": ("top-up",)},
    ),
    Mutant(
        "a refusal is told only if no copy of the request is under way",
        patch=lambda patch: patch.setattr(balance, "unless_lost", lambda lost: nullcontext()),
        odds={"delay": 0.3},
        habits={"keyed": 0, "operations": ("spend", "spend", "top-up")},
    ),
    Mutant("a capture takes no more than is left", "o.#hold >= :left"),
    Mutant("a capture takes no more than is left apart", "n >= :left", odds=CALM, habits=HOLDS_AT_ONCE),
    Mutant("a release gives back what is left, not what was", "o.#hold = :left"),
    Mutant("a release gives back what is left apart", "n = :left", odds=CALM, habits=HOLDS_AT_ONCE),
    Mutant("a balance has room for so many holds", "size(o) < :room"),
    Mutant(
        "an expired hold is not captured",
        patch=lambda patch: patch.setattr(balance, "_is_hopeless", _try_it_anyway),
    ),
    Mutant(
        "a hold that lies apart is looked at before its balance",
        patch=lambda patch: patch.setattr(balance, "_look", _look_at_the_balance_first),
        odds=CALM,
        habits={"keyed": 1, "patience_ms": (0,), "operations": ("reserve", "release")},
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.guard)
def test_a_missing_guard_is_missed(mutant: Mutant) -> None:
    assert any(_is_caught(mutant, seed) for seed in range(MOST_SEEDS)), "no schedule needed the guard"


@pytest.mark.parametrize("mutant", [each for each in MUTANTS if each.habits], ids=lambda mutant: mutant.guard)
def test_with_its_guard_the_same_schedules_hold(mutant: Mutant, schedules: range) -> None:
    for seed in schedules[::3]:
        with small_tails():
            run(seed, mutant.odds, **mutant.habits)


def _is_caught(mutant: Mutant, seed: int) -> bool:
    rewrite = without(mutant.clause, mutant.operation) if mutant.clause else None
    with small_tails(), pytest.MonkeyPatch.context() as patch:
        mutant.patch(patch)
        logging.disable()  # a mutant cries out at every page that differs
        try:
            run(seed, mutant.odds, rewrite=rewrite, **mutant.habits)
        except Exception:  # an assertion of the proof, or the broken history broke the ledger itself
            return True
        finally:
            logging.disable(logging.NOTSET)
    return False
