# SPDX-License-Identifier: MIT
"""Debian's packaged Linux 6.12 for virtual machines: found in build/linux, or fetched by apt."""
import glob
import os
import re
import shutil
import subprocess

DIR = "build/linux"
PACKAGE = r"^linux-image-6\.12\.[0-9]+.*-cloud-amd64$"
_fetched = None


def get():
    """(path of a vmlinuz, "") or (None, why there is none). Asks the network once at most."""
    global _fetched
    if _fetched is None:
        present = sorted(glob.glob(f"{DIR}/vmlinuz-*"), key=_number)
        _fetched = (present[-1], "") if present else _fetch()
    return _fetched


def version_of(vmlinuz):
    """6.12.117 of .../vmlinuz-6.12.117+deb12-cloud-amd64."""
    match = re.search(r"\d+\.\d+\.\d+", os.path.basename(vmlinuz))
    return match[0] if match else "6.12"


def _number(name):
    return [int(digits) for digits in re.findall(r"\d+", name)]


def _packages():
    done = subprocess.run(["apt-cache", "search", "--names-only", PACKAGE], text=True,
                          capture_output=True)
    return sorted((line.split()[0] for line in done.stdout.splitlines()), key=_number)


def _fetch():
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return None, "it is fetched by apt-get, which this system lacks"
    if not _packages() and os.geteuid() == 0:
        subprocess.run(["apt-get", "-qq", "update"], capture_output=True)
    packages = _packages()
    if not packages:
        return None, "apt knows no linux-image-6.12.*-cloud-amd64; try 'apt-get update'"
    shutil.rmtree(DIR, ignore_errors=True)
    os.makedirs(DIR)
    print(f"Fetching {packages[-1]} into {DIR}", flush=True)
    try:
        done = subprocess.run(["apt-get", "-q", "download", packages[-1]], cwd=DIR, text=True,
                              capture_output=True, timeout=600)
    except subprocess.TimeoutExpired:
        return None, "the download took longer than ten minutes"
    archives = glob.glob(f"{DIR}/*.deb")
    if done.returncode or not archives:
        return None, f"offline? apt-get download {packages[-1]} failed"
    return _unpack(archives[0])


def _unpack(archive):
    """Takes the kernel out of the package, by way of a directory that is no finished result."""
    tree = f"{DIR}/unpacked"
    done = subprocess.run(["dpkg-deb", "-x", archive, tree], capture_output=True)
    kernels = glob.glob(f"{tree}/boot/vmlinuz-*")
    result = (None, f"{archive} holds no kernel")
    if not done.returncode and kernels:
        path = f"{DIR}/{os.path.basename(kernels[0])}"
        os.rename(kernels[0], path)
        result = (path, "")
    shutil.rmtree(tree, ignore_errors=True)
    os.remove(archive)
    return result
