"""What the kernel is made of: 64 bytes at once, as the bits of one number; a bit a byte, in order.

Each of these is one instruction of the machine or a few; LLVM writes those that it has. A place is
an address in memory: who calls sees to it that what is read there is there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import int64, types, uint8, uint64
from numba.extending import intrinsic

WIDTH = 64
BYTE, WORD, LONG, BIT = (ir.IntType(bits) for bits in (8, 64, 128, 1))
BLOCK, FLAGS = ir.VectorType(BYTE, WIDTH), ir.VectorType(BIT, WIDTH)
NO = ir.Constant(BIT, 0)
COMPRESS = f"llvm.experimental.vector.compress.v{WIDTH}i8"
CASE = 0x20

Builder = Any
Value = Any


def _instruction(result: Any, *kinds: Any) -> Callable[[Callable[..., Value]], Any]:
    """Make what a function writes callable from compiled code, with the rest of its arguments."""

    def made(write: Callable[..., Value]) -> Any:
        def codegen(_context: Any, builder: Builder, _signature: Any, arguments: Any) -> Value:
            return write(builder, *arguments)

        def typed(_context: Any, *_arguments: Any) -> Any:
            return result(*kinds), codegen

        typed.__name__, typed.__doc__ = write.__name__, write.__doc__
        typed.__signature__ = inspect.signature(write)  # type: ignore[attr-defined]
        return intrinsic(typed)

    return made


def _at(builder: Builder, place: Value, kind: ir.Type) -> Value:
    return builder.inttoptr(place, kind.as_pointer())


def _block(builder: Builder, place: Value) -> Value:
    return builder.load(_at(builder, place, BLOCK), align=1)


def _every(byte: int) -> ir.Constant:
    return ir.Constant(BLOCK, [byte] * WIDTH)


def _is(builder: Builder, block: Value, byte: int) -> Value:
    return builder.icmp_unsigned("==", block, _every(byte))


def _from(builder: Builder, block: Value, first: str, count: int) -> Value:
    return builder.icmp_unsigned("<", builder.sub(block, _every(ord(first))), _every(count))


@_instruction(uint64, int64)
def words(builder: Builder, place: Value) -> Value:
    """Tell which bytes belong to words: ASCII letters, digits, ``_``, and all from 0x80 on."""
    block = _block(builder, place)
    letters = _from(builder, builder.or_(block, _every(CASE)), "a", 26)
    digits = _from(builder, block, "0", 10)
    beyond = builder.icmp_signed("<", block, _every(0))
    plain = builder.or_(letters, digits)
    other = builder.or_(beyond, _is(builder, block, ord("_")))
    return builder.bitcast(builder.or_(plain, other), WORD)


@_instruction(uint64, int64)
def digits(builder: Builder, place: Value) -> Value:
    """Tell which bytes are digits."""
    return builder.bitcast(_from(builder, _block(builder, place), "0", 10), WORD)


@_instruction(uint64, int64)
def feeds(builder: Builder, place: Value) -> Value:
    """Tell which bytes are line feeds."""
    return builder.bitcast(_is(builder, _block(builder, place), ord("\n")), WORD)


@_instruction(uint64, int64)
def errors(builder: Builder, place: Value) -> Value:
    """Tell where ``error`` begins, in any ASCII case; reads four bytes more."""
    found = ir.Constant(FLAGS, [1] * WIDTH)
    for number, letter in enumerate(b"error"):
        block = _block(builder, builder.add(place, ir.Constant(WORD, number)))
        folded = builder.or_(block, _every(CASE))
        found = builder.and_(found, _is(builder, folded, letter))
    return builder.bitcast(found, WORD)


@_instruction(types.void, int64, int64, uint64, uint64)
def gather(builder: Builder, place: Value, target: Value, kept: Value, zeros: Value) -> Value:
    """Write the bytes that are kept side by side, ``0`` for those of ``zeros``; 64 in any case."""
    bitten = builder.bitcast(zeros, FLAGS)
    block = builder.select(bitten, _every(ord("0")), _block(builder, place))
    kind = ir.FunctionType(BLOCK, [BLOCK, FLAGS, BLOCK])
    compress = builder.module.globals.get(COMPRESS) or ir.Function(builder.module, kind, COMPRESS)
    rest = ir.Constant(BLOCK, ir.Undefined)
    packed = builder.call(compress, [block, builder.bitcast(kept, FLAGS), rest])
    builder.store(packed, _at(builder, target, BLOCK), align=1)


@_instruction(uint64, int64)
def load(builder: Builder, place: Value) -> Value:
    """Load eight bytes as one number."""
    return builder.load(_at(builder, place, WORD), align=1)


@_instruction(uint8, int64)
def byte(builder: Builder, place: Value) -> Value:
    """Load one byte."""
    return builder.load(_at(builder, place, BYTE))


@_instruction(types.void, int64, uint64)
def store(builder: Builder, place: Value, number: Value) -> Value:
    """Store eight bytes."""
    builder.store(number, _at(builder, place, WORD), align=1)


@_instruction(types.void, int64, uint8)
def store_byte(builder: Builder, place: Value, number: Value) -> Value:
    """Store one byte."""
    builder.store(number, _at(builder, place, BYTE))


@_instruction(int64, uint64)
def count(builder: Builder, bits: Value) -> Value:
    """Return how many bits are set."""
    return builder.ctpop(bits)


@_instruction(int64, uint64)
def before_first(builder: Builder, bits: Value) -> Value:
    """Return how many bits are below the lowest that is set; 64 if none is."""
    return builder.cttz(bits, NO)


@_instruction(int64, uint64)
def after_last(builder: Builder, bits: Value) -> Value:
    """Return how many bits are above the highest that is set; 64 if none is."""
    return builder.ctlz(bits, NO)


@_instruction(uint64, uint64, uint64)
def folded(builder: Builder, one: Value, other: Value) -> Value:
    """Multiply to 128 bits, and fold these in two: each bit depends on all."""
    product = builder.mul(builder.zext(one, LONG), builder.zext(other, LONG))
    upper = builder.trunc(builder.lshr(product, ir.Constant(LONG, 64)), WORD)
    return builder.xor(upper, builder.trunc(product, WORD))
