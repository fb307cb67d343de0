"""Sections of the page for people that differ in shape from those reviewed in docs.html."""

from api import get_docs
from tests.api.test_as_reviewed import EVENT
from tests.local.gateway import Context

BODY = (
    "{&quot;changes&quot;: [{&quot;account&quot;: 101, &quot;unit&quot;: &quot;sms&quot;, "
    "&quot;idempotency_key&quot;: &quot;message-1&quot;, "
    "&quot;change&quot;: {&quot;kind&quot;: &quot;spend&quot;, &quot;amount&quot;: -1}}]}"
)


def test_an_operation_without_parameters_is_shown_without_a_table() -> None:
    page: str = get_docs.lambda_handler(EVENT, Context("GetDocs"))["body"]
    assert (
        '<h3 id="change_balances"><code><span class="method">POST</span> /ledger/changes</code></h3>\n'
        "<p>Makes up to a hundred changes, each on its own and once, and tells what became of each.</p>\n"
        "<pre>curl -X POST &quot;$URL/ledger/changes&quot; \\\n"
        "  -H &quot;Authorization: Bearer $KEY&quot; \\\n"
        f"  -d &#x27;{BODY}&#x27;</pre>\n"
        "\n"
        '<p>Body: <a href="#Batch">Batch</a>. Answer: <a href="#Outcomes">Outcomes</a>. Answers 207, 400 '
    ) in page
