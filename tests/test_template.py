"""template.yaml and functions/ describe one product: nothing in one that the other does not know."""

import io
import json
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from ledger import metrics
from ledger.table import Table, open_table
from tests import environment
from tests.local.gateway import import_handler
from tests.local.routes import routes
from tests.logged import lines
from tests.ozeki import caller as ozeki
from tests.template import FUNCTIONS, GLOBALS, RESOURCES, ROOT, TEMPLATE, resources

TOP_LEVEL = {"functions", "template.yaml", "tests", "events", "pyproject.toml", "README.md"}
SECONDS_A_REQUEST_MAY_LIVE = 15

every_function = pytest.mark.parametrize("name", FUNCTIONS)


def module_of(name: str) -> str:
    """Name the module a function's Handler points into, as Python imports it."""
    module: str = FUNCTIONS[name]["Handler"].removesuffix(".lambda_handler")
    return module


def source_of(name: str) -> Path:
    return ROOT / "functions" / Path(*module_of(name).split(".")).with_suffix(".py")


def statements(name: str) -> list[dict[str, Any]]:
    return [statement for policy in FUNCTIONS[name].get("Policies", []) for statement in policy["Statement"]]


@every_function
def test_the_handler_can_be_imported(name: str) -> None:
    assert callable(import_handler(FUNCTIONS[name]["Handler"]))


@every_function
def test_function_and_module_have_one_name(name: str) -> None:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    assert FUNCTIONS[name]["Handler"].split(".")[-2:] == [snake, "lambda_handler"]


def test_every_handler_in_the_source_is_a_function() -> None:
    sources = {path for path in ROOT.glob("functions/**/*.py") if "\ndef lambda_handler" in path.read_text()}
    assert sources == {source_of(name) for name in FUNCTIONS}


@every_function
def test_the_first_line_of_the_module_is_its_route_and_its_promise(name: str) -> None:
    mine = [route for route in routes(FUNCTIONS) if route.function == name]
    methods = " and ".join(sorted({route.method for route in mine}))
    paths = " and ".join(sorted({route.path for route in mine}))
    first_line = source_of(name).read_text().splitlines()[0]

    assert re.match(r'"""(.*?): \S.*\.', first_line)
    assert first_line.startswith(f'"""{methods} {paths}: ' if mine else f'"""INVOKE {name}: ')


@every_function
def test_there_is_an_event_to_try_the_function_with(name: str) -> None:
    assert (ROOT / "events" / source_of(name).with_suffix(".json").name).is_file()


@every_function
def test_a_function_may_do_what_is_listed_and_nothing_else(name: str) -> None:
    assert statements(name) or name in {"GetOpenapi", "GetDocs", "RefuseRequest"}, "all others need the table"
    for statement in statements(name):
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            assert re.fullmatch(r"dynamodb:[A-Za-z]+", action)
        assert statement["Resource"] == {"Fn::GetAtt": ["LedgerTable", "Arn"]}


@every_function
def test_nothing_that_writes_outlives_a_request(name: str) -> None:
    actions = {action for statement in statements(name) for action in statement["Action"]}
    timeout_s = FUNCTIONS[name].get("Timeout", GLOBALS["Timeout"])
    assert timeout_s <= SECONDS_A_REQUEST_MAY_LIVE or actions <= {"dynamodb:GetItem", "dynamodb:Query"}


@every_function
def test_every_function_logs_into_the_one_group_as_json(name: str) -> None:
    assert "LoggingConfig" not in FUNCTIONS[name]
    assert GLOBALS["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": {"Ref": "FunctionsLog"}}


def test_all_logs_are_kept_for_as_long_as_the_parameter_says() -> None:
    groups = resources("AWS::Logs::LogGroup")
    assert groups.keys() == {"FunctionsLog", "AccessLog"}
    assert all(each["RetentionInDays"] == {"Ref": "LogRetentionDays"} for each in groups.values())


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("HistoryDiffers", '{ $.level = "CRITICAL" }'),
        ("RequestFailed", '{ $.level = "ERROR" && $.message = "failed" }'),
    ],
)
def test_an_alarm_listens_for_what_the_functions_log(name: str, pattern: str) -> None:
    alarm = resources("AWS::CloudWatch::Alarm")[name]
    watched = resources("AWS::Logs::MetricFilter")[f"{name}Filter"]
    (metric,) = watched["MetricTransformations"]
    assert watched["LogGroupName"] == GLOBALS["LoggingConfig"]["LogGroup"]
    assert watched["FilterPattern"] == pattern
    assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])


@pytest.mark.usefixtures("failing")
def test_what_nobody_expected_is_logged_as_its_alarm_listens_for_it(ledger: Table, log: io.StringIO) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError

    ledger.client.meta.events.register_first("before-call.dynamodb", fail, unique_id="nobody expected")
    ozeki.ask(ozeki.ADD_244)
    ledger.client.meta.events.unregister("before-call.dynamodb", unique_id="nobody expected")
    (line,) = lines(log)
    assert (line["level"], line["message"]) == ("ERROR", "failed")


