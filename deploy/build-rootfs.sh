#!/bin/sh
# build-rootfs.sh ROOT TARGET: make TARGET a root file system that runs ROOT (see build-root.sh) and holds nothing else.
#
# No shell, no package manager, no pip: the interpreter, its library, the shared libraries that they load, certificates,
# and what a user, a host name and a scanner need. Everything is where it was, for paths are written into ROOT.
set -eu

root=$1
target=$2
python=$(readlink -f "$root/bin/python3")
prefix=$("$python" -c 'import sys; print(sys.base_prefix)')
library=$("$python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')

copy() { # copy PATH...: with its folders, its links and what they lead to
  for path in "$@"; do
    # The folder first, where it is itself reached by a link (/lib64 and /lib are links in Debian).
    real=$(readlink -f "$(dirname "$path")")/$(basename "$path")
    mkdir -p "$target$(dirname "$real")"
    [ -e "$target$real" ] || cp -a "$real" "$target$real"
    [ ! -L "$real" ] || copy "$(readlink -f "$real")"
  done
}

mkdir -p "$target/tmp" "$target/var/lib/dpkg/status.d" "$target/etc"
chmod 1777 "$target/tmp"
for link in bin lib lib64 sbin; do # as Debian has them, for the loader's path is written into every program
  if [ -L "/$link" ]; then
    cp -a "/$link" "$target/$link"
    mkdir -p "$target/$(readlink "/$link")"
  fi
done

copy "$root" "$python"
copy "$(dirname "$library")/$(basename "$library")"
for link in "$prefix"/bin/python3 "$root"/bin/python*; do copy "$link"; done
# What no container needs: tests, tools to write programs with, and modules of libraries that would come along for them.
(cd "$target$library" && rm -rf test idlelib tkinter turtledemo turtle.py lib2to3 ensurepip venv pydoc_data site-packages \
  dist-packages config-*-linux-* sqlite3 curses dbm EXTERNALLY-MANAGED && cd lib-dynload && rm -f _tkinter* _test* _ctypes_test* \
  _sqlite3* _curses* _dbm* _gdbm* readline*)
rm -f "$target$root"/bin/activate* "$target$root"/bin/Activate*
find "$target$library" -name __pycache__ -type d -prune -exec rm -rf {} +

# Every shared library that something here loads. The loader's own search paths are copied with ld.so.conf.
find "$target$root" "$target$library" "$target$python" -type f \( -name '*.so*' -o -path "$target$python" \) |
  while read -r file; do ldd "${file#"$target"}" 2>/dev/null || true; done |
  sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' | sort -u >"$target/tmp/libraries"
while read -r file; do copy "$file"; done <"$target/tmp/libraries"
copy /etc/ld.so.conf /etc/ld.so.conf.d
ldconfig -r "$target"

copy /etc/ssl /etc/os-release
[ ! -e /usr/lib/ssl ] || copy /usr/lib/ssl
[ ! -e /usr/share/ca-certificates ] || copy /usr/share/ca-certificates
printf 'root:x:0:0:root:/:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n' >"$target/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$target/etc/group"
printf 'hosts: files dns\n' >"$target/etc/nsswitch.conf"

# Scanners look for Debian's packages here, as in distroless images: a list without the C library would hide its faults.
while read -r file; do
  dpkg-query --search "$(readlink -f "$file")" 2>/dev/null || dpkg-query --search "$file" 2>/dev/null || true
done <"$target/tmp/libraries" | cut -d: -f1 | sort -u | while read -r package; do
  dpkg-query --status "$package" >"$target/var/lib/dpkg/status.d/$package"
done
rm "$target/tmp/libraries"
