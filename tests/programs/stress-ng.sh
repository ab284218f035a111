#!/bin/sh
# SPDX-License-Identifier: MIT
# usage: stress-ng.sh SECONDS STRESSOR...
# One stressor of stress-ng after the other, each so long, with its own checks on (--verify), and
# what the kernel says meanwhile. A STRESSOR may carry options: "vm --vm-bytes 32m".
. /tests/tap.sh
seconds=$1
shift
cd /tmp || exit 1

# What the machine looks like when a stressor does not end.
show_hang() {
	ps -o pid,ppid,stat,vsz,args
	free
}

stress() {
	limit=$((seconds * 4 + 45))
	# shellcheck disable=SC2086
	timeout -s KILL $limit stress-ng --$1 -t "$seconds" --verify --oomable --no-rand-seed &
	worker=$!
	(sleep $((limit - 10)) && show_hang) &
	watch=$!
	wait $worker
	status=$?
	kill -KILL -- $watch 2>/dev/null
	return $status
}

dmesg -c >/tmp/.boot
nr_workers=$(nproc)
for options; do
	name=${options%% *}
	rest=${options#"$name"}
	stress "$name $nr_workers$rest" >/tmp/.out 2>&1
	status=$?
	dmesg -c >>/tmp/.out
	trouble=$(grep -E 'stress-ng: (fail|error)|skipp(ed|ing)|BUG|WARNING|Oops|leak' /tmp/.out)
	is "$name" "$status $trouble" "0 "
	if [ "$status $trouble" != "0 " ]; then
		tail -n 40 /tmp/.out | sed 's/^/# /'
	fi
	rm -rf /tmp/* /tmp/.out
done
# Everything that the stressors took has come back: what is used now was so before.
free_now=$(awk '/MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
free_then=$(awk '/MemFree/ { print int($2 / 1024) }' /tests/.before)
ok "memory comes back: $free_then MiB before, $free_now MiB now" test "$free_now" -ge $((free_then - 24))
is "no process is left" "$(pidof stress-ng)" ""
done_testing
