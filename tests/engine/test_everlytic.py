"""The Everlytic endpoints' own handlers in 16 processes at once, as Lambda would run them."""

import random
from collections import Counter
from functools import partial
from itertools import chain, count, repeat
from typing import cast

import pytest

from ledger.accounts import get
from ledger.balance import change
from ledger.change import Change
from ledger.entry import Posted
from ledger.history import reconcile
from ledger.kinds import Kind
from ledger.names import Name, leads_to, unique_names
from ledger.opening import open_account
from ledger.table import Table, open_table
from tests.engine.books import check, history
from tests.engine.losses import Died, LossyWire
from tests.engine.senders import Request, make_requests, send_all
from tests.engine.writers import Writers
from tests.everlytic.caller import Answer, ask
from tests.local import demo

pytestmark = pytest.mark.engine

SPENDS = 200
ROUNDS = 5
TOP_UPS = 300
KEYS = 10
LOST = 0.10
CHANGES_EACH = 8
UNITS = {"email": 500, "sms": 100, "transactions": 50}
TEXTS = ("address", "state_provinces", "postal_code", "telephone", "unique_id", "name", "email")

numbers = count(1)


@pytest.fixture(scope="module")
def admin(table: Table) -> int:
    demo.seed(table)
    return demo.ADMIN


@pytest.fixture
def customer(table: Table, admin: int) -> int:
    """Open a customer of the demo's admin, with no balance yet."""
    return open_account(table, admin, actor=admin, names=[Name("token", f"T#everlytic-{next(numbers)}")]).id


def spend_all(customer: int, amounts: list[int]) -> list[Posted]:
    return [
        change(open_table(), Change(demo.ADMIN, customer, "email", Kind.SPEND, -amount, demo.ADMIN))
        for amount in amounts
    ]


def put(customer: int, properties: dict[str, object]) -> Answer:
    """Send a change until the crowd lets it through."""
    while (answer := ask("PUT", f"/{customer}", properties)).status == 503:
        pass
    return answer


def spend_and_put(
    customer: int, spends: list[int], properties: dict[str, object]
) -> tuple[list[Posted], Answer | None]:
    return spend_all(customer, spends), put(customer, properties) if properties else None


def put_all(customer: int, changes: list[dict[str, object]]) -> list[Answer]:
    return [put(customer, properties) for properties in changes]


def create(properties: dict[str, object]) -> Answer:
    return ask("POST", "", properties)


def top_up(customer: int, key: str) -> Answer:
    return ask("PUT", f"/topup/{customer}/starter", key=key)


def top_up_under_keys(customer: int, requests: list[Request], seed: str) -> list[tuple[int, ...] | None]:
    def quotas_after(request: Request) -> tuple[int, ...] | None:
        try:
            answer = top_up(customer, request.key)
        except Died:
            return None
        assert answer.status in (200, 503, 504), answer
        return answer.quotas if answer.status == 200 else None

    with LossyWire(open_table().client, LOST, seed):
        return [quotas_after(request) for request in requests]


def quotas_in(table: Table, customer: int) -> list[tuple[int, ...]]:
    """Read what each top-up left, in the order they happened, and that none added to one unit without the others."""
    histories = [{posted.key: posted.after for posted in check_unit(table, customer, unit)} for unit in UNITS]
    assert histories[0].keys() == histories[1].keys() == histories[2].keys()
    return [tuple(each[key] for each in histories) for key in histories[0]]


def check_unit(table: Table, customer: int, unit: str) -> list[Posted]:
    posted = history(table, customer, unit)
    return check(table, customer, [UNITS[unit]] * len(posted), unit)


