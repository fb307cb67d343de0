"""What a request leaves behind, in every dialect: one log line, known to the last field; and what nobody expected."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

import gateway
import refuse_request
import telemetry
from api import change_balance, change_balances, get_account, get_docs, get_openapi
from everlytic import get_customer, topup_customer, update_customer, xml_rpc
from ledger import metrics
from ledger.table import Table
from mailpartner import add_credit
from operations import open_account, reconcile_balance
from ozeki import ozeki_api
from tests.api import caller as api
from tests.local import demo
from tests.local.gateway import Context
from tests.logged import counted, lines
from tests.mailpartner import caller as mailpartner
from tests.ozeki import caller as ozeki
from tests.template import ROOT

REQUEST = "a request"
Do = Callable[[], object]


def example(name: str, **more: Any) -> dict[str, Any]:
    """Make the example's event under this test's request id."""
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    event["requestContext"]["requestId"] = REQUEST
    event["headers"] |= more.pop("headers", {})
    return event | more


def everlytic(module: Any, name: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = module.lambda_handler(example(name, **more), Context(name))
    return answer


def operation(module: Any, event: object) -> dict[str, Any]:
    answer: dict[str, Any] = module.lambda_handler(event, Context("operation", aws_request_id=REQUEST))
    return answer


def top_up(key: str, amount: int = 5) -> object:
    return api.ask(change_balance, {"kind": "topup", "amount": amount}, key=key, id=101, unit="sms")


ORDER = {"headers": {"Idempotency-Key": "order 4"}}
TOPUPS = [
    {"account": 101, "unit": "sms", "idempotency_key": key, "change": {"kind": kind, "amount": amount}}
    for key, kind, amount in (("1", "topup", 1), ("2", "spend", -9_999))
]
MOVED: dict[str, object] = {"message": "CreditAdded", "unit": "EUR", "caller": 100, "account": 102} | {
    "sequence": 2,
    "account_sequence": 2,
}
OPENING = {"role": "user", "operator": 100, "username": "mary", "idempotency_key": "1"}

# What is done, and all that its one line says beside level, service, correlation id, and where and when it was written.
LINES: list[tuple[Do, dict[str, object]]] = [
    (
        lambda: ozeki.ask(ozeki.ADD_244, key="order 1"),
        {"message": "answered", "action": "addcredits", "unit": "sms", "caller": 100, "account": 101, "sequence": 2},
    ),
    (
        lambda: ozeki.ask(ozeki.ADD_244, key="order 1"),
        {
            "message": "answered",
            "action": "addcredits",
            "unit": "sms",
            "caller": 100,
            "account": 101,
            "sequence": 2,
            "replayed": True,
        },
    ),
    (
        lambda: ozeki.ask({"action": "getcredits", **ozeki.JOHN}),
        {"message": "answered", "action": "getcredits", "unit": "sms", "caller": 101, "account": 101},
    ),
    (
        lambda: ozeki.ask(ozeki.ADD_244, useraccount="nobody"),
        {"message": "refused", "action": "addcredits", "unit": "sms", "caller": 100, "error": 6},
    ),
    (lambda: ozeki.ask({"action": "abc123"}), {"message": "refused", "error": 3}),
    (
        lambda: everlytic(topup_customer, "topup_customer", **ORDER),
        {"message": "CustomerToppedUp", "caller": 100, "account": 1},
    ),
    (
        lambda: everlytic(topup_customer, "topup_customer", **ORDER),
        {"message": "CustomerToppedUp", "caller": 100, "account": 1, "replayed": True},
    ),
    (
        lambda: everlytic(get_customer, "get_customer", pathParameters={"id": "7"}),
        {"message": "refused", "caller": 100, "account": 7, "error": 404},
    ),
    (
        lambda: everlytic(get_customer, "get_customer", headers={"authorization": ""}),
        {"message": "refused", "error": 401},
    ),
    (
        lambda: everlytic(update_customer, "update_customer", body='{"secret": 1}', isBase64Encoded=False),
        {"message": "refused", "caller": 100, "account": 1, "error": 400},
    ),
    (
        lambda: everlytic(xml_rpc, "xml_rpc"),
        {"message": "MethodCalled", "caller": 100, "account": 1, "method": "get_customer"},
    ),
    (
        lambda: everlytic(xml_rpc, "xml_rpc", body="<methodCall>"),
        {"message": "refused", "caller": 100, "error": 400},
    ),
    (
        lambda: mailpartner.add(5, key="order 2"),
        MOVED,
    ),
    (
        lambda: mailpartner.add(5, key="order 2"),
        MOVED | {"replayed": True},
    ),
    (lambda: mailpartner.ask("GetMe", mailpartner.KEY), {"message": "CreditRead", "unit": "EUR", "caller": 100}),
    (
        lambda: mailpartner.add("9999"),
        {"message": "refused", "unit": "EUR", "caller": 100, "account": 102, "error": 8},
    ),
    (
        lambda: mailpartner.send("AddCredit", mailpartner.event("{")),
        {"message": "refused", "unit": "EUR", "error": 90},
    ),
    (
        lambda: top_up("order 3"),
        {"message": "BalanceChanged", "caller": 100, "unit": "sms", "account": 101, "sequence": 3},
    ),
    (
        lambda: top_up("order 3"),
        {"message": "BalanceChanged", "caller": 100, "unit": "sms", "account": 101, "sequence": 3, "replayed": True},
    ),
    (
        lambda: top_up("order 3", amount=6),
        {
            "message": "refused",
            "caller": 100,
            "unit": "sms",
            "account": 101,
            "error": "idempotency_key_reused",
        },
    ),
    (lambda: api.ask(get_account, secret="nobody's", id=101), {"message": "refused", "error": "unauthenticated"}),
    (
        lambda: api.ask(change_balances, {"changes": TOPUPS}),
        {"message": "BalancesChanged", "caller": 100, "account": 101, "changes": 2, "refused": 1},
    ),
    (lambda: get_docs.lambda_handler(example("get_docs"), None), {"message": "DocsRead"}),
    (lambda: get_openapi.lambda_handler(example("get_openapi"), None), {"message": "OpenapiRead"}),
    (
        lambda: refuse_request.lambda_handler(example("refuse_request"), None),
        {"message": "refused", "error": "no_such_path"},
    ),
    (
        lambda: operation(open_account, OPENING),
        {"message": "AccountOpened", "account": 2, "role": "user", "replayed": False},
    ),
    (
        lambda: operation(open_account, OPENING),
        {"message": "AccountOpened", "account": 2, "role": "user", "replayed": True},
    ),
    (
        lambda: operation(open_account, OPENING | {"username": "john", "idempotency_key": "2"}),
        {"message": "refused", "error": "NameTaken"},
    ),
    (lambda: operation(open_account, {}), {"message": "refused", "error": "InvalidRequest"}),
    (
        lambda: operation(reconcile_balance, {"account": 102, "unit": "EUR"}),
        {
            "message": "BalanceReconciled",
            "account": 102,
            "unit": "EUR",
            "entries": 2,
            "sequence": 2,
            "available": 166_800,
            "held": 0,
            "problems": [],
        },
    ),
]


def said(line: dict[str, Any], level: str = "INFO") -> dict[str, Any]:
    """Give what a line says of its request, having checked what every line has."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4}", line.pop("timestamp"))
    assert re.fullmatch(r"\w+:\d+", line.pop("location"))
    assert (line.pop("level"), line.pop("service"), line.pop("correlation_id")) == (level, "prepaid", REQUEST)
    return line


