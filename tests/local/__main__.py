"""Serve the whole product on this machine: `uv run python -m tests.local`."""

import argparse
import sys
from operator import call

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests import environment, iam
from tests.local.routes import routes
from tests.local.server import serve
from tests.store import create_table
from tests.template import FUNCTIONS, ROOT

TABLE_NAME = "prepaid-local"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.local", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="port on this machine (3000); 0 takes any free one")
    parser.add_argument(
        "--dynamodb-endpoint", metavar="URL", help="a real engine, whose data is kept; without it, memory"
    )
    parser.add_argument("--sam-headers", action="store_true", help="name headers in events as `sam local` does")
    arguments = parser.parse_args()

    environment.close(TABLE_NAME, arguments.dynamodb_endpoint)
    iam.enforce()
    sys.path.insert(0, str(ROOT / "functions"))
    if arguments.dynamodb_endpoint is None:
        from moto import mock_aws

        mock_aws().start()
    try:
        _prepare_table()
    except (BotoCoreError, ClientError, ValueError) as error:
        sys.exit(f"No DynamoDB to use at {arguments.dynamodb_endpoint}: {error}")

    # Only now: project modules read the environment and make their client when they are imported.
    from ledger.table import open_table
    from tests.local import demo
    from tests.local.gateway import Gateway

    if arguments.dynamodb_endpoint is None:  # moto's memory is not made for threads
        object.__setattr__(open_table(), "aside", call)
    server = serve(Gateway(routes(FUNCTIONS), sam_headers=arguments.sam_headers), arguments.port)
    demo.seed(open_table())
    print(demo.banner(f"http://127.0.0.1:{server.port}"), flush=True)
    server.serve_forever()


def _prepare_table() -> None:
    """Create the table unless an earlier run left it, and show at once when no engine answers."""
    impatient = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
    client = boto3.client("dynamodb", config=impatient)
    try:
        create_table(client, TABLE_NAME)
    except client.exceptions.ResourceInUseException:
        return
    client.get_waiter("table_exists").wait(TableName=TABLE_NAME, WaiterConfig={"Delay": 1})


if __name__ == "__main__":
    main()
