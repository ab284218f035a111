# SPDX-License-Identifier: MIT
"""What a script asks of memory: files in mappings, processes, threads, garbage, and clocks."""
import json
import mmap
import os
import re
import signal
import sys
import threading
import time

# A file through a shared mapping, seen by read, by a child and after msync.
with open("/tmp/mapped", "w+b") as file:
    file.write(bytes(3 * mmap.PAGESIZE))
    file.flush()
    with mmap.mmap(file.fileno(), 0) as shared:
        shared[5000:5005] = b"hello"
        shared.flush()
        pid = os.fork()
        if pid == 0:
            shared[0:5] = shared[5000:5005].upper()
            os._exit(7)
        print("child", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shared[0:5])
        shared.resize(64 * mmap.PAGESIZE)
        print("size", os.fstat(file.fileno()).st_size // mmap.PAGESIZE)
    file.seek(5000)
    print("file", file.read(5))

# Anonymous memory, private to a child.
block = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
block[:4] = b"mine"
pid = os.fork()
if pid == 0:
    block[:4] = b"ours"
    os._exit(0)
os.waitpid(pid, 0)
print("private", block[:4])
block.madvise(mmap.MADV_DONTNEED)
print("dropped", block[:4])

# Garbage of several threads.
totals = []


def work(seed):
    items = {}
    for i in range(3000):
        items[i % 97] = [seed, i, str(i) * 5]
    totals.append(sum(len(item[2]) for item in items.values()))


threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("threads", len(totals), len(set(totals)))

# Pipes to another interpreter.
reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.dup2(writing, 1)
    os.execv(sys.executable, [sys.executable, "-c", "import json; print(json.dumps({'a': [1]}))"])
os.close(writing)
with os.fdopen(reading) as stream:
    print("json", json.load(stream))
print("exit", os.waitpid(pid, 0)[1])

# A signal, a clock that does not go back, and one's own maps.
seen = []
signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
signal.setitimer(signal.ITIMER_REAL, 0.05)
times = []
end = time.monotonic() + 0.2
while time.monotonic() < end:
    times.append(time.monotonic())
print("clock", times == sorted(times), seen)
with open("/proc/self/maps", encoding="ascii") as maps:
    text = maps.read()
print("maps", all(re.search(name, text) for name in ("python3", "libc.so.6", "heap", "stack")))
