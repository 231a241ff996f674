"""Dataclasses of arrays, to which one function is applied field by field."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class Fieldwise:
    """A dataclass of arrays and of other such dataclasses. The leading axes of the arrays are those of the heads."""

    without_heads: ClassVar[tuple[str, ...]] = ()
    """names of fields without the axes of the heads, which no function changes"""

    def fieldwise(self, function: Callable[..., Any], *others: Self) -> Self:
        """function(a, b, ...) for each field: a from this dataclass, b, ... from the others. None and texts stay.

        `sums.fieldwise(lambda x: x.sum(axis=0))` adds up along the first of the leading axes.
        """
        changed = {}
        for field in fields(self):
            first, *rest = (getattr(one, field.name) for one in (self, *others))
            if isinstance(first, Fieldwise):
                changed[field.name] = first.fieldwise(function, *rest)
            elif first is not None and not isinstance(first, str) and field.name not in self.without_heads:
                changed[field.name] = function(first, *rest)
        return replace(self, **changed)
