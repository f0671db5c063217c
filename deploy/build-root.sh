#!/bin/sh
# build-root.sh ROOT [SOURCE]: install podres-exporter into the folder ROOT, as small as it runs.
#
# The Dockerfile calls it, and so does the test that runs what comes out. ROOT is a virtual environment without pip, plus
# ROOT/pycache, the bytecode of everything in it and of the interpreter's own library. It stays where it was built: paths
# are written into it. PYTHON is the interpreter (python3).
set -eu

root=$1
source=${2:-$(dirname "$0")/..}
python=${PYTHON:-python3}
deploy=$(cd "$(dirname "$0")" && pwd)

"$python" -m venv --without-pip "$root"
install() {
  "$python" -m pip --disable-pip-version-check --quiet --python "$root/bin/python" install \
    --root-user-action=ignore --no-compile --no-deps "$@"
}
install --only-binary=:all: --requirement "$deploy/requirements.txt"
install "$source"

packages=$("$root/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
library=$("$root/bin/python" -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')

# 74 of 110 MB: the asyncio client, the typed API and the models. The daemon reads raw bytes and imports none of them.
rm -rf "$packages/kubernetes/aio"
find "$packages/kubernetes/client/api" "$packages/kubernetes/client/models" -name '*.py' ! -name '__init__.py' -delete
find "$packages" -type d -name tests ! -path '*/podres_exporter/*' -prune -exec rm -rf {} +
find "$packages" -type f \( -name '*.pyi' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.h' \) -delete

# Without bytecode, memory and start-up triple, and a read-only root cannot keep any. The flags must be those that the
# program runs with: -OO has files of its own. The official images come without the bytecode of Python's own library, so it
# is here too. Unchecked: sources in an image do not change, and a copy may change their times.
PYTHONDONTWRITEBYTECODE=1 PYTHONPYCACHEPREFIX="$root/pycache" "$root/bin/python" -OO -X no_debug_ranges -m compileall \
  -q -j 0 --invalidation-mode unchecked-hash \
  -x "^$library/(test|idlelib|tkinter|turtledemo|lib2to3|ensurepip|pydoc_data|site-packages)/|/tests?/" \
  "$library" "$packages" >&2
