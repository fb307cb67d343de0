"""The ledger's table, created from template.yaml so that the tests and the deployed table cannot drift apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.template import RESOURCES

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient


def create_table(client: DynamoDBClient, name: str) -> None:
    table = RESOURCES["LedgerTable"]["Properties"]
    client.create_table(
        TableName=name, **{key: table[key] for key in ("KeySchema", "AttributeDefinitions", "BillingMode")}
    )
