"""The Mailpartner endpoints' own handlers in 16 processes at once, as Lambda would run them, on one main account."""

import random
from collections import Counter, defaultdict
from functools import partial
from itertools import chain, count, repeat

import pytest

from ledger import accounts, credentials, history
from ledger.accounts import HOUSE, Role
from ledger.counter import State
from ledger.entry import Posted
from ledger.kinds import Kind
from ledger.names import Name
from ledger.opening import open_account
from ledger.table import Table, open_table
from tests.engine.losses import Died, LossyWire
from tests.engine.senders import Request, send_all
from tests.engine.writers import Writers
from tests.mailpartner.caller import Answer, ask

pytestmark = pytest.mark.engine

EUR = "EUR"
CHILDREN = 20
TRANSFERS = 2_000
OPENING = 20_000  # thousandths, of every account
KEYED = 320
ROUNDS = 4
MOVES = 12
LOST = 0.10
GONE, EMPTY, TOO_LITTLE, BUSY, OUTCOME_UNKNOWN = 7, 6, 8, 429, 504

numbers = count(1)


class Family:
    """A main account and its sub-accounts, each with the same credit; tokens and the API key begin with its name."""

    def __init__(self, table: Table, children: int) -> None:
        self.table = table
        self.name = f"family-{next(numbers)}"
        names = [credentials.api_key(self.name)]
        opening = {EUR: OPENING}
        opened = open_account(
            table, HOUSE, actor=HOUSE, role=Role.ADMIN, username=self.name, names=names, balances=opening
        )
        self.parent = opened.id
        self.children = [self.open_child(number) for number in range(children)]

    def open_child(self, number: int) -> int:
        names = [Name("token", f"T#{self.name}-{number}")]
        properties = {"token": f"{self.name}-{number}"}
        return open_account(
            self.table, self.parent, actor=self.parent, names=names, properties=properties, balances={EUR: OPENING}
        ).id

    def check(self) -> dict[bytes, dict[int, Posted]]:
        """Demand that credit was only ever moved; return the transfers, each by its key, with both sides by account."""
        moves: defaultdict[bytes, dict[int, Posted]] = defaultdict(dict)
        total = 0
        for account in (self.parent, *self.children):
            found = history.reconcile(self.table, account, EUR)
            assert found.problems == []
            total += found.available
            posted = history.entries(self.table, account, EUR, limit=1_000_000)
            assert min(entry.after for entry in posted) >= 0, "never below zero"
            assert len({entry.key for entry in posted}) == len(posted), "no side twice"
            for entry in posted:
                if entry.entry.kind is not Kind.OPENING:
                    moves[entry.key][account] = entry
        assert total == OPENING * (1 + len(self.children)), "the total never changes"
        for sides in moves.values():
            (one, first), (other, second) = sides.items()
            assert first.amount == -second.amount != 0, "what one side gave the other got"
            assert {first.entry.kind, second.entry.kind} == {Kind.TRANSFER_IN, Kind.TRANSFER_OUT}
            assert (first.entry.reference, second.entry.reference) == (str(other), str(one)), "they name each other"
        return dict(moves)


def move(family: str, child: int, thousandths: int, key: str | None = None) -> Answer:
    """Move credit to a sub-account or, if it is negative, back."""
    function = "AddCredit" if thousandths > 0 else "RemoveCredit"
    credit = f"{abs(thousandths) // 1_000}.{abs(thousandths) % 1_000:03}"
    return ask(function, {"apiKey": family, "tokenSubaccount": f"{family}-{child}", "credit": credit}, key)


def move_all(family: str, moves: list[tuple[int, int]]) -> list[Answer]:
    return [move(family, child, thousandths) for child, thousandths in moves]


def thousandths(answer: Answer) -> tuple[int, int]:
    """Read both balances off an answer."""
    parent, child = (answer.fields[name].text.partition(".") for name in ("credit", "subaccountCredit"))
    return tuple(int(whole) * 1_000 + int(rest.ljust(3, "0")) for whole, _, rest in (parent, child))  # type: ignore[return-value]


