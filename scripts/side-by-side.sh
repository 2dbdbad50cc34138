#!/bin/sh
# Runs commands side by side and prints what each of them said, whole and one after the other: side-by-side.sh 'oxfmt --check' knip
# Exits with 1 where one of them is not content.
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
number=10
for command in "$@"; do
  number=$((number + 1))
  (sh -c "$command" >"$said/$number" 2>&1 || : >"$said/failed") &
done
wait
cat "$said"/[0-9]*
test ! -e "$said/failed"
