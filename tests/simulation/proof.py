"""What must hold after every schedule, judged from the raw items and the answers alone."""

from __future__ import annotations

from base64 import b32hexdecode
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ledger.change
from ledger import history, notes
from ledger.counter import hold_expires_ms
from ledger.entry import Posted, unpack
from ledger.errors import HoldNotFound, HoldTooSmall
from ledger.kinds import Kind
from tests.simulation.schedule import ACCOUNTS, FLOORS, UNITS, by_key, changed_nothing

if TYPE_CHECKING:
    from ledger.entry import Entry
    from tests.simulation.schedule import Request, Schedule


@dataclass(frozen=True)
class Line:
    """One entry as the raw items have it."""

    account: int
    unit: str
    sequence: int
    key: bytes
    entry: Entry
    before: int
    after: int


def check(schedule: Schedule, client: Any, name: str) -> list[Line]:
    """Assert everything the ledger promises; return the lines for more to be asked of them."""
    lines = [
        line for account in ACCOUNTS for unit in UNITS for line in _read_history(client, name, schedule, account, unit)
    ]
    _check_spends(lines)
    for account in ACCOUNTS:
        _check_holds(client, name, schedule, [line for line in lines if (line.account, line.unit) == (account, "sms")])
    _check_notes(schedule, lines)
    _check_sides(lines)
    _check_answers(schedule, lines)
    return lines


def _read_history(client: Any, name: str, schedule: Schedule, account: int, unit: str) -> list[Line]:
    """Re-add one balance from its raw items: no gap, no key twice, every page and the balance exact."""
    items = client.query(
        TableName=name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"B#{account}#{unit}"}},
        ConsistentRead=True,
    )["Items"]
    if not items:
        return []
    *pages, counter = [item for item in items if not item["sk"]["S"].startswith("H#")]
    flushed = int(counter["f"]["N"])
    runs = [(int(page["sk"]["S"][2:]), page["t"]["L"]) for page in pages if int(page["sk"]["S"][2:]) <= flushed]
    runs.append((flushed + 1, counter["t"]["L"]))
    lines: list[Line] = []
    available = held = 0
    for first, run in runs:
        assert first == len(lines) + 1, f"entry {first} follows entry {len(lines)}"
        for key, packed in zip(run[::2], run[1::2], strict=True):
            entry = unpack(packed["B"])
            before, available = available, entry.amount if entry.kind is Kind.SET else available + entry.amount
            held += entry.held
            lines.append(Line(account, unit, len(lines) + 1, key["B"], entry, before, available))
    assert len(lines) == int(counter["s"]["N"]), "as many entries as the sequence number says"
    assert available == int(counter["a"]["N"]), "the entries add up to the balance"
    assert held == int(counter["h"]["N"]), "the entries add up to what is held"
    assert len({line.key for line in lines}) == len(lines), "no key twice"
    found = history.reconcile(schedule.table, account, unit)
    assert not found.problems, found.problems
    newest_first = history.entries(schedule.table, account, unit, limit=10_000)
    assert [(each.sequence, each.key, each.after) for each in reversed(newest_first)] == [
        (line.sequence, line.key, line.after) for line in lines
    ], "the history that is read is the history that is"
    return lines


def _check_holds(client: Any, name: str, schedule: Schedule, lines: list[Line]) -> None:
    """Assert that each hold gave what it held, to nobody after its time, and that what is open is what is left."""
    releasers = {answer.request.actor for answer in schedule.answers if answer.request.operation == "release"}
    left: dict[int, int] = {}
    for line in lines:
        entry = line.entry
        if entry.kind is Kind.RESERVE:
            assert entry.held == -entry.amount > 0
            left[_tag(line.key)] = entry.held
        elif entry.kind is Kind.CAPTURE:
            assert entry.amount == 0 > entry.held
            left[_tag(b32hexdecode(entry.reference))] += entry.held
            assert left[_tag(b32hexdecode(entry.reference))] >= 0, "a hold gave more than it held"
            assert entry.time_ms < hold_expires_ms(entry.reference), "a hold gave after its time"
        elif entry.kind is Kind.RELEASE:
            assert entry.amount == -entry.held > 0
            assert left.pop(_tag(b32hexdecode(entry.reference))) == entry.amount, "a release gave back what was left"
            assert entry.actor in releasers or entry.time_ms >= hold_expires_ms(entry.reference)
        else:
            assert entry.held == 0
    items = client.query(
        TableName=name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"B#{lines[0].account}#{lines[0].unit}"}},
        ConsistentRead=True,
    )["Items"]
    inline = items[-1]["o"]["M"]
    assert len(inline) <= ledger.change.MOST_INLINE
    apart = {item["sk"]["S"][2:]: item["n"] for item in items if item["sk"]["S"].startswith("H#")}
    is_open = {_tag(b32hexdecode(hold)): int(held["N"]) for hold, held in {**inline, **apart}.items()}
    assert {tag: held for tag, held in is_open.items() if held} == {tag: held for tag, held in left.items() if held}


