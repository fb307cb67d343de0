"""The one table: its client, its clock and its keys. The only module that makes a DynamoDB client.

    item      pk                          sk               holds
    balance   B#<account>#<unit>          ~                a available · h held · s sequence · f flushed · b base ·
                                                           c base held · w watermark · l latest time flushed ·
                                                           t tail · o open holds · x state · m floor
    hold      B#<account>#<unit>          H#<hold>         n credit still held: a hold that found no room in `o`
    page      B#<account>#<unit>          P#<first seq>    n how many · t entries · b, c before · a, h after ·
                                                           w, l cumulative, as above
    claim     K#<scope>#<sha256>          K                d content digest · k the server's key · r result ·
                                                           b the balances that got an entry
    note      N#<server's key>            .                text: the long texts of one change
    profile   O#<owner>                   C#<account>      x state · u units · r role · n username · i created,
                                                           milliseconds · v version · p properties · g its keys were
                                                           reset, milliseconds
    account   A#<account>                 .                o owner: makes the id unique, finds the profile
    counter   A#                          .                n the newest account id given out
    API key   O#<operator>                S#<key id>       pk of its look-up · scopes · subtree · n name · i created,
                                                           e expires, z revoked, milliseconds · g as below · d the
                                                           day of its last use, once it is revoked
    package   G#<operator>                <identifier>     n name · q quantities · p price · c currency · a active
    guesses   F#<sha256>                  .                n wrong passwords · t the latest, milliseconds · ttl, seconds
    look-ups  U#<username> T#<token> S#<secret hash> M#<owner>#<e-mail> I#<owner>#<unique id>
                                          .                account, o owner, and what proves the name · z given up,
                                                           milliseconds; of a key also scopes · subtree · e expires ·
                                                           g its account's g when it was issued · d the day of its
                                                           last use, from 1970

Numbers in sort keys are zero-padded to 12 digits, so that they sort as numbers do. `~` sorts after every page.
A letter means one thing in balances and pages. Design: README.md, Items.
"""

import os
import random
import secrets
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from hashlib import sha256
from http import HTTPStatus
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ledger.entry import mint_key
from ledger.errors import Busy, OutcomeUnknown

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")

Item = dict[str, Any]
"""A DynamoDB item in the low-level form, `{"a": {"N": "744"}}`."""

FAILED = (ClientError, BotoCoreError)

# A function lives 15 s. A call takes at most 2 x (1 s + 2 s) and a backoff of 1 s; no try starts after BUDGET_MS.
BUDGET_MS = 5_000
MOST_TRIES = 60
RECALL_MS = 30_000
MOST_RECALLED = 1_000
_ITEMS_A_CALL = 100  # what BatchGetItem takes
_PAUSE_MS = 10
_LONGEST_PAUSE_MS = 400

_SETTINGS = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 2},
    # Every request here is built by our own code and tested against a real engine: 14 % of a warm call's CPU.
    parameter_validation=False,
    # Building the usual one costs 28 % of a warm call's CPU.
    user_agent="prepaid",
)


class Failure(Enum):
    """What a failed call means for what it was to do."""

    CONDITION = "its condition was false: this try did nothing, and the answer says what was there instead"
    NOTHING = "turned away before it was looked at, or a transaction was passing: this try did nothing"
    UNKNOWN = "no usable answer: it may have happened"


_CODES = {
    "ConditionalCheckFailedException": Failure.CONDITION,
    "TransactionCanceledException": Failure.CONDITION,
    "TransactionConflictException": Failure.NOTHING,
    "TransactionInProgressException": Failure.NOTHING,
    "ReplicatedWriteConflictException": Failure.NOTHING,
    # Credentials that ran out while the process slept, and a request that came too late: the next one is signed anew.
    "ExpiredTokenException": Failure.NOTHING,
    "InvalidSignatureException": Failure.NOTHING,
    "RequestExpired": Failure.NOTHING,
    "InternalServerError": Failure.UNKNOWN,
    "ServiceUnavailable": Failure.UNKNOWN,
    "RequestTimeout": Failure.UNKNOWN,
    "RequestTimeoutException": Failure.UNKNOWN,
    # A throttled call did nothing, but an earlier try that the SDK made of the same call may have.
    "ProvisionedThroughputExceededException": Failure.UNKNOWN,
    "RequestLimitExceeded": Failure.UNKNOWN,
    "ThrottlingException": Failure.UNKNOWN,
}


def failure(error: Exception) -> Failure:
    """Judge a failed call by what it can have done. What only a bug or a wrong set-up can cause is raised again.

    The database's own 5xx need not have a name: it may be a page of HTML, of which botocore makes the code "503".
    """
    if isinstance(error, ClientError):
        code, status = error.response["Error"]["Code"], _status(error)
        if code not in _CODES and status != HTTPStatus.TOO_MANY_REQUESTS and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise error
        return _CODES.get(code, Failure.UNKNOWN)
    return Failure.UNKNOWN


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)


def answer_of(error: Exception) -> dict[str, Any]:
    """Give what a failed call did answer: the item that stood in the way, or the reasons of a cancelled transaction."""
    answer: dict[str, Any] = getattr(error, "response", {})
    return answer


def was_resent(answer: dict[str, Any]) -> bool:
    """Say whether the SDK sent this call more than once: an earlier copy may have acted."""
    return bool(answer.get("ResponseMetadata", {}).get("RetryAttempts"))


@contextmanager
def reading() -> Iterator[None]:
    """Call a read that gets no answer Busy: it changed nothing, and may be tried again."""
    try:
        yield
    except FAILED as error:
        failure(error)
        raise Busy from error


