"""Compiled modules, kept in memory and on disk so that a module is validated and compiled once per device."""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import wasmtime

from edgebounty.programs.errors import ProgramRejected
from edgebounty.programs.validator import ProgramLimits, validate
from edgebounty.protocol.layout import Layout

IN_MEMORY = 32  # modules


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModule:
    layout: Layout
    module: wasmtime.Module


class CompileCache:
    """Gives compiled modules by their bytes. Only modules that pass the validator get in.

    A file of the folder holds native code, which is run as it is: the folder is made for its owner alone (mode 0700),
    the name binds the file to the module, the wasmtime version and the processor, and a checksum finds damage.
    """

    def __init__(self, *, engine: wasmtime.Engine, folder: Path | None, variant: str, limits: ProgramLimits) -> None:
        self._engine = engine
        self._folder = folder
        self._limits = limits
        self._suffix = f"{importlib.metadata.version('wasmtime')}-{platform.machine()}-{variant}.cwasm"
        self._loaded: OrderedDict[bytes, LoadedModule] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, module: bytes) -> LoadedModule:
        """Raises `ProgramRejected`."""
        digest = hashlib.sha256(module).digest()
        with self._lock:
            found = self._loaded.get(digest)
            if found is not None:
                self._loaded.move_to_end(digest)
                return found
            layout = validate(module, self._limits)
            loaded = LoadedModule(layout=layout, module=self._compiled(module, digest))
            self._loaded[digest] = loaded
            if len(self._loaded) > IN_MEMORY:
                self._loaded.popitem(last=False)
            return loaded

    def _compiled(self, module: bytes, digest: bytes) -> wasmtime.Module:
        path = self._folder / f"{digest.hex()}-{self._suffix}" if self._folder is not None else None
        if path is not None:
            with contextlib.suppress(OSError, wasmtime.WasmtimeError, ValueError):
                return wasmtime.Module.deserialize(self._engine, _read_checked(path))
        try:
            compiled = wasmtime.Module(self._engine, module)
        except wasmtime.WasmtimeError as error:
            raise ProgramRejected("malformed", str(error).splitlines()[-1].strip()) from error
        if path is not None:
            with contextlib.suppress(OSError):  # a full or read-only disk only costs time
                _write_checked(path, bytes(compiled.serialize()))
        return compiled


def _read_checked(path: Path) -> bytes:
    status = path.stat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise ValueError(f"{path} may have been written by somebody else")
    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        raise ValueError(f"{path} is damaged")
    return content[32:]


def _write_checked(path: Path, code: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(code).digest() + code)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
