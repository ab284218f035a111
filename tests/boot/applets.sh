# SPDX-License-Identifier: MIT
# applets.sh - unmodified busybox programs do their work and understand /proc.
. /tests/tap.sh

like "free shows memory" "$(free -m)" '^Mem: +[0-9]+ +[0-9]+ +[0-9]+'
like "ps shows this shell" "$(ps)" "^ *$$ .*applets"
like "ps shows the first program" "$(ps)" '^ *1 root .*init'
like "top runs once" "$(top -b -n 1 2>&1 | head -n 6)" '^Mem: [0-9]+K used'
like "uptime" "$(uptime)" 'up .* load average: [0-9.]+'
like "mount lists the file systems" "$(mount)" '^proc on /proc type proc'
like "df knows tmpfs" "$(df /tmp)" 'tmpfs.* /tmp$'
like "dmesg" "$(cat /dev/null; dmesg; echo end)" 'end'
like "uname" "$(uname -r)" '^6\.12\.0-quire$'
is "hostname" "$(hostname)" quire
is "id" "$(id -un)" root
is "nproc counts the CPUs" "$(nproc)" "$(grep -c '^processor' /proc/cpuinfo)"
like "date" "$(date +%Y)" '^20[2-9][0-9]$'
ok "kill -0 of oneself" kill -0 $$

# Files
mkdir -p /tmp/tree/a/b && echo one >/tmp/tree/a/1 && echo two >/tmp/tree/a/b/2
is "find" "$(cd /tmp/tree && find . -type f | sort | tr '\n' ' ')" "./a/1 ./a/b/2 "
ok "tar packs" tar -C /tmp -czf /tmp/tree.tgz tree
rm -rf /tmp/tree
ok "and unpacks" tar -C /tmp -xzf /tmp/tree.tgz
is "what was in it" "$(cat /tmp/tree/a/b/2)" two
ok "cp -a" cp -a /tmp/tree /tmp/copy
ok "diff -r finds no difference" diff -r /tmp/tree /tmp/copy
ok "mv" mv /tmp/copy /tmp/moved
is "du" "$(du -s /tmp/moved | cut -f2)" /tmp/moved
dd if=/dev/urandom of=/tmp/random bs=64k count=16 2>/dev/null
gzip -c /tmp/random >/tmp/random.gz
is "gzip and gunzip give the same bytes" "$(gunzip -c /tmp/random.gz | md5sum)" "$(md5sum </tmp/random)"
is "dd knows the size" "$(stat -c %s /tmp/random)" 1048576
ok "mkfifo" mkfifo /tmp/fifo
echo through >/tmp/fifo &
is "a named pipe" "$(cat /tmp/fifo)" through
wait

# Text
is "sort -n | uniq -c" "$(printf '3\n1\n3\n' | sort -n | uniq -c | tr -s ' \n' ' ')" " 1 1 2 3 "
is "awk adds up" "$(seq 1 1000 | awk '{ s += $1 } END { print s }')" 500500
is "sed" "$(echo hello | sed 's/l*o/p/')" hep
is "grep -c" "$(seq 1 100 | grep -c 7)" 19
is "a long pipeline" "$(seq 1 20000 | sort -r | sort -n | tail -n 1)" 20000
is "xargs" "$(seq 1 50 | xargs -n 10 echo | wc -l)" 5
is "wc" "$(seq 1 9999 | wc -c)" 48888

# The shell
is "command substitution in depth" "$(echo $(echo $(echo deep)))" deep
is "a subshell keeps its variables" "$(x=1; (x=2); echo $x)" 1
is "a here-document" "$(cat <<END
line
END
)" line
sleep 1 &
ok "wait for a background job" wait $!
is "exit status of a signal" "$(sh -c 'kill -TERM $$'; echo $?)" 143
is "a time limit" "$(timeout 1 sleep 30; echo $?)" 143
is "time tells" "$(time -p true 2>&1 | grep -c real)" 1
is "yes ends when its reader does" "$(yes | head -n 3 | tr -d '\n')" yyy

ok "a new mount" mount -t tmpfs -o size=1m none /mnt
like "is seen" "$(mount)" 'none on /mnt type tmpfs'
like "its size is kept" "$(dd if=/dev/zero of=/mnt/big bs=64k count=32 2>&1)" 'No space left'
ok "and goes" umount /mnt
done_testing
