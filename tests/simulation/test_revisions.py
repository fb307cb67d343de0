"""Quotas, limits and names of one customer, revised by many at once among spends, faults and conflicts. ledger.md 6."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ledger import accounts, balance, customers, history, transfer
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.customers import Revision
from ledger.entry import Kind
from ledger.errors import Busy, Declined, InsufficientCredit, LedgerError
from ledger.table import Table
from tests.simulation.faults import Client, Killed, without
from tests.simulation.harsh import ROUGH, small_tails
from tests.simulation.memory import Memory
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPERATOR, CUSTOMER = 100, 1
UNITS = ("sms", "email")
REVISIONS, SPENDS = 16, 12
CONFLICTS = {**ROUGH, "conflict": 0.3}
MOST_SEEDS = 60


@dataclass(frozen=True)
class Sent:
    """What one sending came to. Each revision sets its own quota of both units, by which it is told apart later."""

    quota: int
    key: str | None
    came_to: customers.Outcome | LedgerError | None


class Crowd:
    """Everybody who revises and spends under one seed."""

    def __init__(self, seed: int, odds: Mapping[str, float], rewrite: Callable[[str, Any], Any] | None = None) -> None:
        self.scheduler = Scheduler(seed)
        self.sent: list[Sent] = []
        self._memory, self._odds, self._rewrite = Memory(), odds, rewrite
        self.table = self._reach(self._memory)

    def run(self) -> None:
        chance = self.scheduler.random
        accounts.open_account(self.table, OPERATOR, actor=OPERATOR, account=CUSTOMER, balances={"sms": 500})
        for number in range(REVISIONS):
            key = f"key {number}" if chance.random() < 0.5 else None
            for _ in range(chance.choice((1, 2)) if key else 1):
                self.scheduler.spawn(lambda q=1_000 + number, k=key: self._revise(q, k), after_ms=chance.randrange(400))  # type: ignore[misc]
        for _ in range(SPENDS):
            self.scheduler.spawn(self._spend, after_ms=chance.randrange(400))
        self.scheduler.run()

    def _revise(self, quota: int, key: str | None) -> None:
        wanted = Revision(
            {"plan": quota, f"plan {quota}": "asked for"}, dict.fromkeys(UNITS, quota), limits={"sms": quota}
        )
        caller_key = CallerKey(OPERATOR, key, ("revise", quota)) if key else None
        for _ in range(3 if key else 1):
            came_to: customers.Outcome | LedgerError | None = None
            try:
                table = self._process()
                _, came_to = customers.revise(table, OPERATOR, CUSTOMER, wanted, actor=OPERATOR, caller_key=caller_key)
            except LedgerError as error:
                came_to = error
            except Killed:
                pass
            self.sent.append(Sent(quota, key, came_to))
            self.scheduler.pause(self.scheduler.random.randrange(3_000))

    def _spend(self) -> None:
        with suppress(LedgerError, Killed):
            balance.change(self._process(), Change(OPERATOR, CUSTOMER, "sms", Kind.SPEND, -9, OPERATOR))

    def _process(self) -> Table:
        client = Client(self._memory, self.scheduler, self._odds, self._rewrite)
        client.live()
        return self._reach(client)

    def _reach(self, client: Memory | Client) -> Table:
        return Table(
            client,  # type: ignore[arg-type]
            "simulation",
            now_ms=lambda: self.scheduler.now_ms,
            sleep_ms=client.sleep_ms if isinstance(client, Client) else self.scheduler.pause,
            random_bits=self.scheduler.random.getrandbits,
        )


def run(seed: int, odds: Mapping[str, float], **mutant: Any) -> Crowd:
    """Run one seed and assert all that must hold after it."""
    crowd = Crowd(seed, odds, **mutant)
    with small_tails():
        crowd.run()
    try:
        check(crowd)
    except AssertionError as error:
        error.add_note(f"seed {seed}, odds {odds}")
        raise
    return crowd


def check(crowd: Crowd) -> None:
    """Assert that each revision was made once or not at all, in both units and the profile, and told so."""
    made = {}
    for unit in UNITS:
        assert not history.reconcile(crowd.table, CUSTOMER, unit).problems
        entries = history.entries(crowd.table, CUSTOMER, unit, limit=1_000)
        made[unit] = [posted.after for posted in reversed(entries) if posted.entry.kind is Kind.SET]
    assert made["sms"] == made["email"], "both quotas or neither, in the same order"
    times = Counter(made["sms"])
    assert all(count == 1 for count in times.values()), "a quota was set twice"
    for sent in crowd.sent:
        if isinstance(sent.came_to, customers.Outcome):
            assert times[sent.quota], "what was answered happened"
            assert set(sent.came_to.after.values()) == {sent.quota}
        elif sent.key is None and isinstance(sent.came_to, Declined | Busy):
            assert not times[sent.quota], "a refusal, or busy, changed nothing"
    if made["sms"]:
        last = accounts.get(crowd.table, OPERATOR, CUSTOMER)
        asked_for = {f"plan {quota}": "asked for" for quota in made["sms"]}
        assert last.properties == {"plan": made["sms"][-1], **asked_for}, "the profile goes with the quotas"
        with pytest.raises(InsufficientCredit) as refused:
            balance.change(crowd.table, Change(OPERATOR, CUSTOMER, "sms", Kind.SPEND, -9_999, OPERATOR))
        left = history.entries(crowd.table, CUSTOMER, "sms", limit=1)[0].after
        assert refused.value.available == left + made["sms"][-1], "and so does the limit"


@pytest.mark.parametrize("odds", [{"conflict": 0.3}, CONFLICTS, {**CONFLICTS, "kill": 0.15}])
def test_each_revision_is_made_once_or_not_at_all(schedules: range, odds: dict[str, float]) -> None:
    answered = 0
    for seed in schedules:
        crowd = run(seed, odds)
        answered += sum(isinstance(sent.came_to, customers.Outcome) for sent in crowd.sent)
    assert answered > 5 * len(schedules)


def test_whoever_judges_what_its_own_first_copy_did_is_noticed() -> None:
    def look_for_it() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(transfer, "is_contended", lambda claim: False)
            for seed in range(MOST_SEEDS):
                run(seed, CONFLICTS)

    with pytest.raises(AssertionError):
        look_for_it()


@pytest.mark.parametrize("clause", ["v = :version", "attribute_not_exists(pk)"])
def test_a_guard_taken_out_is_noticed(clause: str) -> None:
    def look_for_it() -> None:
        for seed in range(MOST_SEEDS):
            run(seed, CONFLICTS, rewrite=without(clause, "transact_write_items"))

    with pytest.raises(AssertionError):
        look_for_it()