@pytest.mark.usefixtures("loud")
def test_each_request_leaves_one_line_of_numbers_and_names_of_ours(ledger: Table, log: io.StringIO) -> None:
    for do, expected in LINES:
        before = len(lines(log))
        do()
        (line,) = lines(log)[before:]
        assert said(line) == expected


# ------------------------------------------------------------------------------------------------- what nobody expected

UNKNOWN = "the outcome is not known: "
OZEKI = f"{UNKNOWN}read the balance before sending it again (correlation id {REQUEST})"
EVERLYTIC = f"{UNKNOWN}look before sending it again (correlation id {REQUEST})"
MAILPARTNER = (
    f"Erreur interne, résultat inconnu : réessayez avec la même Idempotency-Key ou vérifiez (correlation id {REQUEST})"
)
API = "It may have happened: look before sending it again, or send it under the same Idempotency-Key"
JSON, XML, PROBLEM = "application/json", "application/xml", "application/problem+json"
FORM = "application/x-www-form-urlencoded"


def written(status: int, content_type: str, body: str) -> dict[str, Any]:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Type": content_type}
    return {"statusCode": status, "headers": headers, "body": body}


FAILED: dict[str, tuple[Do, str, dict[str, object], dict[str, Any]]] = {
    "ozeki": (
        lambda: ozeki_api.lambda_handler(ozeki.event("action=addcredits&username=x&password=y"), None),
        "sms",
        {"action": "addcredits", "unit": "sms"},
        written(
            200,
            XML,
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<!DOCTYPE smsapi PUBLIC "-//OZEKI//DTD XML 1.0//EN" "http://www.ozekisms.com/DTD/smsapi.xml">\n'
            "<response>\n   <action>error</action>\n   <data>\n      <errorcode>10</errorcode>\n"
            f"      <errormessage>{OZEKI}</errormessage>\n   </data>\n</response>",
        ),
    ),
    "ozeki, as a form": (
        lambda: ozeki_api.lambda_handler(
            ozeki.event(body="action=getcredits&username=x&password=y&responseformat=urlencoded"), None
        ),
        "sms",
        {"action": "getcredits", "unit": "sms"},
        written(
            200,
            FORM,
            "action=error&errorcode=10&errormessage=the+outcome+is+not+known%3A+read+the+balance+before+sending+it+again"
            "+%28correlation+id+a+request%29",
        ),
    ),
    "everlytic": (
        lambda: everlytic(topup_customer, "topup_customer"),
        "none",
        {},
        written(500, JSON, json.dumps({"error": {"message": EVERLYTIC}})),
    ),
    "everlytic, in XML": (
        lambda: everlytic(topup_customer, "topup_customer", headers={"accept": XML}),
        "none",
        {},
        written(
            500,
            XML,
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<response><error><message>{EVERLYTIC}</message></error></response>",
        ),
    ),
    "everlytic, by XML-RPC": (
        lambda: everlytic(xml_rpc, "xml_rpc"),
        "none",
        {},
        written(
            200,
            "text/xml",
            '<?xml version="1.0" encoding="UTF-8"?>\n<methodResponse>\n<fault>\n<value><struct>\n'
            "<member>\n<name>faultCode</name>\n<value><int>500</int></value>\n</member>\n"
            f"<member>\n<name>faultString</name>\n<value><string>{EVERLYTIC}</string></value>\n</member>\n"
            "</struct></value>\n</fault>\n</methodResponse>\n",
        ),
    ),
    "mailpartner": (
        lambda: add_credit.lambda_handler(mailpartner.event(query="apiKey=x"), None),
        "EUR",
        {"unit": "EUR"},
        written(500, JSON, f'{{"success": false, "code": 500, "message": "{MAILPARTNER}"}}'),
    ),
    "mailpartner, in XML": (
        lambda: add_credit.lambda_handler(mailpartner.event(b'{"apiKey": "x", "_format": "xml"}'), None),
        "EUR",
        {"unit": "EUR"},
        written(
            500,
            XML,
            '<?xml version="1.0" encoding="UTF-8"?><result><entry>false</entry><entry>500</entry>'
            f"<entry><![CDATA[{MAILPARTNER}]]></entry></result>",
        ),
    ),
    "ledger": (
        lambda: change_balance.lambda_handler(api.event(change_balance, parameters={"id": 101, "unit": "sms"}), None),
        "none",
        {},
        written(
            500,
            PROBLEM,
            json.dumps(
                {
                    "type": "/ledger/docs#internal_error",
                    "title": API,
                    "status": 500,
                    "detail": API,
                    "code": "internal_error",
                    "correlation_id": REQUEST,
                },
                separators=(",", ":"),
            ),
        ),
    ),
    "operations": (
        lambda: operation(reconcile_balance, {"account": 101, "unit": "sms"}),
        "none",
        {},
        {
            "error": "InternalError",
            "message": f"{UNKNOWN}try again with the same idempotency_key, or look (correlation id {REQUEST})",
        },
    ),
}

