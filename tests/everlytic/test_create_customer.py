import pytest

from ledger import accounts
from ledger.counter import State
from ledger.kinds import Kind
from ledger.table import Table
from tests.demo_ledger import items
from tests.everlytic.books import add, available, happened, intercept, once, open_rival
from tests.everlytic.caller import CUSTOMERS, HOST, RIVAL, ask, create
from tests.local import demo

GLOBEX = {"name": "Globex", "email": "info@globex.example"}
EVERYTHING = {
    "name": "Größe & <Söhne>",
    "status": "on",
    "email": "Info@Größe.example",
    "email_package_id": 2,
    "email_quota": 1_000,
    "sms_quota": 0,
    "transactions_package_id": 0,
    "transactions_quota": 10**12,
    "deleted": "no",
    "address": "1 Long Street\n8th floor",
    "state_provinces": "Western Cape",
    "postal_code": "8001",
    "telephone": "+27 21 555 0100",
    "website_url": "https://größe.example:8443/a?b=c#d",
    "country": "ZA",
    "industry": "Hospitality, Travel & Tourism",
    "unique_id": "ext-7 \N{SNOWMAN}",
}


def test_two_properties_make_a_customer_and_all_others_are_empty(ledger: Table) -> None:
    answer = ask("POST", "", GLOBEX)
    assert answer.status == 201
    assert answer.item == {
        "id": 2,
        **dict.fromkeys(EVERYTHING, ""),
        **GLOBEX,
        "status": "on",
        "deleted": "no",
        **dict.fromkeys(("email_package_id", "transactions_package_id"), 0),
        **dict.fromkeys(("email_quota", "sms_quota", "transactions_quota"), 0),
    }
    assert list(answer.item) == ["id", *EVERYTHING]
    assert answer.links == {
        "self": f"{HOST}{CUSTOMERS}/2",
        "home": f"{HOST}/api/2.0",
        "collection": f"{HOST}{CUSTOMERS}",
    }
    assert ask("GET", "/2").item == answer.item


def test_every_property_is_kept_and_answered(ledger: Table) -> None:
    answer = ask("POST", "", EVERYTHING)
    assert answer.item == {"id": 2, **EVERYTHING}
    assert ask("GET", "/2").item == answer.item
    assert ask("GET", "/2", headers={"Accept": "application/xml"}).item == answer.item


def test_quotas_are_opening_balances(ledger: Table) -> None:
    customer = create("Globex", email_quota="+0500", sms_quota=0)
    assert happened(ledger, customer, "email") == [(Kind.OPENING, 500, "")]
    assert happened(ledger, customer, "sms") == [(Kind.OPENING, 0, "")]
    assert accounts.get(ledger, demo.ADMIN, customer).units == {"email", "sms"}


def test_what_may_be_written_in_more_than_one_way(ledger: Table) -> None:
    long_email = f"{'x' * 64}@{'y' * 63}.{'z' * 63}.{'y' * 57}.ex"
    ways: list[tuple[dict[str, object], dict[str, object]]] = [
        ({"country": "za"}, {"country": "ZA"}),
        ({"name": "  Globex \n"}, {"name": "Globex"}),
        ({"email_package_id": "2"}, {"email_package_id": 2}),
        ({"email_package_id": ""}, {"email_package_id": 0}),
        ({"status": "", "deleted": ""}, {"status": "on", "deleted": "no"}),
        ({"status": "off"}, {"status": "off"}),
        ({"telephone": "", "country": "", "website_url": ""}, {"telephone": "", "country": "", "website_url": ""}),
        ({"name": "x" * 255}, {"name": "x" * 255}),
        ({"email": long_email}, {"email": long_email}),
        ({"email": "o'neill+tag@sub.exämple.co.za"}, {"email": "o'neill+tag@sub.exämple.co.za"}),
    ]
    for number, (sent, kept) in enumerate(ways):
        item = ask("POST", "", {"name": "Globex", "email": f"{number}@globex.example"} | sent).item
        assert item == item | kept


def test_a_suspended_customer_has_suspended_balances(ledger: Table) -> None:
    customer = create("Globex", email_quota=5, status="off")
    assert accounts.get(ledger, demo.ADMIN, customer).state is State.SUSPENDED
    assert ask("GET", f"/{customer}").item["status"] == "off"
    assert ask("PUT", f"/topup/{customer}/starter").quotas == (505, 100, 50)


@pytest.mark.parametrize(
    ("taken", "what"),
    [({"email": "INFO@acme.EXAMPLE"}, "email"), ({"unique_id": "ext-1"}, "unique_id")],
    ids=["e-mail", "unique id"],
)
def test_a_name_that_another_customer_has_is_refused(ledger: Table, taken: dict[str, str], what: str) -> None:
    ask("PUT", "/1", {"unique_id": "ext-1"})
    before = items(ledger)
    assert ask("POST", "", GLOBEX | taken).error == (409, f"{what}: another customer has it")
    assert items(ledger) == before


def test_names_are_unique_within_an_operator_only(ledger: Table) -> None:
    open_rival(ledger)
    assert ask("POST", "", {"name": "Acme", "email": "info@acme.example"}, auth=RIVAL).status == 201


def test_two_that_want_the_same_e_mail_at_once_do_not_both_get_it(
    ledger: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = []

    def overtake() -> None:
        monkeypatch.undo()
        first.append(ask("POST", "", GLOBEX))

    intercept(monkeypatch, ledger, once(overtake))
    second = ask("POST", "", GLOBEX | {"email_quota": 7})
    assert (first[0].status, second.error) == (201, (409, "email: another customer has it"))
    assert available(ledger, first[0].item["id"]) == (0, 0, 0)


def test_it_is_answered_as_it_was_opened_when_it_is_asked_for_again(ledger: Table) -> None:
    first = ask("POST", "", GLOBEX | {"email_quota": 500}, key="new-1")
    customer = first.item["id"]
    add(ledger, customer, "email", -100)
    add(ledger, customer, "sms", 7)
    ask("PUT", f"/{customer}", {"telephone": "1"})

    again = ask("POST", "", GLOBEX | {"email_quota": "500"}, key="new-1")
    assert (again.status, again.replayed) == (201, True)
    assert again.item == first.item | {"telephone": "1"}
    assert available(ledger, customer) == (400, 7, 0)


def test_another_customer_under_the_same_key_is_refused(ledger: Table) -> None:
    ask("POST", "", GLOBEX, key="new-1")
    other = ask("POST", "", GLOBEX | {"email_quota": 1}, key="new-1")
    assert other.error == (409, "the Idempotency-Key was used for something else")
