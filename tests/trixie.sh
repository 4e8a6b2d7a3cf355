# shellcheck shell=bash
# Sourced by tests/run: a Debian trixie folder with Python 3.13, for machines that have no such Python.
#
# It is made once and kept in $CACHE; it brings the newer servers with it. Needs root (or sudo) and the right to
# mount, which it does in a mount namespace of its own: nothing is left mounted.

trixie_mirror() {
    [ -z "${MIRROR:-}" ] || { echo "$MIRROR"; return; }
    awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null | grep . ||
        awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:\/\//) {print $i; exit}}' /etc/apt/sources.list
}

# Like `unshare -m`, also where / is no mount point of its own.
own_mounts() {
    local propagation=private
    as_root unshare -m true 2>/dev/null || propagation=unchanged
    as_root unshare -m --propagation "$propagation" "$@"
}

# trixie_make FOLDER
trixie_make() {
    local folder=$1 new=$1.new
    install_packages debootstrap
    say "making a Debian trixie folder in $folder (once, about a minute)"
    as_root rm -rf --one-file-system "$new" && mkdir -p "$(dirname "$folder")" || return 1
    quietly as_root debootstrap --variant=minbase trixie "$new" "$(trixie_mirror)" || return 1
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$new/usr/sbin/policy-rc.d" >/dev/null
    as_root chmod 755 "$new/usr/sbin/policy-rc.d"
    # shellcheck disable=SC2016
    quietly own_mounts sh -c 'mount -t proc proc "$1/proc" && shift && exec chroot "$@"' sh "$new" "$new" \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends $SECOND_PACKAGES" || return 1
    # After ca-certificates, whose installation writes this file: the machine may trust more than Debian does.
    as_root cp -L /etc/ssl/certs/ca-certificates.crt "$new/etc/ssl/certs/" || return 1
    [ ! -f /etc/pip.conf ] || as_root cp -L /etc/pip.conf "$new/etc/pip.conf"
    as_root rm -rf --one-file-system "$folder"
    as_root mv "$new" "$folder"
}

# trixie_run COUNTS PYTEST-ARGUMENTS...: the tests in the folder, on a copy of this tree
trixie_run() {
    local counts=$1 folder="$CACHE/trixie" code
    shift
    [ -d "$folder" ] || trixie_make "$folder" || { say "could not make $folder"; return 2; }
    as_root rm -rf --one-file-system "$folder/src"
    as_root mkdir "$folder/src"
    tar -c --exclude=./.git --exclude='./.venv*' --exclude='__pycache__' . | as_root tar -x -C "$folder/src" || return 2
    # shellcheck disable=SC2016
    own_mounts sh -c '
        mount -t proc proc "$1/proc" && mount -t tmpfs tmpfs "$1/dev/shm" &&
            mkdir -p "$1/dev/pts" && mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts" || exit 2
        folder=$1; shift
        exec chroot "$folder" "$@"' sh "$folder" \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="$TERM" /src/tests/run --inside /venv /src/.counts "$@"
    code=$?
    [ ! -f "$folder/src/.counts" ] || cat "$folder/src/.counts" >"$counts"
    return $code
}
