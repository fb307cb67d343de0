"""template.yaml as the tests and the local gateway read it."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent


class _CloudFormation(yaml.SafeLoader):
    """Reads `!Ref X` as {"Ref": "X"} and `!Sub X` as {"Fn::Sub": "X"}.

    cfn-lint's decoder does it too, but takes seven seconds to import.
    """


def _function(loader: yaml.SafeLoader, name: str, node: yaml.Node) -> dict[str, Any]:
    match node:
        case yaml.ScalarNode():
            argument: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            argument = loader.construct_sequence(node, deep=True)
        case yaml.MappingNode():
            argument = loader.construct_mapping(node, deep=True)
    if name == "GetAtt" and isinstance(argument, str):
        argument = argument.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": argument}


_CloudFormation.add_multi_constructor("!", _function)

TEMPLATE: dict[str, Any] = yaml.load((ROOT / "template.yaml").read_text(), _CloudFormation)  # noqa: S506 (a SafeLoader)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]
GLOBALS: dict[str, Any] = TEMPLATE["Globals"]["Function"]


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Return the Properties of every resource of one type, by logical id."""
    return {name: resource["Properties"] for name, resource in RESOURCES.items() if resource["Type"] == kind}


FUNCTIONS = resources("AWS::Serverless::Function")
