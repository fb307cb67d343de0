"""Goals, beside what was measured."""

import operator
from dataclasses import dataclass

_COMPARE = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to reach; whether a run on some busy machine reaches it proves nothing."""

    what: str
    relation: str
    limit: float
    measured: float

    @property
    def met(self) -> bool:
        """Say whether this run reached it."""
        return bool(_COMPARE[self.relation](self.measured, self.limit))


def show(*goals: Goal) -> None:
    """Print goals as a table."""
    print()
    for goal in goals:
        print(
            f"  {goal.what:40} {goal.measured:6.2f}   goal {goal.relation} {goal.limit:<5}"
            f" {'reached' if goal.met else 'NOT reached'}"
        )
    print()