def test_an_alarm_watches_the_metric_of_failed_logins_under_its_very_dimensions(
    ledger: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = resources("AWS::CloudWatch::Alarm")["LoginFailed"]
    metrics.report("an earlier test", {})
    capsys.readouterr()
    ozeki.ask(ozeki.ADD_244, password="wrong")
    (printed,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if alarm["MetricName"] in line]
    (told,) = printed["_aws"]["CloudWatchMetrics"]
    (dimensions,) = told["Dimensions"]
    service = {"service": GLOBALS["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"]}
    assert told["Namespace"] == alarm["Namespace"]
    assert {each["Name"]: each["Value"] for each in alarm["Dimensions"]} == {name: printed[name] for name in dimensions}
    assert service.items() <= printed.items()


def test_every_alarm_tells_the_topic_if_there_is_one() -> None:
    alarms = resources("AWS::CloudWatch::Alarm")
    assert alarms.keys() == {"HistoryDiffers", "RequestFailed", "LoginFailed"}
    told = {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]}
    assert all(alarm["AlarmActions"] == told for alarm in alarms.values())


def test_only_a_history_that_disagrees_is_critical() -> None:
    critical = {path.name for path in ROOT.glob("functions/*/*.py") if ".critical(" in path.read_text()}
    assert critical == {"flush.py", "reconcile_balance.py"}, "only a history that disagrees wakes somebody up"


def test_the_architecture_is_chosen_once_for_all_functions() -> None:
    assert GLOBALS["Architectures"] == [{"Ref": "Architecture"}]
    assert TEMPLATE["Parameters"]["Architecture"]["Default"] == "arm64"
    assert not any("Architectures" in function for function in FUNCTIONS.values())


def test_the_database_of_a_deployment_is_found_by_boto3_itself() -> None:
    assert GLOBALS["Environment"]["Variables"]["AWS_ENDPOINT_URL_DYNAMODB"] == ""
    assert open_table().client.meta.endpoint_url == f"https://dynamodb.{environment.REGION}.amazonaws.com"


def test_the_access_log_has_no_query_string_and_no_header() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    logged = set(re.findall(r"\$context\.([\w.]+)", api["AccessLogSettings"]["Format"]))
    assert logged == {
        *("requestId", "requestTime", "identity.sourceIp", "httpMethod", "path", "routeKey"),
        *("status", "responseLatency", "integrationLatency", "integration.status"),
    }


def test_no_function_logs_the_events_it_gets() -> None:
    assert "POWERTOOLS_LOGGER_LOG_EVENT" not in GLOBALS["Environment"]["Variables"]
    assert not any("Environment" in function for function in FUNCTIONS.values())


def test_callers_need_no_stage_in_their_paths_and_cannot_flood_us() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    assert api["StageName"] == "$default"
    assert api["DefaultRouteSettings"].keys() == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}


def test_where_passwords_can_be_guessed_the_limits_are_their_own() -> None:
    (api,) = resources("AWS::Serverless::HttpApi").values()
    limits = {"ThrottlingRateLimit": {"Ref": "OzekiRateLimit"}, "ThrottlingBurstLimit": {"Ref": "OzekiBurstLimit"}}
    mine = [route for route in routes(FUNCTIONS) if route.function == "OzekiApi"]
    assert api["RouteSettings"] == {f"{route.method} {route.path}": limits for route in mine}


def test_functions_are_set_aside_for_ozeki_only_if_a_deployment_says_so() -> None:
    """An account that is new has 10 in all, and may set none aside."""
    reserved = {"Fn::If": ["HasOzekiConcurrency", {"Ref": "OzekiConcurrency"}, {"Ref": "AWS::NoValue"}]}
    assert FUNCTIONS["OzekiApi"]["ReservedConcurrentExecutions"] == reserved
    assert TEMPLATE["Parameters"]["OzekiConcurrency"]["Default"] == 0
    assert TEMPLATE["Conditions"]["HasOzekiConcurrency"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "OzekiConcurrency"}, 0]}]
    }


def test_what_says_when_it_ends_is_deleted_then() -> None:
    ends = RESOURCES["LedgerTable"]["Properties"]["TimeToLiveSpecification"]
    assert ends == {"AttributeName": "ttl", "Enabled": True}


def test_the_ledger_survives_mistakes() -> None:
    table = RESOURCES["LedgerTable"]
    assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}


def test_the_top_level_holds_the_product_and_nothing_else() -> None:
    left_behind = [
        pattern.rstrip("/")
        for pattern in (ROOT / ".gitignore").read_text().splitlines()
        if pattern and not pattern.startswith("#")
    ]
    found = {
        path.name
        for path in ROOT.iterdir()
        if not path.name.startswith(".") and not any(fnmatch(path.name, pattern) for pattern in left_behind)
    }
    assert found == TOP_LEVEL
