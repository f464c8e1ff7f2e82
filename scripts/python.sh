#!/usr/bin/env bash
# Installs the Python package into a virtual environment of its own, with what its tests need, and
# runs them and the type checker.
#
#   scripts/python.sh             all of it, in build/venv
#   scripts/python.sh --install   only the environment: build/venv/bin/python has bpqp
set -euo pipefail
cd "$(dirname "$0")/.."

venv=build/venv
case "${1:-}" in
  "" | --install) ;;
  *) echo "usage: scripts/python.sh [--install]" >&2; exit 1 ;;
esac

[[ -x $venv/bin/python ]] || python3 -m venv "$venv"
started=$SECONDS
"$venv/bin/pip" install --quiet --disable-pip-version-check . || {
  echo "python.sh: pip install failed (scripts/setup.sh installs what the build needs)" >&2
  exit 1
}
echo "python: the package installed in $((SECONDS - started)) s"
started=$SECONDS
"$venv/bin/pip" install --quiet --disable-pip-version-check '.[test]'
# What bpqp.qpth is compared with. It says numpy < 2, which would bring old versions of all the others.
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps qpth
echo "python: what the tests need installed in $((SECONDS - started)) s"
[[ ${1:-} == --install ]] && exit 0

"$venv/bin/python" -m mypy
"$venv/bin/python" -m pytest -q
