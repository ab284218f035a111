#!/bin/sh
# SPDX-License-Identifier: MIT
# Unmodified dynamic programs of Debian do what they are for.
. /tests/tap.sh
cd /tmp || exit 1
dmesg -c >/dev/null

is "ls" "$(/bin/ls -d /usr/lib/python3.11)" "/usr/lib/python3.11"
like "the loader lists a program's libraries" \
	"$(/lib64/ld-linux-x86-64.so.2 --list /usr/bin/sqlite3)" 'libsqlite3.so.0 => .*\(0x[0-9a-f]+\)'
like "a program sees its maps" "$(/bin/cat /proc/self/maps)" 'r-xp .*/bin/busybox'

# --- python3 ---
is "python3 prints" "$(python3 -c 'print(6 * 7)')" "42"
is "python3 runs a script" "$(python3 /tests/script.py 2>&1)" "$(cat /tests/script.expected)"

# --- sqlite3, through read and write and through a mapping of the file ---
sum='SELECT count(*), sum(k), max(length(v)) FROM t;'
fill="CREATE TABLE t(k INTEGER PRIMARY KEY, v TEXT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
	INSERT INTO t SELECT i, hex(randomblob(i % 200)) FROM n;"
sqlite3 a.db "$fill"
is "sqlite3 keeps a table" "$(sqlite3 a.db "$sum")" "5000|12502500|398"
is "sqlite3 reads it through mmap" \
	"$(sqlite3 a.db 'PRAGMA mmap_size=33554432;' "$sum" 'PRAGMA integrity_check;' | xargs)" \
	"33554432 5000|12502500|398 ok"
is "sqlite3 changes it through mmap, with a write-ahead log in shared memory" \
	"$(sqlite3 a.db 'PRAGMA mmap_size=33554432;' 'PRAGMA journal_mode=WAL;' \
		"UPDATE t SET v = upper(v) || 'x' WHERE k % 3 = 0;" 'DELETE FROM t WHERE k > 4000;' \
		'VACUUM;' "$sum" 'PRAGMA integrity_check;' | xargs)" \
	"33554432 wal 4000|8002000|399 ok"

# --- memtester ---
memtester 8M 1 >/tmp/memtester 2>&1
is "memtester finds no fault" "$? $(grep -c FAILURE /tmp/memtester)" "0 0"
is "memtester locks its memory" "$(grep -c 'trying mlock ...locked' /tmp/memtester)" "1"

# --- gcc ---
cat >sum.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int argc, char **argv)
{
	long sum = 0;
	char *copy = strdup(argc > 1 ? argv[1] : "0");

	for (long i = 0; i <= atol(copy); i++)
		sum += i;
	printf("%ld\n", sum);
	free(copy);
	return 0;
}
END
ok "gcc compiles, assembles and links" gcc -O2 -Wall -o sum sum.c
is "and what it made runs" "$(./sum 1000)" "500500"
gcc -c -o /dev/null -x c - </dev/null
is "gcc reads standard input" "$?" "0"
echo 'int main(void) { return x; }' >bad.c
like "gcc finds an error" "$(gcc bad.c 2>&1)" "error: 'x' undeclared|error: .x. undeclared"

is "the kernel has nothing to complain about" "$(dmesg | grep -E 'BUG|WARNING|Oops|segfault')" ""
done_testing
