#!/bin/sh
# The checks and the tests side by side: `npm test`. The first tests mostly wait, which leaves the checks a processor. Where the checks are
# not content the tests are called off.
# What Node has compiled once it need not compile for the next process.
export NODE_COMPILE_CACHE="$PWD/.cache/node"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
npm run --silent check >"$said" 2>&1 &
check=$!
vitest run "$@" &
tests=$!
trap 'kill "$check" "$tests" 2>/dev/null' INT TERM
if wait "$check"; then
  cat "$said"
  wait "$tests"
else
  kill "$tests" 2>/dev/null
  wait "$tests"
  cat "$said"
  exit 1
fi
