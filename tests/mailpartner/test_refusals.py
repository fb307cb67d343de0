"""Bad input of every kind gets its documented error, and changes nothing at all."""

import json
from typing import Any

import pytest

from ledger.entry import AMOUNT_LIMIT
from mailpartner.wire import LONGEST_BODY, MOST_FIELDS
from tests.local import demo
from tests.mailpartner.caller import HANDLERS, KEY, MOVE, Answer, add, ask, create, event, send

pytestmark = pytest.mark.usefixtures("unchanged")

NO_AMOUNTS = [  # as they are written in JSON
    *("0", "-0", "0.000", '"0"', "-1", '"-1"', '"+1"', "-0.001"),
    *("0.0001", '"0.0001"', "1.0001", '"1.50001"', "0.1000000000000000055", "0.0000", '"."', f"1.{'0' * 20_000}1"),
    *("1e3", '"1e3"', "1E-3", "1e400", "NaN", "Infinity", "-Infinity", '"NaN"', '"Infinity"', '".5e1"', '"-.5"'),
    *("true", "false", "[]", "[100]", "{}", '{"credit": 100}'),
    *('"many"', '"1,5"', '"1 000"', '"1_000"', '" 1"', '"1 "', '"1\\n"', '"1.."', '".5.0"', '"0x10"', '"1\\u0000"'),
    *('"\\u0661"', '"\\uff11"', '"\\u00b2"', '"1\\u20ac"', '"None"', '"null"'),
    *(str(10**400), f'"{10**400}"', str(-(10**400)), "9" * 20_000, f'"{"9" * 20_000}x"'),
    *(str(AMOUNT_LIMIT), f'"{AMOUNT_LIMIT // 1_000}.001"'),
]
every_bad_amount = pytest.mark.parametrize("written", NO_AMOUNTS, ids=lambda text: f"{ascii(text)[:24]} of {len(text)}")


@every_bad_amount
def test_whatever_is_no_positive_amount_of_up_to_three_decimals(written: str) -> None:
    body = f'{{"apiKey": "{demo.API_KEY}", "tokenSubaccount": "{demo.TOKEN}", "credit": {written}}}'
    refused = Answer(5, message="Le crédit à attribuer doit être supérieur à 0")
    assert send("AddCredit", event(body.encode())) == refused
    assert send("RemoveCredit", event(body, content_type="application/json")) == refused


@every_bad_amount
def test_a_sub_account_is_opened_with_an_amount_or_none(written: str) -> None:
    wanted = f'{{"creditToAttribute": {written}}}'
    body = f'{{"apiKey": "{demo.API_KEY}", "type": "simple", "parameters": {wanted}}}'
    refused = Answer(8, message="creditToAttribute doit être supérieurr à 0")
    assert send("CreateSubaccount", event(body.encode())) == refused


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("apiKey", Answer(1, message="La Clé API est requise")),
        ("credit", Answer(2, message="Le crédit est requis")),
        ("tokenSubaccount", Answer(3, message="L'identifiant du sous-compte est requis")),
    ],
)
def test_an_empty_parameter_is_a_missing_one(name: str, refused: Answer, nothing: str | None) -> None:
    complete = {**MOVE, "credit": 1}
    assert ask("AddCredit", complete | {name: nothing}) == refused
    assert ask("RemoveCredit", {each: value for each, value in complete.items() if each != name}) == refused


NOBODYS = [
    *("nobody", demo.TOKEN.upper(), f" {demo.TOKEN}", f"{demo.TOKEN}\0", "a" * 2_000, "\N{SNOWMAN}" * 2_000),
    *(0, 1, 1.5, True, False, [], [demo.TOKEN], {}, {"token": demo.TOKEN}),
]
every_nobodys_text = pytest.mark.parametrize("text", NOBODYS, ids=lambda text: ascii(text)[:24])


@every_nobodys_text
def test_a_token_that_is_not_quite_right_is_nobodys(text: object) -> None:
    unknown = "Le sous-compte n'existe pas"
    assert ask("AddCredit", {**KEY, "tokenSubaccount": text, "credit": 1}) == Answer(7, message=unknown)
    assert ask("RemoveSubaccount", {**KEY, "token": text}) == Answer(404, message=unknown)


@every_nobodys_text
def test_an_api_key_that_is_not_quite_right_is_wrong(text: object) -> None:
    for function in HANDLERS:
        assert ask(function, {"apiKey": text, "credit": 1}) == Answer(10, message="Clé API incorrecte")


def test_a_removal_asks_for_its_key_and_its_token() -> None:
    assert ask("RemoveSubaccount", {"token": demo.TOKEN}) == Answer(10, message="La Clé API est requise")
    assert ask("RemoveSubaccount", KEY) == Answer(1, message="Le Token est requis")


@pytest.mark.parametrize("page", ["0", "-1", "1.5", "two", "1e1", "9" * 10, "9" * 10_000, "\N{SUPERSCRIPT TWO}", [1]])
def test_a_page_is_a_positive_number(page: object) -> None:
    assert ask("ListSubaccounts", {**KEY, "page": page}) == Answer(90, message="La requête est illisible : page")


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({}, Answer(3, message="isBuyer est requis")),
        ({"isBuyer": 2, "email": "a@b.fr"}, Answer(3, message="isBuyer est requis")),
        ({"isBuyer": "oui", "email": "a@b.fr"}, Answer(3, message="isBuyer est requis")),
        ({"isBuyer": 0}, Answer(6, message="L'email est requis")),
        ({"isBuyer": True, "email": "nobody"}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": "a b@c.fr"}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": "a@b@c.fr"}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": "a\0@b.fr"}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": ["a@b.fr"]}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": f"{'a' * 250}@b.fr"}, Answer(6, message="L'email est requis")),
        ({"isBuyer": 0, "email": "a@b.fr", "title": "a" * 101}, Answer(90)),
        ({"isBuyer": 0, "email": "a@b.fr", "firstname": "a\nb"}, Answer(90)),
        ({"isBuyer": 0, "email": "a@b.fr", "lastname": "\0"}, Answer(90)),
        ({"isBuyer": 0, "email": "DEMO@subaccount.invalid"}, Answer(7, message="Un compte existe déjà avec cet email")),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_an_advanced_sub_account_needs_an_address_and_to_know_whether_it_buys(
    parameters: dict[str, Any], refused: Answer
) -> None:
    answer = create(type="advanced", **parameters)
    assert answer == refused or (answer.code == refused.code == 90 and "parameters[" in answer.message)


