"""One main account and its sub-accounts, all moving credit at once among transactions that get in each other's way.

DynamoDB Local shows hardly any conflict between transactions, so this is where they are met
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from ledger import accounts, history
from ledger.accounts import HOUSE, Role
from ledger.claims import APPLY_MS, CallerKey
from ledger.counter import State
from ledger.entry import Posted
from ledger.errors import Busy, Declined, LedgerError
from ledger.kinds import Kind
from ledger.opening import open_account
from ledger.subaccounts import close_subaccount, open_subaccount
from ledger.table import Table
from ledger.transfer import transfer
from tests.simulation.faults import Client, Killed, without
from tests.simulation.harsh import ROUGH, small_tails
from tests.simulation.memory import Memory
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PARENT = 100
CHILDREN = range(1, 6)
OPENING = 100
TOTAL = 2 * OPENING * len(CHILDREN)
EUR = "EUR"
REQUESTS = 40
PATIENCE_MS = (0, 50, 2_000, APPLY_MS - 2_000, 86_400_000)
MOST_SEEDS = 150


@dataclass(frozen=True)
class Request:
    """Credit to be moved. Every request moves an amount of its own, by which its entries are told apart later."""

    payer: int
    payee: int
    amount: int
    key: str | None

    def send(self, table: Table) -> tuple[Posted, Posted]:
        payer, payee = (accounts.get(table, _owner(account), account) for account in (self.payer, self.payee))
        content = ("transfer", self.payer, self.payee, EUR, self.amount)
        key = CallerKey(PARENT, self.key, content) if self.key else None
        return transfer(table, PARENT, payer, payee, EUR, self.amount, key)


@dataclass(frozen=True)
class Sent:
    """What one sending of a request came to: both entries, an error, or nothing any more."""

    request: Request
    came_to: tuple[Posted, Posted] | LedgerError | None
    faults: Counter[str]


class Family:
    """A main account, its sub-accounts, and everything that they ask for under one seed."""

    def __init__(
        self, seed: int, odds: Mapping[str, float], *, rewrite: Callable[[str, Any], Any] | None = None
    ) -> None:
        self.scheduler = Scheduler(seed)
        self.sent: list[Sent] = []
        self.opened: set[int] = set()
        self.comes_and_goes = False
        self._memory = Memory()
        self._odds, self._rewrite = odds, rewrite
        self.table = self._table(self._memory)

    def run(self, *, comes_and_goes: bool = False) -> None:
        """Let all callers move their credit, each sending its request until it is answered, and some once more."""
        self.comes_and_goes = comes_and_goes
        chance = self.scheduler.random
        opening = {EUR: TOTAL - OPENING * len(CHILDREN)}
        open_account(self.table, HOUSE, actor=HOUSE, role=Role.ADMIN, account=PARENT, balances=opening)
        for child in CHILDREN:
            open_account(self.table, PARENT, actor=PARENT, account=child, balances={EUR: OPENING})
        for number in range(REQUESTS):
            payer, payee = chance.sample((PARENT, chance.choice(CHILDREN)), 2)
            request = Request(payer, payee, number + 1, f"key {number}" if chance.random() < 0.6 else None)
            for _ in range(chance.choice((1, 1, 2)) if request.key else 1):
                self.scheduler.spawn(lambda request=request: self._move(request), after_ms=chance.randrange(300))  # type: ignore[misc]
        if comes_and_goes:
            self.scheduler.spawn(self._come_and_go, after_ms=100)
        self.scheduler.run()

    def _move(self, request: Request) -> None:
        chance = self.scheduler.random
        for wait_ms in (*chance.choices(PATIENCE_MS, k=3), 0):
            table, client = self._process()
            came_to: tuple[Posted, Posted] | LedgerError | None = None
            try:
                came_to = request.send(table)
            except LedgerError as error:
                came_to = error
            except Killed:
                pass
            self.sent.append(Sent(request, came_to, client.met))
            if not request.key or (isinstance(came_to, tuple) and chance.random() < 0.6):
                return
            self.scheduler.pause(wait_ms + chance.randrange(3_000))

    def _come_and_go(self) -> None:
        """Open a sub-account with credit, and close it and another, each asked for until it is answered."""
        for going in (CHILDREN[0], None):
            for _ in range(4):
                table, _ = self._process()
                try:
                    parent = accounts.get(table, HOUSE, PARENT)
                    if going:
                        close_subaccount(table, parent, going, CallerKey(PARENT, "close", (going,)))
                    else:
                        key = CallerKey(PARENT, "open", ("open",))
                        new = open_subaccount(table, parent, EUR, 7, names=[], properties={}, caller_key=key)
                        self.opened.add(new.id)
                        close_subaccount(table, parent, new.id)
                    break
                except (LedgerError, Killed):
                    self.scheduler.pause(self.scheduler.random.randrange(3_000))

    def _process(self) -> tuple[Table, Client]:
        """Start a process that may meet any fault."""
        client = Client(self._memory, self.scheduler, self._odds, self._rewrite)
        client.live()
        return self._table(client), client

    def _table(self, client: Memory | Client) -> Table:
        return Table(
            client,  # type: ignore[arg-type]
            "simulation",
            now_ms=lambda: self.scheduler.now_ms,
            sleep_ms=client.sleep_ms if isinstance(client, Client) else self.scheduler.pause,
            random_bits=self.scheduler.random.getrandbits,
        )


def _owner(account: int) -> int:
    return HOUSE if account == PARENT else PARENT


def run(seed: int, odds: Mapping[str, float], *, comes_and_goes: bool = False, **mutant: Any) -> Family:
    """Run one seed and assert all that must hold after it."""
    family = Family(seed, odds, **mutant)
    with small_tails():
        family.run(comes_and_goes=comes_and_goes)
    check_answers(family, check_balances(family))
    return family


def check_balances(family: Family) -> dict[bytes, dict[Kind, Posted]]:
    """Assert that credit was only ever moved; give the transfers, each by its key, with both sides by their kind."""
    states = {account.id: account.state for account in accounts.list_accounts(family.table, PARENT, limit=100)}
    assert family.opened <= states.keys()
    assert len(states) <= len(CHILDREN) + 1, "one key opens one account"
    moves: defaultdict[bytes, dict[Kind, Posted]] = defaultdict(dict)
    total = 0
    for account in (PARENT, *states):
        found = history.reconcile(family.table, account, EUR)
        assert not found.problems, found.problems
        total += found.available
        assert not (states.get(account) is State.CLOSED and found.available), "closed with credit in it"
        for posted in history.entries(family.table, account, EUR, limit=10_000):
            assert posted.after >= 0, "below zero"
            if posted.entry.kind is not Kind.OPENING:
                assert posted.entry.kind not in moves[posted.key], "a side twice"
                moves[posted.key][posted.entry.kind] = posted
    assert total == TOTAL, "the total never changes"
    for sides in moves.values():
        assert set(sides) == {Kind.TRANSFER_OUT, Kind.TRANSFER_IN}, "both sides or neither"
        assert sides[Kind.TRANSFER_OUT].amount == -sides[Kind.TRANSFER_IN].amount < 0, "nothing made, nothing lost"
    return moves


def check_answers(family: Family, moves: dict[bytes, dict[Kind, Posted]]) -> None:
    """Assert that answers tell what happened, alike to all who sent one key, and that refusals changed nothing."""
    happened: Counter[tuple[int, int, int]] = Counter()
    for sides in moves.values():
        out, into = sides[Kind.TRANSFER_OUT], sides[Kind.TRANSFER_IN]
        happened[int(into.entry.reference), int(out.entry.reference), into.amount] += 1
    told: defaultdict[int, set[bytes]] = defaultdict(set)
    for sent in family.sent:
        request = sent.request
        times = happened[request.payer, request.payee, request.amount]
        if isinstance(sent.came_to, tuple):
            paid, received = sent.came_to
            sides = moves[paid.key]
            assert times, "what was answered happened"
            assert [(each.sequence, each.after) for each in (paid, received)] == [
                (sides[kind].sequence, sides[kind].after) for kind in (Kind.TRANSFER_OUT, Kind.TRANSFER_IN)
            ], "the answer is exact"
            told[request.amount].add(paid.key)
        if family.comes_and_goes and request.payer == CHILDREN[0]:
            continue  # what it had when it was closed may by chance be this amount
        assert times <= 1, "once at the most"
        if request.key is None and isinstance(sent.came_to, Declined | Busy):
            assert not times, "a refusal, or busy, changed nothing"
    assert all(len(answers) == 1 for answers in told.values()), "one answer for one key"


# These schedules are large, so every fourth seed will do.


@pytest.mark.parametrize("conflicts", [0, 0.1, 0.5])
def test_among_conflicts_credit_is_moved_whole_and_hardly_anybody_is_turned_away(
    schedules: range, conflicts: float
) -> None:
    came_to: Counter[str] = Counter()
    for seed in schedules[::4]:
        family = run(seed, {"conflict": conflicts})
        came_to.update(type(sent.came_to).__name__ for sent in family.sent)
    assert set(came_to) <= {"tuple", "Busy", "InsufficientCredit"}
    assert came_to["tuple"] > 20 * came_to["Busy"]
    assert came_to["InsufficientCredit"]


@pytest.mark.parametrize("conflicts", [0.1, 0.5])
def test_whatever_else_goes_wrong_there_are_both_sides_or_neither(schedules: range, conflicts: float) -> None:
    for seed in schedules[::4]:
        run(seed, {**ROUGH, "kill": 0.1, "conflict": conflicts})


def test_accounts_open_and_close_among_transfers_and_no_credit_is_lost(schedules: range) -> None:
    closed = 0
    for seed in schedules[::4]:
        family = run(seed, {**ROUGH, "conflict": 0.1}, comes_and_goes=True)
        children = accounts.list_accounts(family.table, PARENT, limit=100)
        closed += sum(account.state is State.CLOSED for account in children)
    assert closed > len(schedules[::4])


@pytest.mark.parametrize(
    "clause",
    [
        pytest.param("attribute_not_exists(pk)", id="a transfer claims its key in the same commit"),
        pytest.param("a >= :need", id="a payer finds its credit"),
        pytest.param("a <= :need", id="an account leaves nothing behind when it closes"),
        pytest.param("x <= :state", id="nothing comes into a closed balance"),
    ],
)
def test_a_guard_taken_out_is_missed(clause: str) -> None:
    def look_for_it() -> None:
        for seed in range(MOST_SEEDS):
            run(seed, ROUGH, comes_and_goes=True, rewrite=without(clause, "transact_write_items"))

    with pytest.raises(AssertionError):
        look_for_it()
