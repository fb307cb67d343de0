"""One schedule: some accounts, a crowd of requests with their retries, and everything that was answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ledger import balance, claims, holds, opening, transfer
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.counter import balance_key, name_hold
from ledger.entry import Posted
from ledger.errors import Busy, Declined, LedgerError, OutcomeUnknown
from ledger.kinds import Kind
from ledger.table import Table
from tests.simulation.faults import Client, Killed
from tests.simulation.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

OPERATOR = 100
ACCOUNTS = (1, 2)
UNITS = ("sms", "email")
FLOORS = {(1, "sms"): 0, (2, "sms"): -30}
OPENING = 60
HELD = 7  # by each of the holds there are from the start

# The shortest ends while its captures are under way, the longest between two sendings of them.
LIVES_MS = (300, 3_000, 700_000)

OPERATIONS = (
    *("spend", "spend", "top-up", "adjust", "set", "transfer", "package"),
    *("reserve", "capture", "capture", "release"),
)

# How long callers wait before they ask again: mostly not long, some until just about a limit of claims.py, or past all.
IMPATIENT_MS = (0, 50, 2_000)
LATE_MS = (claims.APPLY_MS - 2_000, claims.RENEW_MS + 1_000)
PATIENCE_MS = (*IMPATIENT_MS, *LATE_MS, 86_400_000)


@dataclass(frozen=True)
class Request:
    """What a caller asks for. Each has an actor of its own, so that the entries can be told apart later."""

    label: str
    operation: str
    account: int
    amount: int
    key: str | None
    hold: str = ""
    lives_ms: int = 0

    @property
    def content(self) -> tuple[str | int, ...]:
        return (self.operation, self.account, self.amount, self.label, self.hold, self.lives_ms)

    @property
    def number(self) -> int:
        return int(self.label.strip("rx"))

    @property
    def actor(self) -> int:
        return 1_000 + 2 * self.number + self.label.endswith("x")

    @property
    def is_noted(self) -> bool:
        """Every third one comes with its reason; a release has none."""
        return self.number % 3 == 0 and self.operation != "release"

    @property
    def note(self) -> str:
        return f"the reason for {self.label}" if self.is_noted else ""

    @property
    def changes(self) -> list[Change]:
        """What it changes, in the order in which it is answered."""
        if self.operation == "transfer":
            other = next(account for account in ACCOUNTS if account != self.account)
            into = self._change(Kind.TRANSFER_IN, self.amount, account=other)
            return [into, self._change(Kind.TRANSFER_OUT, -self.amount)]
        if self.operation == "package":
            return [self._change(Kind.TOP_UP, self.amount, unit=unit) for unit in UNITS]
        sign = -1 if self.operation in ("spend", "reserve") else 1
        kinds = {
            "spend": Kind.SPEND,
            "top-up": Kind.TOP_UP,
            "adjust": Kind.ADJUSTMENT,
            "set": Kind.SET,
            "reserve": Kind.RESERVE,
            "capture": Kind.CAPTURE,
            "release": Kind.RELEASE,
        }
        return [self._change(kinds[self.operation], sign * self.amount)]

    def send(self, table: Table) -> list[Posted]:
        """Ask the ledger."""
        key = CallerKey(OPERATOR, self.key, self.content) if self.key else None
        place = (table, OPERATOR, self.account, "sms")
        if self.operation == "reserve":
            lives_ms, label = self.lives_ms, self.label
            opened = holds.reserve(
                *place,
                self.amount,
                lives_ms=lives_ms,
                actor=self.actor,
                reference=label,
                note=self.note,
                caller_key=key,
            )
            return [opened.posted]
        if self.operation == "capture":
            return [holds.capture(*place, self.hold, self.amount, actor=self.actor, note=self.note, caller_key=key)]
        if self.operation == "release":
            return [holds.release(*place, self.hold, actor=self.actor, caller_key=key)]
        if len(self.changes) > 1:
            return transfer.change_all(table, OPERATOR, self.changes, key).entries
        return [balance.change(table, self.changes[0], key)]

    def _change(self, kind: Kind, amount: int, unit: str = "sms", account: int = 0) -> Change:
        reference = self.hold or self.label
        return Change(OPERATOR, account or self.account, unit, kind, amount, self.actor, reference, note=self.note)


@dataclass
class Answer:
    """What one sending of a request came to."""

    request: Request
    sent_ms: int
    done_ms: int
    posted: list[Posted] | None = None
    error: LedgerError | None = None
    faults: Counter[str] = field(default_factory=Counter)


class Schedule:
    """Everything that happens under one seed. Run once; then `answers` and the table tell."""

    def __init__(
        self,
        seed: int,
        client: Any,
        table_name: str,
        *,
        odds: Mapping[str, float],
        requests: int = 24,
        together: int = 12,
        patience_ms: Sequence[float] = PATIENCE_MS,
        keyed: float = 0.6,
        operations: Sequence[str] = OPERATIONS,
        rewrite: Callable[[str, Any], Any] | None = None,
    ) -> None:
        self.scheduler = Scheduler(seed)
        self.random = self.scheduler.random
        self.answers: list[Answer] = []
        self.met: Counter[str] = Counter()
        self._holds: defaultdict[int, list[str]] = defaultdict(list)  # by account, as callers learn of them
        self._aims: dict[int, str] = {}
        self._real, self._name, self._odds, self._rewrite = client, table_name, odds, rewrite
        self.table = self._table(client, skew_ms=0)
        self._requests, self._together = requests, together
        self._patience_ms, self._keyed, self._operations = patience_ms, keyed, operations

    def run(self) -> None:
        """Open the accounts, send every request as often as its caller does, and let all that is in flight land."""
        for account in ACCOUNTS:
            opening.open_account(self.table, OPERATOR, actor=OPERATOR, account=account, balances={"sms": OPENING})
        for (account, unit), floor in FLOORS.items():
            self._set_floor(account, unit, floor)
        for account in ACCOUNTS:
            for lives_ms in LIVES_MS:
                opened = holds.reserve(self.table, OPERATOR, account, "sms", HELD, lives_ms=lives_ms, actor=OPERATOR)
                self._holds[account].append(opened.hold)
        for number in range(self._requests):
            # A crowd at first, then callers who come by one at a time.
            start_ms = 0 if number < self._together else self.random.randrange(20_000)
            request = self._make(number)
            waits_ms = self.random.choices(self._patience_ms, k=3)
            for copy in range(self.random.choice((1, 1, 2, 3)) if request.key else 1):
                twin = request
                if copy and self.random.random() < 0.2:
                    twin = replace(request, label=request.label + "x", amount=request.amount + 1)
                self.scheduler.spawn(partial(self._caller, twin, waits_ms), after_ms=start_ms)
        self.scheduler.run()

    def _make(self, number: int) -> Request:
        operation = self.random.choice(self._operations)
        lives_ms = self.random.choice(LIVES_MS) if operation == "reserve" else 0
        amount = self.random.randrange(1, 30)
        key = f"key {number}" if self.random.random() < self._keyed else None
        if operation == "capture":
            amount = self.random.randrange(1, HELD + 1)
        return Request(f"r{number}", operation, self.random.choice(ACCOUNTS), amount, key, lives_ms=lives_ms)

    def _caller(self, request: Request, waits_ms: Sequence[float]) -> None:
        """Send a request until it is answered, or at times once more. Copies of it wait alike, so they meet again."""
        client = Client(self._real, self.scheduler, self._odds, self._rewrite)
        table = self._table(client, skew_ms=self.random.randrange(-500, 500))
        if request.operation in ("capture", "release"):
            hold = self._aims.setdefault(request.number, self.random.choice(self._holds[request.account]))
            request = replace(request, hold=hold)
        for wait_ms in (*waits_ms, 0):
            client.live()
            client.met.clear()
            answer = Answer(request, self.scheduler.now_ms, 0)
            try:
                answer.posted = request.send(table)
            except Killed:
                pass
            except LedgerError as error:
                answer.error = error
            answer.done_ms, answer.faults = self.scheduler.now_ms, Counter(client.met)
            self.met += client.met
            self.answers.append(answer)
            if answer.posted and request.operation == "reserve":
                (opened,) = answer.posted
                hold = name_hold(opened.key, opened.entry.time_ms + request.lives_ms)
                self._holds[request.account].append(hold)
            if not request.key:
                return
            self.scheduler.pause(wait_ms + self.random.randrange(self.random.choice((5, 3_000))))
            if answer.posted and self.random.random() < 0.6:
                return

    def _table(self, client: Any, skew_ms: int) -> Table:
        return Table(
            client,
            self._name,
            now_ms=lambda: self.scheduler.now_ms + skew_ms,
            sleep_ms=client.sleep_ms if isinstance(client, Client) else self.scheduler.pause,
            random_bits=self.random.getrandbits,
        )

    def _set_floor(self, account: int, unit: str, floor: int) -> None:
        self._real.update_item(
            TableName=self._name,
            Key=balance_key(account, unit),
            UpdateExpression="SET m = :floor",
            ExpressionAttributeValues={":floor": {"N": str(floor)}},
        )


def by_key(answers: list[Answer]) -> dict[str, list[Answer]]:
    """Gather the answers that one caller's key got."""
    gathered: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        if answer.request.key:
            gathered[answer.request.key].append(answer)
    return gathered


def changed_nothing(answer: Answer) -> bool:
    """Say whether this answer promised that its sending changed nothing."""
    return isinstance(answer.error, Declined | Busy) and not isinstance(answer.error, OutcomeUnknown)
