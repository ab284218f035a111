# SPDX-License-Identifier: MIT
# TAP for shell scripts: . /tests/tap.sh, then is, ok and done_testing.
nr=0
nr_failed=0

# ok TEXT COMMAND...: the command must succeed.
ok() {
	text=$1
	shift
	nr=$((nr + 1))
	if "$@" >/tmp/.ok.out 2>&1; then
		echo "ok $nr - $text"
	else
		echo "not ok $nr - $text"
		nr_failed=$((nr_failed + 1))
		echo "# $*"
		sed 's/^/# /' /tmp/.ok.out
	fi
}

# is TEXT GOT WANTED: two strings must be the same.
is() {
	nr=$((nr + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $nr - $1"
	else
		echo "not ok $nr - $1"
		nr_failed=$((nr_failed + 1))
		echo "# got: $2"
		echo "# wanted: $3"
	fi
}

# like TEXT GOT PATTERN: an extended regular expression must match.
like() {
	nr=$((nr + 1))
	if printf '%s\n' "$2" | grep -q -E "$3"; then
		echo "ok $nr - $1"
	else
		echo "not ok $nr - $1"
		nr_failed=$((nr_failed + 1))
		printf '%s\n' "$2" | tail -n 12 | sed 's/^/# got: /'
		echo "# wanted: $3"
	fi
}

done_testing() {
	echo "1..$nr"
	[ $nr_failed -eq 0 ]
	exit
}
