"""Compiling a model's shapes to closures, once for each shape: what readers and writers of all protocols share.

A closure for a shape costs a dictionary look-up per member when it runs; botocore's own walk costs a method look-up
by name, three dictionary look-ups and a property for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

INT32 = range(-(2**31), 2**31)
INT64 = range(-(2**63), 2**63)


class Plans:
    """Closures by shape. A subclass has a method `compile_<type>` for each type name that `scalars` does not have."""

    scalars: ClassVar[Mapping[str, Callable[..., Any]]] = {}
    """Closures of the types whose traits make no difference."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, str, str], Callable[..., Any]] = {}
        self._pending: set[tuple[str, str, str]] = set()

    def plan(self, shape: Shape) -> Callable[..., Any]:
        """The closure of a shape; shapes may contain themselves."""
        # Member traits (a flattened list, a timestamp format) belong to the reference, not to the shape's name.
        key = (shape.name, shape.type_name, repr(sorted(shape.serialization.items(), key=_first)))
        made = self._plans.get(key)
        if made is not None:
            return made
        if key in self._pending:
            # Late: the plan of this key is made when its own compilation, further up the stack, ends.
            return lambda *args: self._plans[key](*args)  # noqa: PLW0108
        self._pending.add(key)
        try:
            made = self._compile(shape)
        finally:
            self._pending.discard(key)
        self._plans[key] = made
        return made

    def _compile(self, shape: Shape) -> Callable[..., Any]:
        scalar = self.scalars.get(shape.type_name)
        if scalar is not None:
            return scalar
        method = cast("Callable[[Shape], Callable[..., Any]]", getattr(self, f"compile_{shape.type_name}"))
        return method(shape)


def _first(item: tuple[str, Any]) -> str:
    return item[0]


def members_of(shape: Shape) -> dict[str, Shape]:
    """The members of a structure, by name."""
    return cast("StructureShape", shape).members


def unbound_members(shape: Shape) -> dict[str, Shape]:
    """The members of a structure that HTTP bindings leave in the body."""
    return {
        name: member for name, member in members_of(shape).items() if "location" not in member.serialization
    }


def required_of(shape: Shape) -> tuple[str, ...]:
    """The required members of a structure."""
    return tuple(cast("StructureShape", shape).required_members)


def element_of(shape: Shape) -> Shape:
    """The shape of a list's elements."""
    return cast("ListShape", shape).member


def entry_of(shape: Shape) -> tuple[Shape, Shape]:
    """The shapes of a map's keys and values."""
    mapping = cast("MapShape", shape)
    return mapping.key, mapping.value


def is_document(shape: Shape) -> bool:
    """True for a structure that holds any JSON value."""
    return shape.type_name == "structure" and bool(cast("StructureShape", shape).is_document_type)


class UnknownMember(ValueError):  # noqa: N818 - it names what is found
    """A service answered with a member that its model does not have: a defect of the service, not of the request."""

    def __init__(self, shape: Shape, member: object) -> None:
        super().__init__(f"{shape.name} has no member {member!r}")


def is_sparse(shape: Shape) -> bool:
    """True for a list or map whose values may be null."""
    return bool(traits_of(shape).get("sparse"))


def traits_of(shape: Shape) -> dict[str, Any]:
    """The raw description of a shape: the traits that botocore has no accessor for."""
    return cast("dict[str, Any]", vars(shape)["_shape_model"])


def wire_name(shape: Shape, member: str) -> str:
    """`locationName` of a reference, or the member's own name."""
    return cast("str", shape.serialization.get("name", member))


def input_shape(operation: OperationModel) -> StructureShape | None:
    """The input structure of an operation, if it has one."""
    return operation.input_shape


def output_shape(operation: OperationModel) -> StructureShape | None:
    """The output structure of an operation, if it has one."""
    return operation.output_shape