def test_2000_random_transfers_move_credit_and_make_or_lose_none(table: Table, writers: Writers, seed: int) -> None:
    family = Family(table, CHILDREN)
    chance = random.Random(seed)
    moves = [
        (chance.randrange(CHILDREN), chance.choice((1, -1)) * chance.randrange(1, OPENING // 2))
        for _ in range(TRANSFERS)
    ]

    shares = [moves[writer :: writers.count] for writer in range(writers.count)]
    answers = list(chain(*writers.race(move_all, repeat(family.name), shares)))

    codes = Counter(answer.code for answer in answers)
    print(f"codes {codes}")
    # On a machine so busy that calls time out, some may not be told what became of them.
    assert set(codes) <= {200, EMPTY, TOO_LITTLE, BUSY, OUTCOME_UNKNOWN}
    assert codes[200] > TRANSFERS // 2
    told = {thousandths(answer) for answer in answers if answer.code == 200}
    happened = balances_after(family)
    assert told <= set(happened), "every answer has the balances of its own transfer"
    assert codes[200] <= len(happened) <= codes[200] + codes[OUTCOME_UNKNOWN], "nothing else happened"


def balances_after(family: Family) -> list[tuple[int, int]]:
    """Give what each transfer left, the main account's balance first."""
    return [
        (sides.pop(family.parent).after, *(other.after for other in sides.values()))  # type: ignore[misc]
        for sides in family.check().values()
    ]


def move_under_keys(family: str, requests: list[Request], seed: str) -> list[tuple[int, int] | None]:
    def send(request: Request) -> tuple[int, int] | None:
        child = int(request.key.rpartition("-")[2])
        try:
            answer = move(family, child % CHILDREN, request.amount, request.key)
        except Died:
            return None
        assert answer.code in (200, BUSY, OUTCOME_UNKNOWN)
        return thousandths(answer) if answer.code == 200 else None

    with LossyWire(open_table().client, LOST, seed):
        return [send(request) for request in requests]


def test_with_a_tenth_of_all_calls_lost_each_key_moves_once_and_is_answered_alike(
    table: Table, writers: Writers, seed: int
) -> None:
    family = Family(table, CHILDREN)
    chance = random.Random(seed)
    requests = [Request(f"{family.name}-{number}", chance.choice((1, -1))) for number in range(KEYED)]

    answers = send_all(writers, partial(move_under_keys, family.name), requests, chance)

    assert all(len(set(answers[request])) == 1 for request in requests)
    assert sorted(answers[request][0] for request in requests) == sorted(balances_after(family))


def add_or_close(family: str, child: int, writer: int) -> int:
    """Move credit to and fro; one of the writers closes the sub-account meanwhile, asking for it until it is done."""
    codes: Counter[int] = Counter()
    for number in range(MOVES):
        codes[move(family, child, 100 if number % 3 else -150).code] += 1
        if codes[GONE]:
            break
        if writer == 0 and number == 2:
            closing = {"apiKey": family, "token": f"{family}-{child}"}
            while (removed := ask("RemoveSubaccount", closing, f"close {child}").code) == BUSY:
                pass
            return removed
    assert set(codes) <= {200, GONE, BUSY}
    return GONE if codes[GONE] else 200


def test_a_sub_account_closed_among_transfers_keeps_no_credit(table: Table, writers: Writers) -> None:
    family = Family(table, ROUNDS)
    for child in range(ROUNDS):
        first, *others = writers.race(add_or_close, repeat(family.name), repeat(child), range(writers.count))
        assert first == 200
        assert set(others) <= {200, GONE}
        closed = accounts.get(table, family.parent, family.children[child])
        assert closed.state is State.CLOSED
        assert history.reconcile(table, closed.id, EUR).available == 0
    family.check()