def _tag(key: bytes) -> int:
    """Give what the key of a reserve and the name of its hold have in common."""
    return int.from_bytes(key) & (1 << 38) - 1


def _check_notes(schedule: Schedule, lines: list[Line]) -> None:
    """Assert that an entry that says it has a note has the one that its request brought."""
    requests = {answer.request.actor: answer.request for answer in schedule.answers}
    for line in lines:
        if (request := requests.get(line.entry.actor)) and _is_of(request, line):
            assert line.entry.has_note == request.is_noted
            posted = Posted(line.sequence, line.key, line.entry, line.before, line.after, 0)
            expected = {line.key: request.changes[0].note} if request.is_noted else {}
            assert notes.read(schedule.table, [posted]) == expected


def _check_spends(lines: list[Line]) -> None:
    for line in lines:
        if line.entry.kind in (Kind.SPEND, Kind.TRANSFER_OUT):
            floor = FLOORS.get((line.account, line.unit), 0)
            assert line.after >= floor, f"{line.entry.reference} passed the floor"


def _check_sides(lines: list[Line]) -> None:
    """Assert that a transfer or a package is all there or not at all, under one key."""
    sides: defaultdict[bytes, list[Line]] = defaultdict(list)
    for line in lines:
        sides[line.key].append(line)
    for together in sides.values():
        kinds = Counter(line.entry.kind for line in together)
        if kinds[Kind.TRANSFER_OUT] or kinds[Kind.TRANSFER_IN]:
            assert kinds == {Kind.TRANSFER_OUT: 1, Kind.TRANSFER_IN: 1}, "both sides of a transfer"
            assert sum(line.entry.amount for line in together) == 0, "a transfer makes and loses nothing"
        elif len(together) > 1:
            assert kinds == {Kind.TOP_UP: len(UNITS)}, "every unit of a package"


def _check_answers(schedule: Schedule, lines: list[Line]) -> None:
    at = {(line.account, line.unit, line.sequence): line for line in lines}
    requests = {answer.request.actor: answer.request for answer in schedule.answers}
    made = Counter(
        request.label for line in lines if (request := requests.get(line.entry.actor)) and _is_of(request, line)
    )
    for answer in schedule.answers:
        request = answer.request
        changes = request.changes
        assert made[request.label] in (0, len(changes)), f"{request.label} happened {made[request.label]} times"
        for change, posted in zip(changes, answer.posted or (), strict=answer.posted is not None):
            line = at.get((change.account, change.unit, posted.sequence))
            assert line, f"{request.label} was answered, but is not in the history"
            assert line.key == posted.key, f"{request.label} was answered with another's entry"
            assert (line.entry.kind, line.entry.actor, line.entry.reference) == (
                *(change.kind, request.actor, request.hold or request.label),
            ), "the answer is about what was asked"
            assert (line.before, line.after) == (posted.before, posted.after), "the answer is exact"
        if request.key is None and changed_nothing(answer):
            assert not made[request.label], f"{request.label} was refused, and happened"
        # A hold only shrinks, and goes for good: what it could not bear never happens later.
        if isinstance(answer.error, HoldNotFound | HoldTooSmall):
            assert not made[request.label], f"{request.label} found its hold gone, and happened"

    for key, answers in by_key(schedule.answers).items():
        happened = {answer.request.label for answer in answers if made[answer.request.label]}
        assert len(happened) <= 1, f"{key} stood for {happened}"
        told = [
            [(each.sequence, each.before, each.after) for each in answer.posted] for answer in answers if answer.posted
        ]
        assert all(each == told[0] for each in told), f"{key} was answered in two ways"
        first_ms = min((answer.done_ms for answer in answers if answer.posted), default=None)
        for answer in answers:
            if first_ms is not None and answer.sent_ms > first_ms and answer.posted:
                lost = answer.faults["lose"] + answer.faults["resend"] + answer.faults["delay"]
                assert lost or all(each.replayed for each in answer.posted), f"{key} did not say it repeats itself"


def _is_of(request: Request, line: Line) -> bool:
    """Say whether this is what was asked for, and not an expired hold given back on the way."""
    return line.entry.kind in {change.kind for change in request.changes}
