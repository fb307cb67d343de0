"""Bad input of every kind gets its documented error, and changes nothing at all."""

from hashlib import scrypt
from urllib.parse import urlencode

import pytest

from ledger import credentials
from ledger.entry import AMOUNT_LIMIT
from tests.ozeki.caller import ADD_244, ADMIN, JOHN, SET_JOHN, Answer, ask, event, send

pytestmark = pytest.mark.usefixtures("unchanged")


def test_an_unknown_name_and_a_wrong_password_are_the_same_error() -> None:
    wrong = Answer("error", code=4, message="wrong username or password")
    assert ask(ADD_244, username="adnim") == wrong
    assert ask(ADD_244, password="abc124") == wrong
    assert ask(ADD_244, username="john") == wrong


@pytest.mark.parametrize("who", [{"username": "nobody"}, {"password": "wrong"}], ids=["unknown name", "wrong password"])
def test_an_unknown_name_is_as_much_work_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch, who: dict[str, str]
) -> None:
    costs = []

    def counted(secret: bytes, *, salt: bytes, n: int, r: int, p: int, maxmem: int) -> bytes:
        costs.append((n, r, p))
        return scrypt(secret, salt=salt, n=2, r=1, p=1, dklen=64)

    monkeypatch.setattr(credentials, "scrypt", counted)
    assert ask(ADD_244, **who).code == 4
    assert costs == [(2**14, 8, 5)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"username": " admin"},
        {"username": "admins"},
        {"username": "admin\0"},
        {"username": "a" * 17},
        {"username": "a" * 10_000},
        {"username": "\N{SNOWMAN}"},
        {"password": "ABC123"},
        {"password": "abc123 "},
        {"password": "abc123\0"},
        {"password": "a" * 17},
        {"password": "a" * 10_000},
    ],
    ids=lambda wrong: ascii(wrong)[:40],
)
def test_a_name_or_password_that_is_not_quite_right_is_wrong(wrong: dict[str, str]) -> None:
    assert send(event(urlencode(ADD_244 | wrong), source=ascii(wrong))).code == 4


@pytest.mark.parametrize("action", ["addcredits", "setcredits"])
@pytest.mark.parametrize("useraccount", ["", "john", "admin", "nobody"])
def test_a_user_changes_nothing_not_even_its_own_balance(action: str, useraccount: str) -> None:
    changed = ask({"action": action, **JOHN}, useraccount=useraccount, add="1", newbalance="1")
    assert changed == Answer("error", code=5, message="only admin may do this")


@pytest.mark.parametrize("useraccount", ["admin", "nobody", "a" * 10_000])
def test_a_user_learns_nothing_of_other_accounts(useraccount: str) -> None:
    assert ask({"action": "getcredits", **JOHN}, useraccount=useraccount).code == 5


@pytest.mark.parametrize("action", ["addcredits", "setcredits", "getcredits"])
@pytest.mark.parametrize(
    "useraccount",
    ["nobody", "johnny", "john ", "a" * 16, "a" * 17, "a" * 10_000, "\0", "\N{SNOWMAN}" * 16],
    ids=lambda name: ascii(name)[:20],
)
def test_an_account_that_does_not_exist_is_unknown(action: str, useraccount: str) -> None:
    unknown = ask({"action": action, **ADMIN}, useraccount=useraccount, add="1", newbalance="1")
    assert unknown == Answer("error", code=6, message="unknown useraccount")


@pytest.mark.parametrize(
    "written",
    [
        *("many", "1e3", "1.0", "1,000", "1_000", "0x10", "--5", "+-5", "+", "-", "5-"),
        *(" 5", "5 ", "5\n", "\0", "5\0", "+ 5"),
        *("\N{ARABIC-INDIC DIGIT FIVE}", "\N{FULLWIDTH DIGIT FIVE}", "\N{SUPERSCRIPT TWO}", "\N{MINUS SIGN}5"),
        *(str(AMOUNT_LIMIT + 1), str(-AMOUNT_LIMIT - 1), "9" * 10_000, "x" * 10_000),
        *("NaN", "Infinity", "None", "1; DROP TABLE"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_whatever_else_is_no_integer(written: str) -> None:
    assert ask(ADD_244, add=written) == Answer("error", code=2, message="not a valid value: add")
    assert ask(SET_JOHN, newbalance=written) == Answer("error", code=2, message="not a valid value: newbalance")


@pytest.mark.parametrize(
    "action", ["", "refund", "ADDCREDITS", "addcredits ", "getcredits\0", "createUser", "users", "a" * 10_000]
)
def test_an_action_that_is_not_served_is_unknown(action: str) -> None:
    unknown = Answer("error", code=3, message="unknown action")
    assert ask(ADD_244, action=action) == unknown
    assert ask({name: value for name, value in ADD_244.items() if name != "action"}) == unknown


@pytest.mark.parametrize("name", ["username", "password", "add"])
def test_an_empty_parameter_is_a_missing_one(name: str) -> None:
    missing = Answer("error", code=1, message=f"missing parameter: {name}")
    assert ask(ADD_244, **{name: ""}) == missing
    assert ask({each: value for each, value in ADD_244.items() if each != name}) == missing


@pytest.mark.parametrize("action", ["createuser", "configuser", "startuser", "stopuser", "deleteuser"])
def test_a_user_is_named(action: str) -> None:
    missing = Answer("error", code=1, message="missing parameter: name")
    assert ask({"action": action, **ADMIN}, PASSWORD="newer-one") == missing
    assert ask({"action": action, **ADMIN}, name="", type="SMPP") == missing


@pytest.mark.parametrize("responseformat", ["html", "json", "XML", " xml"])
def test_an_unknown_format_is_refused_before_anything_changes(responseformat: str) -> None:
    assert ask(ADD_244, responseformat=responseformat).message == "not a valid value: responseformat"
