#!/usr/bin/env bash
# Compares the table of rooms in docs/architecture.md with what the crates import. Part of `make lint`, so that the
# table stays true. Tests may import what they like: only [dependencies] count.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# "crate: a b c" per line, sorted, from the table.
documented() {
  awk -F '|' '/^\| `[a-z]+` \|/ {
    name = $2; gsub(/[ `]/, "", name); imports = $4
    gsub(/[`,-]/, " ", imports)
    print name ": " imports
  }' docs/architecture.md | sort_words
}

actual() {
  for manifest in crates/*/Cargo.toml; do
    printf '%s: ' "$(basename "$(dirname "$manifest")")"
    sed -n '/^\[dependencies\]/,/^\[/s/^open-cli-\([a-z]*\).*/\1/p' "$manifest" | tr '\n' ' '
    echo
  done | sort_words
}

sort_words() {
  while IFS=: read -r name words; do
    printf '%s:' "$name"
    # shellcheck disable=SC2046,SC2086 # words are meant to be split
    printf ' %s' $(printf '%s\n' $words | sort)
    echo
  done | sed 's/ *$//' | sort
}

if diff --unified=0 --label docs/architecture.md --label Cargo.toml <(documented) <(actual); then
  echo "architecture.md: the table of rooms is true"
else
  echo "architecture.md: the table of rooms differs from what the crates import" >&2
  exit 1
fi
