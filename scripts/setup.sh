#!/usr/bin/env bash
# Installs what building and testing bpqp needs on Debian 12 (or a descendant of it). What is there
# already is left alone; with everything there, neither root nor a network is needed.
set -euo pipefail

packages=(
  g++ cmake ninja-build git ca-certificates
  libeigen3-dev       # dense algebra
  libxsimd-dev        # SIMD registers
  libtbb-dev          # threads
  nlohmann-json3-dev  # problem files
  zlib1g-dev          # compressed problem files
  libcli11-dev        # the command's options
  libgtest-dev        # tests
  libbenchmark-dev    # benchmarks
  python3-venv        # the Python package, in an environment of its own
  python3-dev         # its extension module
  ccache              # the library is compiled once for all of the above
)

say() { printf 'setup: %s\n' "$*"; }

# Systems without Debian's package manager: name what is needed, and go on if the tools are there
# (CMake then says which library is missing).
without_apt() {
  local tool missing=()
  for tool in cmake ninja c++; do
    command -v "$tool" > /dev/null || missing+=("$tool")
  done
  say "this is not a Debian system (no apt-get), so nothing is installed."
  say "needed: a C++20 compiler (g++ >= 12 or clang >= 15), CMake >= 3.25, Ninja, Eigen >= 3.4, xsimd >= 8.1,"
  say "  oneTBB, nlohmann-json >= 3.10, zlib, CLI11 >= 2.1, GoogleTest >= 1.12, Google Benchmark >= 1.7."
  if ((${#missing[@]})); then
    say "not found: ${missing[*]}" >&2
    exit 1
  fi
}

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null | grep -q '^.i' ||
      echo "$package"
  done
}

if ! command -v apt-get > /dev/null; then
  without_apt
  exit 0
fi

mapfile -t missing < <(missing_packages)
if ((${#missing[@]} == 0)); then
  say "everything is there"
  exit 0
fi

as_root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo > /dev/null || {
    say "as root, or with sudo installed, run: apt-get install ${missing[*]}" >&2
    exit 1
  }
  as_root=(sudo)
fi

say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 -qq)
"${apt[@]}" update
"${apt[@]}" install --yes --no-install-recommends "${missing[@]}" < /dev/null > /dev/null
say "done"
