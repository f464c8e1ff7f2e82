#!/usr/bin/env bash
# Formats all C++ and CUDA files that git knows by .clang-format; with --check only tells which differ.
set -euo pipefail
cd "$(dirname "$0")/.."

clang_format=$(command -v clang-format-14 || command -v clang-format) || {
  echo "format.sh: clang-format was not found; on Debian 12: apt-get install clang-format" >&2
  exit 1
}
case "${1:-}" in
  "") options=(-i) ;;
  --check) options=(--dry-run --Werror) ;;
  *) echo "usage: scripts/format.sh [--check]" >&2; exit 1 ;;
esac
git ls-files -z '*.hpp' '*.cpp' '*.cuh' '*.cu' | xargs -0 -r "$clang_format" "${options[@]}"