SECRET = "in-the-log"


class _Odd(Exception):
    """An exception in whose words and arguments is what a caller wrote."""


def odd() -> Exception:
    error = _Odd(SECRET)
    error.__cause__ = ValueError(SECRET)
    return error


def rejected() -> Exception:
    answer: Any = {"Error": {"Code": "ValidationException", "Message": SECRET}, "Item": SECRET}
    return ClientError(answer, "GetItem")


REJECTED = {
    "failure": "botocore.exceptions.ClientError",
    "aws_error": "ValidationException",
    "aws_operation": "GetItem",
}


@pytest.mark.parametrize(
    ("make", "kind"),
    [(odd, {"failure": f"{__name__}._Odd"}), (rejected, REJECTED)],
    ids=["an exception", "a call that AWS rejects"],
)
@pytest.mark.parametrize("which", FAILED)
@pytest.mark.usefixtures("loud")
def test_what_nobody_expected_is_answered_in_the_dialects_form_and_logged_without_its_words(
    failing: Callable[[Callable[[], Exception]], None],
    log: io.StringIO,
    capfd: pytest.CaptureFixture[str],
    which: str,
    make: Callable[[], Exception],
    kind: dict[str, object],
) -> None:
    do, unit, known, answer = FAILED[which]
    metrics.report("an earlier test", {})
    capfd.readouterr()
    failing(make)

    assert do() == answer

    (line,) = lines(log)
    frames = line.pop("frames")
    assert said(line, "ERROR") == {"message": "failed", **known, **kind}
    assert all(re.fullmatch(r".+\.py:\d+ \S+", frame) for frame in frames)
    assert frames[0].endswith(" run")
    assert " failing.<locals>.fail" in frames[-1]
    printed = capfd.readouterr().out
    assert counted(printed) == {(which.partition(",")[0], unit, "Failed"): 1}
    assert SECRET not in log.getvalue() + printed


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("which", ["ozeki", "mailpartner"])
def test_even_if_the_request_cannot_be_read(monkeypatch: pytest.MonkeyPatch, which: str) -> None:
    def fail(_: object) -> None:
        raise _Odd

    monkeypatch.setattr(gateway, "headers", fail)
    do, _, _, answer = FAILED[which]
    assert do() == answer


def test_of_a_deep_failure_the_innermost_places_are_told(
    failing: object, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    def fall(_: object) -> object:
        return fall(_)

    assert telemetry.run("none", REQUEST, "done", fall, str) == REQUEST
    (line,) = lines(log)
    assert line["failure"] == "builtins.RecursionError"
    assert len(line["frames"]) == telemetry.MOST_FRAMES
    assert line["frames"][-1].endswith("fall")


def test_what_runs_out_of_time_or_is_stopped_is_not_called_a_failure() -> None:
    def stop(_: object) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        telemetry.run("none", REQUEST, "done", stop, stop)


def test_a_broken_history_is_told_beside_the_requests_own_line(ledger: Table, log: io.StringIO) -> None:
    ledger.client.update_item(
        TableName=ledger.name,
        Key={"pk": {"S": f"B#{demo.JOHN}#sms"}, "sk": {"S": "~"}},
        UpdateExpression="SET a = :more",
        ExpressionAttributeValues={":more": {"N": "501"}},
    )
    found = operation(reconcile_balance, {"account": demo.JOHN, "unit": "sms"})
    told, own = lines(log)
    assert said(told, "CRITICAL") == {"message": "history does not add up", **found}
    assert said(own) == {"message": "BalanceReconciled", **found}
