"""Two customers revised by many at once (quotas, limits, an e-mail address that both want), and one of them closed.

Among spends, faults and conflicts.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from ledger import accounts, balance, commit, counter, customers, history, opening
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.customers import Revision
from ledger.errors import Busy, Declined, LedgerError
from ledger.kinds import Kind
from ledger.table import Table, single
from tests.simulation.faults import Client, Killed, without
from tests.simulation.harsh import ROUGH, small_tails
from tests.simulation.memory import Memory
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPERATOR = 100
CUSTOMERS = (1, 2)
LEAVING = 2
UNITS = ("sms", "email")
EMAILS = ("", "a@b.example", "c@d.example")
REVISIONS, SPENDS = 20, 12
CONFLICTS = {**ROUGH, "conflict": 0.3}
MOST_SEEDS = 60


@dataclass(frozen=True)
class Request:
    """A revision. Each sets a quota of its own, of both units, by which it is told apart later."""

    customer: int
    quota: int
    email: str
    key: str | None

    def send(self, table: Table) -> None:
        profile: dict[str, str | int] = {"plan": self.quota, f"plan {self.quota}": "asked for", "email": self.email}
        wanted = Revision(profile, dict.fromkeys(UNITS, self.quota), limits={"sms": self.quota})
        caller_key = CallerKey(OPERATOR, self.key, ("revise", self.customer, self.quota)) if self.key else None
        customers.revise(table, OPERATOR, self.customer, wanted, actor=OPERATOR, caller_key=caller_key)


@dataclass(frozen=True)
class Sent:
    """What one sending came to: it was answered, it met an error, or (None) its process died."""

    request: Request
    came_to: bool | LedgerError | None


class Crowd:
    """Everybody who revises and spends under one seed."""

    def __init__(self, seed: int, odds: Mapping[str, float], rewrite: Callable[[str, Any], Any] | None = None) -> None:
        self.scheduler = Scheduler(seed)
        self.sent: list[Sent] = []
        self._memory, self._odds, self._rewrite = Memory(), odds, rewrite
        self.table = self._reach(self._memory)

    def run(self) -> None:
        chance = self.scheduler.random
        for customer in CUSTOMERS:
            opening.open_account(self.table, OPERATOR, actor=OPERATOR, account=customer, balances={"sms": 500})
        for number in range(REVISIONS):
            key = f"key {number}" if chance.random() < 0.5 else None
            request = Request(chance.choice(CUSTOMERS), 1_000 + number, chance.choice(EMAILS), key)
            for _ in range(chance.choice((1, 2)) if key else 1):
                self.scheduler.spawn(partial(self._revise, request), after_ms=chance.randrange(400))
        for _ in range(SPENDS):
            self.scheduler.spawn(partial(self._spend, chance.choice(CUSTOMERS)), after_ms=chance.randrange(400))
        self.scheduler.spawn(self._close, after_ms=chance.randrange(200, 4_000))
        self.scheduler.run()

    def _revise(self, request: Request) -> None:
        for _ in range(3 if request.key else 1):
            came_to: bool | LedgerError | None = None
            try:
                request.send(self._process())
                came_to = True
            except LedgerError as error:
                came_to = error
            except Killed:
                pass
            self.sent.append(Sent(request, came_to))
            self.scheduler.pause(self.scheduler.random.randrange(3_000))

    def _spend(self, customer: int) -> None:
        with suppress(LedgerError, Killed):
            balance.change(self._process(), Change(OPERATOR, customer, "sms", Kind.SPEND, -9, OPERATOR))

    def _close(self) -> None:
        with suppress(LedgerError, Killed):
            customers.close(self._process(), OPERATOR, LEAVING, actor=OPERATOR)

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
    """Assert that each revision was made once or not at all, in all it was to revise, and that answers say which."""
    requests = {sent.request.quota: sent.request for sent in crowd.sent}
    times: Counter[int] = Counter()
    has: dict[str, int] = {}
    for customer in CUSTOMERS:
        made = [_quotas(crowd.table, customer, unit) for unit in UNITS]
        assert made[0] == made[1], "both quotas or neither, in the same order"
        times.update(made[0])
        account = accounts.get(crowd.table, OPERATOR, customer)
        if not made[0]:
            continue
        last = requests[made[0][-1]]
        asked_for = {f"plan {quota}": "asked for" for quota in made[0]}
        email = {"email": last.email} if last.email else {}
        assert account.properties == {"plan": last.quota, **asked_for, **email}, "the profile goes with the quotas"
        floor = counter.read(crowd.table, customer, "sms").floor
        assert floor == -last.quota, "and so does the limit"
        if last.email and account.state is State.OPEN:
            assert last.email not in has, "two customers have one e-mail address"
            has[last.email] = customer
    assert all(count == 1 for count in times.values()), "a quota was set twice"
    for address in filter(None, EMAILS):
        item = crowd.table.get(single(f"M#{OPERATOR}#{address}"))
        assert (int(item["account"]["N"]) if item else None) == has.get(address), "a name leads to who has it"
    for sent in crowd.sent:
        if sent.came_to is True:
            assert times[sent.request.quota], "what was answered happened"
        elif sent.request.key is None and isinstance(sent.came_to, Declined | Busy):
            assert not times[sent.request.quota], "a refusal, or busy, changed nothing"


def _quotas(table: Table, customer: int, unit: str) -> list[int]:
    assert not history.reconcile(table, customer, unit).problems
    entries = history.entries(table, customer, unit, limit=1_000)
    return [posted.after for posted in reversed(entries) if posted.entry.kind is Kind.SET]


@pytest.mark.parametrize("odds", [{"conflict": 0.3}, CONFLICTS, {**CONFLICTS, "kill": 0.15}])
def test_each_revision_is_made_once_or_not_at_all(schedules: range, odds: dict[str, float]) -> None:
    came_to: Counter[str] = Counter()
    for seed in schedules:
        crowd = run(seed, odds)
        came_to.update(type(sent.came_to).__name__ for sent in crowd.sent)
    assert came_to["bool"] > 5 * len(schedules)
    assert came_to["NameTaken"]
    assert came_to["AccountClosed"]


@pytest.mark.parametrize(
    ("guard", "instead"),
    [
        pytest.param("unless_lost", lambda lost: nullcontext(), id="no refusal denies a copy that may still arrive"),
    ],
)
def test_a_guard_put_out_of_action_is_noticed(guard: str, instead: Callable[..., Any]) -> None:
    def look_for_it() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(commit, guard, instead)
            for seed in range(MOST_SEEDS):
                run(seed, {**CONFLICTS, "delay": 0.2})

    with pytest.raises(AssertionError):
        look_for_it()


@pytest.mark.parametrize("clause", ["v = :version", "attribute_not_exists(pk) OR account = :account"])
def test_a_guard_taken_out_is_noticed(clause: str) -> None:
    def look_for_it() -> None:
        for seed in range(MOST_SEEDS):
            run(seed, CONFLICTS, rewrite=without(clause, "transact_write_items"))

    with pytest.raises(AssertionError):
        look_for_it()