def test_a_quota_set_while_200_spends_race_with_it_ends_exact(
    table: Table, writers: Writers, customer: int, seed: int
) -> None:
    chance = random.Random(seed)
    change(table, Change(demo.ADMIN, customer, "email", Kind.TOP_UP, 10_000, demo.ADMIN))
    for target in chance.sample(range(10_000, 100_000), ROUNDS):
        spends = chance.choices(range(1, 10), k=SPENDS)
        work = [spends[writer :: writers.count - 1] for writer in range(writers.count - 1)]

        puts: list[dict[str, object]] = [{} for _ in work]
        answers = writers.race(
            spend_and_put, repeat(customer), [*work, []], [*puts, {"email_quota": target, "name": "New"}]
        )
        answer = answers[-1][1]
        spent = [entry for entries, _ in answers for entry in entries]

        posted = history(table, customer, "email")[-SPENDS - 1 :]
        (the_set,) = (at for at, entry in enumerate(posted) if entry.entry.kind is Kind.SET)
        assert answer
        assert (answer.status, answer.item["email_quota"]) == (200, target)
        assert Counter(-entry.amount for entry in posted if entry.entry.kind is Kind.SPEND) == Counter(spends)
        assert sorted(spent, key=lambda entry: entry.sequence) == [*posted[:the_set], *posted[the_set + 1 :]]
        assert posted[-1].after == target + sum(entry.amount for entry in posted[the_set + 1 :])
        assert reconcile(table, customer, "email").problems == []


def test_a_package_of_three_units_is_added_whole_each_time(table: Table, writers: Writers, customer: int) -> None:
    for number in range(1, KEYS + 1):
        answers = writers.race(top_up, repeat(customer), repeat(f"{customer} {number}"))
        assert {answer.quotas for answer in answers} == {tuple(number * amount for amount in UNITS.values())}
        assert sum(answer.replayed for answer in answers) == writers.count - 1
    assert len(quotas_in(table, customer)) == KEYS


def test_with_a_tenth_of_all_calls_lost_each_key_adds_all_three_units_once_and_is_answered_alike(
    table: Table, writers: Writers, customer: int, seed: int
) -> None:
    chance = random.Random(seed)
    requests = make_requests(customer, TOP_UPS, chance)

    answers = send_all(writers, partial(top_up_under_keys, customer), requests, chance)

    distinct = [set(answers[request]) for request in requests]
    assert all(len(quotas) == 1 for quotas in distinct)
    assert sorted(chain(*distinct)) == sorted(quotas_in(table, customer))
    assert len(quotas_in(table, customer)) == TOP_UPS


def test_no_property_is_lost_when_all_change_their_own(table: Table, writers: Writers, customer: int) -> None:
    owners = [TEXTS[writer % len(TEXTS)] for writer in range(writers.count)]
    changes = [
        [
            {name: f"{writer}-{customer}-{number}" + ("@acme.example" if name == "email" else "")}
            for number in range(CHANGES_EACH)
        ]
        for writer, name in enumerate(owners)
    ]

    answers = writers.race(put_all, repeat(customer), changes)

    for answered, asked in zip(answers, changes, strict=True):
        assert [answer.item | properties for answer, properties in zip(answered, asked, strict=True)] == [
            answer.item for answer in answered
        ], "each answer shows its own change"
    left = get(table, demo.ADMIN, customer)
    assert left.version == 1 + CHANGES_EACH * writers.count
    for name in TEXTS:
        last = {each[-1][name] for each, owner in zip(changes, owners, strict=True) if owner == name}
        assert left.properties[name] in last
    names = {name.pk for name in unique_names(demo.ADMIN, left.properties)}
    for properties in chain(*changes):
        for each in unique_names(demo.ADMIN, cast("dict[str, str | int]", properties)):
            assert leads_to(table, each, customer) is (each.pk in names), "only the names it has now lead to it"


def test_an_e_mail_address_wanted_by_all_at_once_is_given_once(writers: Writers, admin: int) -> None:
    for number in range(KEYS):
        wanted = {"name": "x", "email": f"wanted-{number}-{next(numbers)}@acme.example", "email_quota": 1}
        answers = writers.race(create, repeat(wanted))
        assert Counter(answer.status for answer in answers) == {201: 1, 409: writers.count - 1}
