import pytest

from ledger import accounts, balance, counter, history
from ledger.accounts import HOUSE, MOST_LEVELS, Role, lineage
from ledger.change import Change
from ledger.claims import CallerKey
from ledger.counter import State
from ledger.errors import AccountClosed, AccountNotFound, KeyReused, NameTaken, NotSettled
from ledger.kinds import Kind
from ledger.names import Name, find_username
from ledger.opening import open_account
from ledger.table import Table
from tests.ledger.conftest import ACCOUNT, OPERATOR, Clock
from tests.states import set_state


def name(username: str) -> Name:
    return Name("username", f"U#{username}")


def test_ids_count_up_and_step_over_those_that_were_given(table: Table) -> None:
    open_account(table, OPERATOR, actor=OPERATOR, account=4)
    assert [open_account(table, OPERATOR, actor=OPERATOR).id for _ in range(4)] == [2, 3, 5, 6]


def test_an_id_is_given_once_whoever_owns_it(table: Table) -> None:
    with pytest.raises(NameTaken, match="account"):
        open_account(table, OPERATOR + 1, actor=OPERATOR, account=ACCOUNT)
    with pytest.raises(AccountNotFound):
        accounts.get(table, OPERATOR + 1, ACCOUNT)


def test_a_lineage_leads_up_to_the_operator_and_no_further_than_accounts_may_lie_deep(table: Table) -> None:
    path = [open_account(table, HOUSE, actor=HOUSE).id]
    for _ in range(MOST_LEVELS + 2):
        path.append(open_account(table, path[-1], actor=OPERATOR).id)
    deepest = path[MOST_LEVELS]
    assert list(lineage(table, deepest)) == path[MOST_LEVELS::-1]
    assert list(lineage(table, path[-1])) == path[:1:-1]
    with pytest.raises(AccountNotFound):
        list(lineage(table, 7_777))


def test_an_opening_balance_is_entry_1(table: Table) -> None:
    opened = open_account(table, OPERATOR, actor=OPERATOR, balances={"sms": 7, "email": 0}).id
    (entry,) = history.entries(table, opened, "sms", limit=9)
    assert (entry.sequence, entry.entry.kind, entry.before, entry.after) == (1, Kind.OPENING, 0, 7)
    assert accounts.get(table, OPERATOR, opened).units == {"sms", "email"}
    assert not history.reconcile(table, opened, "email").problems


def test_a_name_that_is_taken_opens_nothing(table: Table) -> None:
    first = open_account(table, OPERATOR, actor=OPERATOR, names=[name("john")]).id
    with pytest.raises(NameTaken, match="username"):
        open_account(table, OPERATOR, actor=OPERATOR, names=[name("mary"), name("john")], balances={"sms": 5})
    assert find_username(table, "john") == (OPERATOR, first)
    with pytest.raises(AccountNotFound):
        find_username(table, "mary")
    assert open_account(table, OPERATOR, actor=OPERATOR).id == first + 1, "the id was not used up"


def test_the_same_key_opens_one_account(table: Table) -> None:
    key = CallerKey(OPERATOR, "sign-up 9", ("open", "mary"))
    first, again = (open_account(table, OPERATOR, actor=OPERATOR, names=[name("mary")], caller_key=key) for _ in "12")
    assert (again.id, first.replayed, again.replayed) == (first.id, False, True)
    with pytest.raises(KeyReused):
        open_account(table, OPERATOR, actor=OPERATOR, caller_key=CallerKey(OPERATOR, "sign-up 9", ("open", "eve")))


def test_a_profile_is_read_as_it_was_written(table: Table, clock: Clock) -> None:
    opened = open_account(
        table, OPERATOR, actor=OPERATOR, role=Role.ADMIN, username="mary", properties={"city": "Győr", "plan": 2}
    ).id
    account = accounts.get(table, OPERATOR, opened)
    assert (account.id, account.owner, account.role, account.username) == (opened, OPERATOR, Role.ADMIN, "mary")
    assert (account.state, account.created_ms) == (State.OPEN, clock.ms)
    assert account.properties == {"city": "Győr", "plan": 2}


@pytest.mark.parametrize(("after", "limit", "ids"), [(0, 9, [1, 2, 3]), (0, 2, [1, 2]), (2, 9, [3]), (3, 9, [])])
def test_an_owner_lists_its_own_accounts_in_order(table: Table, after: int, limit: int, ids: list[int]) -> None:
    for owner in (OPERATOR, OPERATOR, OPERATOR + 1):
        open_account(table, owner, actor=owner)
    assert [each.id for each in accounts.list_accounts(table, OPERATOR, after=after, limit=limit)] == ids


def test_an_owing_account_is_not_closed(table: Table) -> None:
    def adjust(amount: int) -> None:
        balance.change(table, Change(OPERATOR, ACCOUNT, "sms", Kind.ADJUSTMENT, amount, OPERATOR))

    adjust(-501)
    with pytest.raises(NotSettled):
        set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    assert accounts.get(table, OPERATOR, ACCOUNT).state is State.OPEN
    adjust(1)
    set_state(table, OPERATOR, ACCOUNT, State.CLOSED)
    assert counter.read(table, ACCOUNT, "sms").state == State.CLOSED
    with pytest.raises(AccountClosed):
        set_state(table, OPERATOR, ACCOUNT, State.SUSPENDED)