@contextmanager
def made() -> Iterator[None]:
    """Read what a change left: if that fails the change is made all the same, and Busy would deny it."""
    try:
        yield
    except Busy:
        raise OutcomeUnknown from None


def _in_a_thread(work: Callable[[], None]) -> None:
    Thread(target=work, daemon=True).start()


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The ledger's table, with the clock and the chance it runs by; a test injects its own.

    `aside` does what no answer waits for, and what may be lost: Lambda stops a process once it has answered.
    """

    client: "DynamoDBClient"
    name: str
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep_ms: Callable[[float], None] = lambda ms: time.sleep(ms / 1_000)
    random_bits: Callable[[int], int] = secrets.randbits
    aside: Callable[[Callable[[], None]], None] = _in_a_thread
    recent: dict[Hashable, tuple[int, Any]] = field(default_factory=dict)

    def mint(self, after_ms: int = -1) -> bytes:
        """Make a key no other call knows, with a time later than `after_ms`."""
        return mint_key(max(self.now_ms(), after_ms + 1), self.random_bits)

    def tries(self) -> Iterator[int]:
        """Count the tries of one operation, for as long as a try may still be started."""
        started = self.now_ms()
        for count in range(MOST_TRIES):
            if count and self.now_ms() - started > BUDGET_MS:
                return
            yield count

    def get(self, key: Item) -> Item | None:
        """Read one item, strongly consistent. Raises Busy if the database does not answer."""
        with reading():
            return self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True).get("Item")

    def get_all(self, keys: Sequence[Item]) -> Iterator[Item]:
        """Read many items, each strongly consistent; those that are not there are left out, and they come in any order.

        Raises Busy if the database does not answer.
        """
        for first in range(0, len(keys), _ITEMS_A_CALL):
            missing: Sequence[Any] = keys[first : first + _ITEMS_A_CALL]
            for crowding in self.tries():
                if crowding:
                    self.pause(crowding)
                with reading():
                    request: Any = {self.name: {"Keys": missing, "ConsistentRead": True}}
                    answer = self.client.batch_get_item(RequestItems=request)
                yield from answer["Responses"][self.name]
                missing = answer["UnprocessedKeys"].get(self.name, {"Keys": []})["Keys"]
                if not missing:
                    break
            else:
                raise Busy

    def recall(self, key: Hashable, find: Callable[[], T], *, fresh: bool = False) -> T:
        """Find something once and then answer from memory, for RECALL_MS at most. An error is never remembered.

        `fresh` finds it now, whatever is remembered, and remembers that.
        """
        now_ms = self.now_ms()
        until_ms, found = self.recent.get(key, (0, None))
        if fresh:
            self.recent.pop(key, None)
        elif now_ms < until_ms:
            return cast("T", found)
        found = find()
        self.remember(key, now_ms + RECALL_MS, found)
        return found

    def remember(self, key: Hashable, until_ms: int, found: object = None) -> None:
        """Keep something in this process's memory until then, or until there is too much in it."""
        if len(self.recent) >= MOST_RECALLED:
            self.recent.clear()
        self.recent[key] = until_ms, found

    def remembers(self, key: Hashable) -> bool:
        """Say whether something is in this process's memory still."""
        return key in self.recent and self.now_ms() < self.recent[key][0]

    def pause(self, crowding: int) -> None:
        """Wait with full jitter, longer each time the same place was found crowded."""
        ceiling = min(_LONGEST_PAUSE_MS, _PAUSE_MS << min(crowding, 8))
        self.sleep_ms(ceiling * random.Random(self.random_bits(64)).random())  # noqa: S311 - spreads load, guards nothing


@cache
def open_table() -> Table:
    """Open the table that this deployment names in TABLE_NAME."""
    return Table(boto3.client("dynamodb", config=_SETTINGS), os.environ["TABLE_NAME"])


def balance_pk(account: int, unit: str) -> str:
    """Name the partition of one balance: its item and its pages."""
    return f"B#{account}#{unit}"


def page_sk(first_sequence: int) -> str:
    """Name the page that begins with this entry."""
    return f"P#{first_sequence:012d}"


def hold_sk(hold: str) -> str:
    """Name the item of a hold. Base 32 with the extended hex alphabet sorts as what it encodes, and before `~`."""
    return f"H#{hold}"


def profile_key(owner: int, account: int) -> Item:
    """Name an account's profile. Ownership is the key: another operator's account is not found."""
    return {"pk": {"S": f"O#{owner}"}, "sk": {"S": f"C#{account:012d}"}}


def issued_key(operator: int, key_id: str) -> Item:
    """Name an issued API key in its operator's listing."""
    return {"pk": {"S": f"O#{operator}"}, "sk": {"S": f"S#{key_id}"}}


def package_key(operator: int, identifier: str) -> Item:
    """Name a package of an operator's catalogue."""
    return {"pk": {"S": f"G#{operator}"}, "sk": {"S": identifier}}


def single(pk: str) -> Item:
    """Name an item that is alone in its partition."""
    return {"pk": {"S": pk}, "sk": {"S": "."}}


def claim_key(operator: int, caller_key: str) -> Item:
    """Name the claim on a caller's idempotency key; the key itself may be long or secret, so only its hash is kept."""
    digest = sha256(caller_key.encode(errors="surrogatepass")).hexdigest()
    return {"pk": {"S": f"K#{operator}#{digest}"}, "sk": {"S": "K"}}
