"""Whatever way a request comes, it is read as what it is; whatever it says, the answer is one that was announced."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import change_balance, list_accounts
from api.problems import MOST_FAULTS
from api.wire import LONGEST_BODY, MOST_FIELDS
from ledger import counter
from ledger.table import Table
from tests.api.caller import ADMIN, Answer, event, send

BODY = '{"kind": "topup", "amount": 244, "reason": "größe"}'
PLACE: dict[str, object] = {"id": 101, "unit": "sms"}


def change(content: str | bytes | None, **more: Any) -> Answer:
    return send(change_balance, event(change_balance, content, key="k", parameters=PLACE) | more)


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        BODY.encode(),
        b"\xef\xbb\xbf" + BODY.encode(),
        f"\r\n {BODY} \n".encode(),
        json.dumps(json.loads(BODY)),
        BODY.replace("244", "244.00"),
        BODY + " " * (LONGEST_BODY - len(BODY)),
    ],
    ids=[
        "text",
        "base64",
        "with a byte order mark",
        "with white space",
        "escaped",
        "with a fraction of nothing",
        "longest",
    ],
)
@pytest.mark.parametrize("label", [None, "application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_a_body_is_read_as_the_json_that_it_is(shared_ledger: Table, body: str | bytes, label: str | None) -> None:
    made = event(change_balance, body, key=f"{body!r} {label}"[-255:], parameters=PLACE)
    made["headers"] |= {} if label is None else {"content-type": label}
    assert send(change_balance, made)["amount"] == 244


@pytest.mark.parametrize(
    "body",
    [
        *(None, "", b"", " ", "{", "topup", "kind=topup&amount=244", "<change/>", "null", "[]", "0"),
        *(b"\xff\xfe", b'{"kind": "top\xffup"}', b"\xed\xa0\x80"),
        BODY.replace("244", "NaN"),
        BODY.replace("244", "Infinity"),
        BODY.replace("244", "244.01"),
        BODY.replace("244", "244." + "0" * 21),
        BODY.replace("244", "2.44e2"),
        BODY.replace("244", "9" * 5_000),
        BODY.replace("244", "1e999"),
        BODY.replace("}", ', "amount": 1}'),
        BODY.replace("}", ', "metadata": {"a": "1", "a": "2"}}'),
        BODY.replace("größe", "\\ud800"),
        BODY.replace("}", ', "metadata": {"\\udfff": "1"}}'),
        BODY.replace("größe", "\0"),
        BODY + BODY,
        BODY + " " * (LONGEST_BODY - len(BODY) + 1),
        "[" * 100_000,
        '{"a":' * 100_000,
    ],
    ids=lambda body: ascii(body)[:50] + (ascii(body)[-20:] if body and len(body) < 1_000 else ""),
)
def test_what_is_no_json_of_ours_is_refused(shared_ledger: Table, body: str | bytes | None) -> None:
    before = counter.read(shared_ledger, 101, "sms").sequence
    refused = change(body)
    assert (refused.status, refused.code) == (400, "invalid_request")
    assert refused["errors"][0]["at"].startswith("body")
    assert counter.read(shared_ledger, 101, "sms").sequence == before


@pytest.mark.parametrize("body", ["%", "YWN0aW9", "not base64 at all", "\N{SNOWMAN}"])
def test_a_body_that_is_not_the_base64_it_claims_to_be_is_refused(shared_ledger: Table, body: str) -> None:
    assert change(None, body=body, isBase64Encoded=True).code == "invalid_request"


@pytest.mark.parametrize(
    "query",
    [
        *("limit=1&limit=1", "limit=1&limit=2", "cursor=1&x", "%ff", "limit=%ff", "limit=%ed%a0%80"),
        *("id=101", "&".join(f"x{number}" for number in range(MOST_FIELDS + 1))),
    ],
    ids=lambda query: query[:30],
)
def test_a_query_that_cannot_be_understood_is_refused(shared_ledger: Table, query: str) -> None:
    refused = send(list_accounts, event(list_accounts) | {"rawQueryString": query})
    assert (refused.status, refused.code) == (400, "invalid_request")


def test_a_variable_of_the_path_is_not_taken_from_the_query(shared_ledger: Table) -> None:
    assert change(BODY, rawQueryString="id=102").code == "invalid_request"
    assert change(BODY, rawQueryString="unit=email").code == "invalid_request"


def test_all_faults_are_told_at_once_but_not_what_was_there(shared_ledger: Table) -> None:
    made = event(change_balance, '{"kind": "topup", "amount": "much", "x": 1}', parameters={"id": 0, "unit": "USD"})
    told = send(change_balance, made)["errors"]
    assert [each["at"] for each in told] == [
        *("parameters.id", "parameters.unit", "Idempotency-Key"),
        *("body.topup.amount", "body.topup.x"),
    ]
    assert "much" not in json.dumps(told)
    many = change(json.dumps({"kind": "topup", "amount": 1} | {f"x{number}": "1" for number in range(99)}))
    assert len(many["errors"]) == MOST_FAULTS


@pytest.mark.parametrize("key", [None, "", "k" * 256, "\N{SNOWMAN}" * 256], ids=["none", "empty", "long", "wide"])
def test_an_idempotency_key_is_required(shared_ledger: Table, key: str | None) -> None:
    refused = send(change_balance, event(change_balance, BODY, key=key, parameters=PLACE))
    assert (refused.status, refused["errors"][0]["at"]) == (400, "Idempotency-Key")


@pytest.mark.parametrize("key", ["k", "k" * 255, " ", "\N{SNOWMAN}" * 255, "\ud800", "\0", "é"], ids=ascii)
def test_any_string_will_do_as_idempotency_key(shared_ledger: Table, key: str) -> None:
    made = event(change_balance, BODY, key=key, parameters=PLACE)
    assert [send(change_balance, made).replayed for _ in range(2)] == [False, True]


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_in_any_case(shared_ledger: Table, scheme: str) -> None:
    made = event(list_accounts) | {"headers": {"authorization": f"{scheme}  {ADMIN} "}}
    assert send(list_accounts, made).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        *(None, "", "Bearer", "Bearer ", ADMIN, f"Basic {ADMIN}", f"Bearer {ADMIN}x", f"Bearer {ADMIN.upper()}"),
        *("Bearer \N{SNOWMAN}", "Bearer \ud800", f"Bearer {ADMIN}\0", "Bearer " + "x" * 10_000),
    ],
    ids=lambda header: ascii(header)[:30],
)
def test_whoever_shows_no_valid_key_is_told_how_to(shared_ledger: Table, authorization: str | None) -> None:
    headers = {} if authorization is None else {"authorization": authorization}
    refused = send(list_accounts, event(list_accounts) | {"headers": headers})
    assert (refused.status, refused.code) == (401, "unauthenticated")
    assert refused.headers["www-authenticate"] == 'Bearer realm="ledger"'


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["kind", "amount", "reference", "reason", "metadata", "note"])


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=JSON | st.dictionaries(FIELDS, JSON | st.sampled_from(["topup", "spend"])) | st.text() | st.binary(),
    query=st.just("") | st.text(max_size=20),
    path=st.fixed_dictionaries({"id": st.just("101") | st.text(), "unit": st.just("sms") | st.text()}),
    headers=st.dictionaries(st.sampled_from(["idempotency-key", "content-type"]), st.text(), max_size=2),
)
def test_any_request_at_all_is_answered_as_announced(
    shared_ledger: Table, body: Any, query: str, path: dict[str, str], headers: dict[str, str]
) -> None:
    sent = body if isinstance(body, str | bytes) else json.dumps(body)
    made = event(change_balance, sent, parameters=PLACE) | {"rawQueryString": query, "pathParameters": path}
    made["headers"] |= headers
    send(change_balance, made)
