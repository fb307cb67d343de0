"""The environment that handlers see here, closed off from any AWS account this machine may know."""

import os

from tests.template import GLOBALS

TABLE_NAME = "prepaid-test"
REGION = "eu-central-1"


def close(table_name: str = TABLE_NAME, dynamodb_endpoint: str | None = None) -> None:
    """Set what template.yaml sets, with credentials that open nothing. Before any project module is imported."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_"))]:
        del os.environ[name]
    variables = GLOBALS["Environment"]["Variables"]
    os.environ.update({name: value for name, value in variables.items() if isinstance(value, str)})
    os.environ.update(
        TABLE_NAME=table_name,
        AWS_REGION=REGION,
        AWS_DEFAULT_REGION=REGION,
        AWS_ACCESS_KEY_ID="local",
        AWS_SECRET_ACCESS_KEY="local",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    if dynamodb_endpoint:
        os.environ["AWS_ENDPOINT_URL_DYNAMODB"] = dynamodb_endpoint
