"""Makes the extension module's calls known to XLA."""

from __future__ import annotations

import re
from pathlib import Path

import jax

from bpqp import _core


def register(names: dict[str, str]) -> None:
    """Of the calls, by the names that programs know them by."""
    if not hasattr(_core, "xla_handlers"):
        raise ImportError(
            "bpqp.jax: this bpqp was built without it, since jaxlib was not there. Build it again with "
            "-C cmake.define.BPQP_JAX=ON, which says what is missing"
        )
    installed = interface_of(jax.ffi.include_dir())
    if installed is not None and installed < _core.XLA_INTERFACE:
        # jaxlib itself would refuse to start on the CPU, for everything else too.
        raise ImportError(
            f"bpqp.jax: this bpqp was built for version {_core.XLA_INTERFACE} of XLA's interface, jaxlib has "
            f"{installed}. Update jaxlib, or build bpqp with the jaxlib that is installed "
            "(pip install --no-build-isolation --no-binary bpqp bpqp)"
        )
    handlers = _core.xla_handlers()
    for name, call in names.items():
        for platform, handler in handlers[call].items():
            jax.ffi.register_ffi_target(name, handler, platform=platform)


def interface_of(headers: str) -> tuple[int, int] | None:
    """The version of the interface that a jaxlib has, from its headers; None if they do not tell."""
    try:
        text = (Path(headers) / "xla/ffi/api/c_api.h").read_text()
    except OSError:
        return None
    found = [re.search(rf"#define XLA_FFI_API_{part} (\d+)", text) for part in ("MAJOR", "MINOR")]
    major, minor = (None if match is None else int(match[1]) for match in found)
    return None if major is None or minor is None else (major, minor)
