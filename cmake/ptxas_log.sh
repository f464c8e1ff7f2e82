#!/bin/sh
# Runs a compiler and keeps what it says (registers and spills, of ptxas) beside the object, as
# <object>.ptxas: tests/house/ptxas.cmake reads it.
object=
previous=
for argument; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done
[ -n "$object" ] || exec "$@"
"$@" > "$object.ptxas" 2>&1
code=$?
grep -v -e '^ptxas info' -e 'bytes stack frame' "$object.ptxas" >&2
exit $code
