"""The kernel's machine code: made by numba once, kept on disk, loaded without numba.

Loading numba takes longer than looking through a hundred megabytes. What it compiled needs nothing
of it, so that is kept as an object file, for this kernel on this kind of processor.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import msgspec

Function = Callable[..., int]
KERNEL = Path(__file__).with_name("kernel")
SIZE = 20
"""bytes of a digest"""


class Code(msgspec.Struct, frozen=True):
    """One function's object file."""

    symbol: str
    arguments: int
    """how many; each is a whole number or an address"""
    content: bytes


def address(array: Any) -> int:
    """Return where a numpy array's content is; it must be held for as long as that is used."""
    place: int = array.ctypes.data
    return place


class Kernel:
    """The kernel's functions by name: they take whole numbers and addresses.

    They run without the interpreter's lock.
    """

    def __init__(self, machine: llvm.TargetMachine, codes: dict[str, Code]) -> None:
        # The functions lie in the engine's memory.
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
        for code in codes.values():
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code.content))
        self._engine.finalize_object()
        self._functions = {name: self._function(code) for name, code in codes.items()}

    def _function(self, code: Code) -> Function:
        kinds = [ctypes.c_int64] * (1 + code.arguments)
        return ctypes.CFUNCTYPE(*kinds)(self._engine.get_function_address(code.symbol))

    def __getitem__(self, name: str) -> Function:
        return self._functions[name]


@cache
def kernel() -> Kernel:
    """Load the kernel.

    Compiles it, which takes some seconds, where no kept code is found; where none can be kept it is
    compiled in each process.
    """
    machine = _machine()
    name = f"kernel-{_digest(*_circumstances(machine)).hex()}.obj"
    codes = next(filter(None, (_kept(folder / name) for folder in _folders())), None)
    if codes is None:
        codes = _compiled(machine)
        _keep(name, codes)
    return Kernel(machine, codes)


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"\0".join(parts), digest_size=SIZE).digest()


def _machine() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=3,
        jit=True,
    )


def _circumstances(machine: llvm.TargetMachine) -> Iterator[bytes]:
    """Give all that the code depends on."""
    yield llvmlite.__version__.encode()
    yield machine.triple.encode()
    yield llvm.get_host_cpu_name().encode()
    yield llvm.get_host_cpu_features().flatten().encode()
    for path in sorted(KERNEL.glob("*.py")):
        yield path.read_bytes()


def _folders() -> Iterator[Path]:
    """Give where code may be kept: where numba is told to keep its own, beside us, at home."""
    told = os.environ.get("NUMBA_CACHE_DIR")
    if told:
        yield Path(told)
        return
    yield KERNEL / "__pycache__"
    with suppress(RuntimeError):  # There is no home.
        yield Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bongsu"


def _kept(path: Path) -> dict[str, Code] | None:
    try:
        content = path.read_bytes()
    except OSError:
        return None
    if _digest(content[SIZE:]) != content[:SIZE]:
        return None
    return msgspec.msgpack.decode(content[SIZE:], type=dict[str, Code])


def _keep(name: str, codes: dict[str, Code]) -> None:
    content = msgspec.msgpack.encode(codes)
    for folder in _folders():
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(_digest(content) + content)
            Path(file.name).chmod(0o644)  # As Python's own: whoever may run us may read it.
            Path(file.name).replace(folder / name)
            return


def _compiled(machine: llvm.TargetMachine) -> dict[str, Code]:
    from bongsu.logs.kernel.entries import SIGNATURES, entries  # noqa: PLC0415  it loads numba

    arguments = {function.__name__: len(kinds) for function, kinds in SIGNATURES.items()}
    return {
        name: Code(made.native_name, arguments[name], _object(machine, made))
        for name, made in entries().items()
    }


def _object(machine: llvm.TargetMachine, made: Any) -> bytes:
    """Return the object file of a compiled function, which needs nothing from elsewhere."""
    module = llvm.parse_assembly(made.inspect_llvm())
    for function in module.functions:
        if not function.is_declaration and function.name != made.native_name:
            function.linkage = llvm.Linkage.internal
    # Once all is in one, it turns out that nothing can fail: that takes numba's own calls out.
    builder = llvm.create_pass_builder(machine, llvm.create_pipeline_tuning_options(3))
    builder.getModulePassManager().run(module, builder)
    foreign = [f.name for f in module.functions if f.is_declaration and f.name[:5] != "llvm."]
    if foreign:
        raise RuntimeError(f"{made.native_name} calls {', '.join(foreign)}")
    content: bytes = machine.emit_object(module)
    return content
