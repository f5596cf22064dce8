#!/usr/bin/env bash
# The life of the package on a Debian host: a copy-on-write view of this machine's root, in which
# dpkg installs, upgrades, removes and purges for real. No systemd and no agent run there: a systemctl
# and a tandem that write down what they are asked stand for them. Prints one line for each thing that was seen.
#
# usage: life.sh PACKAGE TANDEM_TOML         (as root, inside `unshare --mount`)
set -euo pipefail
package=$1 example=$2

stage=$(mktemp -d /tmp/tandem-test-life-XXXXXX)
mount -t tmpfs tandem-test "$stage"
leave() {
  umount --recursive --lazy "$stage" && rmdir "$stage"
}
trap leave EXIT
root=$stage/root
mkdir "$root" "$stage/upper" "$stage/work" "$stage/packages"
mount -t overlay tandem-test "$root" -o "lowerdir=/,upperdir=$stage/upper,workdir=$stage/work"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tandem-test "$root/run"
mkdir -p "$root/run/systemd/system" "$root/packages"
mount --bind "$stage/packages" "$root/packages"

# A machine that has Tandem already has none here; whoever forbids services elsewhere does not here.
rm -f "$root/usr/sbin/policy-rc.d"
chroot "$root" dpkg --purge tandem >/dev/null 2>&1 || true
rm -rf "$root/etc/tandem" "$root/var/lib/tandem"

cat >"$stage/systemctl" <<'SYSTEMCTL'
#!/bin/sh
echo "$*" >>/packages/asked
case "$*" in
  *is-active*) test -e /packages/active ;;
  *LoadState*) echo loaded ;;
esac
SYSTEMCTL
install -m 755 "$stage/systemctl" "$root/usr/bin/systemctl"
mkdir "$stage/packages/bin"
printf '#!/bin/sh\necho "tandem $*" >>/packages/asked\n' >"$stage/packages/bin/tandem"
chmod 755 "$stage/packages/bin/tandem"

# next_version VERSION: the package once more, with another version and another example.
next_version() {
  local tree=$stage/tree
  dpkg-deb --raw-extract "$package" "$tree"
  sed -i "s/^Version: .*/Version: $1/" "$tree/DEBIAN/control"
  echo "# $1" >>"$tree/usr/share/doc/tandem/examples/tandem.toml"
  (cd "$tree" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
  dpkg-deb -Znone --build --root-owner-group "$tree" "$stage/packages/$1.deb" >/dev/null
  rm -rf "$tree"
}
cp "$package" "$stage/packages/first.deb"
next_version 9.0
next_version 9.1

# dpkg_does WORDS: what the maintainer scripts say, and what systemd was asked for.
dpkg_does() {
  rm -f "$stage/packages/asked"
  chroot "$root" env LC_ALL=C PATH=/packages/bin:/usr/sbin:/usr/bin:/sbin:/bin dpkg --no-triggers --force-unsafe-io "$@" \
    >"$stage/log" 2>&1 || { cat "$stage/log" && return 1; }
  grep -E '^( {8}|tandem: )' "$stage/log" || true
  echo "systemd: $(grep -vE 'is-active|--property|show ' "$stage/packages/asked" 2>/dev/null |
    sed 's/--quiet //; s/--system //' | uniq | paste -sd ';')"
}
# Everything that can tell a host with Tandem from one without.
traces() {
  (cd "$root" && find etc usr/bin usr/sbin usr/lib usr/share var/lib \
    ! -path 'var/lib/dpkg*' ! -path 'etc/group*' ! -path 'etc/gshadow*' ! -path 'var/lib/apt*' \
    ! -path '*/man/index.db' ! -name ld.so.cache 2>/dev/null | sort)
}
mode_of() { stat -c '%a %U:%G %n' "${@/#/$root}" | sed "s# $root# #"; }
configure() {
  printf 'password\n' >"$root/etc/tandem/redis.password"
  openssl rand -hex 32 >"$root/etc/tandem/peer.secret"
  cp "$root"/usr/share/doc/tandem/examples/notify.d/*.sh "$root/etc/tandem/notify.d/"
  cp "$example" "$root/etc/tandem/tandem.toml"
  chmod 600 "$root"/etc/tandem/{redis.password,peer.secret,tandem.toml}
  mkdir -p "$root/var/lib/tandem"
  echo '{}' >"$root/var/lib/tandem/redis.json"
}

traces >"$stage/before"
echo "-- install"
dpkg_does --install /packages/first.deb
echo "group: $(chroot "$root" getent group tandem | cut -d: -f1,4)"
echo "verified: $(chroot "$root" dpkg --verify tandem | wc -l) differences"
mode_of /etc/tandem /etc/tandem/notify.d /usr/sbin/tandemd /usr/bin/tandem \
  /usr/lib/systemd/system/tandem.service /usr/share/doc/tandem/examples/notify.d/master.sh
echo "conffiles: $(chroot "$root" dpkg-query -W -f '${Conffiles}' tandem | wc -l)"
echo "writable by others: $(chroot "$root" dpkg -L tandem | while read -r file; do
  find "$root$file" -maxdepth 0 ! -type l -perm /022
done | wc -l)"
configure
chroot "$root" tandemd --check 2>/dev/null

echo "-- again"
dpkg_does --install /packages/first.deb

echo "-- upgrade, the agent does not run"
dpkg_does --install /packages/9.0.deb
echo "-- upgrade, the agent runs"
touch "$stage/packages/active"
dpkg_does --install /packages/9.1.deb
echo "-- configuration that the new version refuses"
echo nonsense >>"$root/etc/tandem/tandem.toml"
dpkg_does --install /packages/9.1.deb | grep -v tandem.toml:
cp "$example" "$root/etc/tandem/tandem.toml"
echo "operator's files: $(cmp "$example" "$root/etc/tandem/tandem.toml" && ls "$root/etc/tandem" |
  paste -sd ' ')"

echo "-- remove"
dpkg_does --remove tandem
echo "stays: $(cd "$root" && ls etc/tandem var/lib/tandem | paste -sd ' ')"
echo "-- back, and remove"
rm "$stage/packages/active"
dpkg_does --install /packages/9.1.deb
dpkg_does --remove tandem

echo "-- purge beside a kept copy"
mkdir -p "$root/var/lib/tandem/diverged/redis/20261121T120102Z-7"
echo "REDIS" >"$root/var/lib/tandem/diverged/redis/20261121T120102Z-7/dump.rdb"
dpkg_does --purge tandem
echo "left: $(cd "$root" && find etc/tandem var/lib/tandem -type f 2>/dev/null | paste -sd ' ')"
rm -r "$root/var/lib/tandem"

echo "-- install, configure, purge"
dpkg_does --install /packages/first.deb
configure
mkdir -p "$root/var/lib/tandem/diverged/redis"
dpkg_does --purge tandem
traces >"$stage/after"
echo "traces: $(diff "$stage/before" "$stage/after" | grep '^[<>]' | paste -sd ' ')"