def test_a_simple_sub_account_may_have_no_address_but_not_a_bad_one() -> None:
    assert create(email="nobody") == Answer(6, message="L'email est requis")


@pytest.mark.parametrize("type", ["Simple", "basic", "simple ", "0", True, ["simple"]], ids=repr)
def test_a_type_is_simple_or_advanced(type: Any) -> None:  # noqa: A002
    unknown = "Le type de sous-compte n'existe pas (simple ou advanced)"
    assert create(type=type) == Answer(5, message=unknown)
    assert create(type="") == Answer(4, message="Le type est requis (simple ou advanced)")


# -------------------------------------------------------------------------------------------- what cannot be understood

BROKEN_JSON = {
    "cut short": b'{"apiKey": "demo-api-key"',
    "single quotes": b"{'apiKey': 'demo-api-key'}",
    "something after it": b"{} {}",
    "a name twice": b'{"credit": 100, "credit": 100}',
    "a name twice within": b'{"parameters": {"email": "a@b.fr", "email": "a@c.fr"}}',
    "half a surrogate pair": b'{"apiKey": "\\ud800"}',
    "not UTF-8": b'{"apiKey": "\xff"}',
    "a control character": b'{"apiKey": "demo\0"}',
    "no number": b'{"credit": .5}',
    "deep arrays": b"[" * 40_000,
    "deep objects": b'{"a":' * 8_000,
}
XML = {
    "XML": b"<request><apiKey>demo-api-key</apiKey></request>",
    "XML with a declaration": b'\xef\xbb\xbf\n<?xml version="1.0"?><request><apiKey>demo-api-key</apiKey></request>',
}
UNREADABLE = {
    "an array": b"[]",
    "a text": b'"apiKey=demo-api-key"',
    "a number": b"100",
    "null": b"null",
    "words": b"hello",
    "a name in two spellings": b'{"parameters[email]": "a@b.fr", "parameters": {"email": "a@c.fr"}}',
    "not UTF-8, and a form": b"apiKey=\xff",
    "UTF-16": '{"apiKey": "demo-api-key"}'.encode("utf-16"),
    "a form that says it twice": b"credit=100&credit=1",
    "too many fields": b"x=1" + b"".join(b"&x%d=1" % number for number in range(MOST_FIELDS)),
    "400 kB": json.dumps({**MOVE, "credit": 1, "x": "x" * 400_000}).encode(),
    "400 kB of a form": b"credit=" + b"1" * 400_000,
}
TOLD = {
    "Le JSON est malformé: erreur de syntaxe": BROKEN_JSON,
    "Le corps est en XML : seuls JSON, formulaire et query sont lus": XML,
    "La requête est illisible : body": UNREADABLE,
}


@pytest.mark.parametrize(
    ("body", "message"),
    [pytest.param(body, message, id=name) for message, bodies in TOLD.items() for name, body in bodies.items()],
)
def test_a_body_that_is_neither_json_nor_a_form_is_refused_and_told_why(body: bytes, message: str) -> None:
    unreadable = Answer(90, message=message)
    for function in HANDLERS:
        assert send(function, event(body)) == unreadable
        assert send(function, event(body, content_type="application/json")) == unreadable
    assert send("AddCredit", event(body, query=f"apiKey={demo.API_KEY}")) == unreadable


@pytest.mark.parametrize("body", ["%", "YWN0aW9", "not base64 at all", "\N{SNOWMAN}"])
def test_a_body_that_is_not_the_base64_it_claims_to_be_is_refused(body: str) -> None:
    assert send("AddCredit", event() | {"body": body, "isBase64Encoded": True}).code == 90


def test_text_with_half_a_surrogate_pair_is_refused() -> None:
    assert send("AddCredit", event('{"apiKey": "\ud800"}')).code == 90
    assert send("AddCredit", event(query="apiKey=\ud800")).code == 90


def test_a_body_is_so_long_and_no_longer() -> None:
    longest = json.dumps({**MOVE, "credit": 0}).ljust(LONGEST_BODY)
    assert send("AddCredit", event(longest)).code == 5
    assert send("AddCredit", event(longest + " ")).code == 90


@pytest.mark.parametrize("query", ["credit=1&credit=1", "&".join(f"x{number}=1" for number in range(MOST_FIELDS + 1))])
def test_a_query_says_everything_once_and_not_too_much(query: str) -> None:
    made = event(json.dumps({**MOVE, "credit": 0}).encode(), query=query)
    assert send("AddCredit", made) == Answer(90, message="La requête est illisible : query")


@pytest.mark.parametrize("key", ["", "k" * 256, "k" * 10_000], ids=len)
def test_an_idempotency_key_has_1_to_255_characters(key: str) -> None:
    assert add(1, key=key) == Answer(90, message="La requête est illisible : Idempotency-Key")


def test_a_format_is_json_or_xml() -> None:
    assert ask("GetMe", {**KEY, "_format": "html"}) == Answer(90, message="La requête est illisible : _format")
