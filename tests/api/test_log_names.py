"""The names under which an operator finds each endpoint's requests in the log: alarms are written by them."""

import io
from types import ModuleType

import pytest

import refuse_request
from api import (
    capture_hold,
    change_balance,
    change_balances,
    create_account,
    get_account,
    get_balance,
    get_balances,
    get_package,
    get_statement,
    issue_key,
    list_accounts,
    list_entries,
    list_holds,
    list_keys,
    list_packages,
    openapi,
    put_package,
    release_hold,
    remove_login,
    reserve_credit,
    retire_package,
    revoke_key,
    set_email,
    set_login,
    set_token,
    top_up_account,
    transfer_credit,
    update_account,
    update_key,
)
from ledger.table import Table
from tests.api.caller import ask
from tests.local.gateway import Context
from tests.logged import lines

NAMES: dict[ModuleType, str] = {
    create_account: "AccountOpened",
    get_account: "AccountRead",
    list_accounts: "AccountsListed",
    update_account: "AccountUpdated",
    get_balances: "BalancesRead",
    set_login: "LoginSet",
    remove_login: "LoginRemoved",
    set_email: "EmailSet",
    set_token: "TokenSet",
    change_balance: "BalanceChanged",
    change_balances: "BalancesChanged",
    top_up_account: "AccountToppedUp",
    transfer_credit: "CreditTransferred",
    reserve_credit: "CreditReserved",
    list_holds: "HoldsListed",
    capture_hold: "HoldCaptured",
    release_hold: "HoldReleased",
    get_balance: "BalanceRead",
    list_entries: "EntriesListed",
    get_statement: "StatementRead",
    put_package: "PackagePut",
    get_package: "PackageRead",
    list_packages: "PackagesListed",
    retire_package: "PackageRetired",
    issue_key: "KeyIssued",
    list_keys: "KeysListed",
    update_key: "KeyUpdated",
    revoke_key: "KeyRevoked",
}


def test_each_endpoint_logs_its_requests_under_its_own_name(ledger: Table, log: io.StringIO) -> None:
    for module in NAMES:
        example = {("key_" if name == "key" else name): each for name, each in module.ENDPOINT.example.items()}
        assert ask(module, example.pop("body", None), key=f"log {module.__name__}", **example).status < 300
    told = lines(log)
    assert [line["message"] for line in told] == list(NAMES.values())
    assert {line["caller"] for line in told} == {100}
    assert {*NAMES} == {module for modules in openapi.ENDPOINTS.values() for module in modules}


@pytest.mark.parametrize(
    ("path", "status", "code", "allow"),
    [
        ("/ledger/accounts", 405, "method_not_allowed", "GET, POST"),
        ("/ledger/openapi.json", 405, "method_not_allowed", "GET, HEAD"),
        ("/ledger/docs", 405, "method_not_allowed", "GET, HEAD"),
        ("/ledger/accounts/1/balances/sms/holds/x/release", 405, "method_not_allowed", "POST"),
        ("/ledger/accounts/", 404, "no_such_path", None),
        ("/ledger/openapi-json", 404, "no_such_path", None),
    ],
)
def test_what_no_endpoint_answers_is_refused_and_logged_as_such(
    log: io.StringIO, path: str, status: int, code: str, allow: str | None
) -> None:
    event = {"rawPath": path, "requestContext": {"requestId": "a request"}, "headers": {}, "rawQueryString": ""}
    answer = refuse_request.lambda_handler(event, Context("RefuseRequest"))
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    assert (answer["statusCode"], headers.get("allow")) == (status, allow)
    (line,) = lines(log)
    assert (line["message"], line["error"]) == ("refused", code)
