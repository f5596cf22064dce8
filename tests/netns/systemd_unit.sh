#!/usr/bin/env bash
# Runs the shipped unit under a real systemd, a user manager of its own in a mount namespace, and
# prints what systemd saw: one line for each thing that the unit promises. What a user manager in a
# namespace cannot do, the sandboxing of the file system, is switched off by a drop-in.
#
# usage: systemd_unit.sh UNIT TANDEMD CONFIG DIRECTORY      (as root, inside `unshare --mount`)
set -euo pipefail
unit=$1 tandemd=$2 config=$3 directory=$4

# A manager takes all processes of its own control group into its hands: it gets one that is empty.
cgroups=()
enter_own_cgroups() {
  local hierarchy own
  local hierarchies=(/sys/fs/cgroup)
  [[ -e /sys/fs/cgroup/cgroup.controllers ]] || hierarchies=(/sys/fs/cgroup/*/)
  for hierarchy in "${hierarchies[@]}"; do
    own=${hierarchy%/}/tandem-test-$$
    mkdir "$own" 2>/dev/null || continue
    cgroups+=("$own")
    echo $$ 2>/dev/null >"$own/cgroup.procs" || true # cpuset would have to be set up first
  done
  if ! grep -q "tandem-test-$$" /proc/self/cgroup; then
    echo "cannot make a control group of its own for systemd"
    exit 1
  fi
}
leave_own_cgroups() {
  local own attempt
  for own in "${cgroups[@]}"; do
    echo $$ >"${own%/*}/cgroup.procs" || true
    for attempt in {1..100}; do
      find "$own" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [[ -e $own ]] || break
      sleep 0.02
    done
  done
}

mount -t tmpfs tandem-test /run/systemd 2>/dev/null ||
  { mkdir -p /run/systemd && mount -t tmpfs tandem-test /run/systemd; }
mkdir -p /run/systemd/system # a user manager asks for it
export XDG_RUNTIME_DIR=$directory/run XDG_CONFIG_HOME=$directory/conf XDG_STATE_HOME=$directory/state
units=$XDG_CONFIG_HOME/systemd/user
mkdir -p -m 700 "$XDG_RUNTIME_DIR"
mkdir -p "$units/tandem.service.d" "$XDG_STATE_HOME"

shipped="/usr/sbin/tandemd --config /etc/tandem/tandem.toml"
sed "s#$shipped#$tandemd --config $config#" "$unit" >"$units/tandem.service"
cat >"$units/tandem.service.d/test.conf" <<DROP_IN
[Service]
WatchdogSec=1
Group=root
ProtectSystem=no
ProtectHome=no
ProtectHostname=no
ProtectClock=no
ProtectControlGroups=no
ProtectKernelLogs=no
ProtectKernelModules=no
PrivateDevices=no
PrivateTmp=no
PrivateMounts=no
DROP_IN

enter_own_cgroups
/lib/systemd/systemd --user --log-target=null &
manager=$!
leave() {
  systemctl --user kill -s KILL tandem 2>/dev/null || true
  systemctl --user exit 2>/dev/null || true
  kill "$manager" 2>/dev/null || true
  wait "$manager" 2>/dev/null || true
  leave_own_cgroups
}
trap leave EXIT

# wait_for WHAT COMMAND...: until it succeeds, at most 20 s
wait_for() {
  local what=$1 deadline=$((SECONDS + 20))
  shift
  until "$@"; do
    if ((SECONDS >= deadline)); then
      echo "not seen in time: $what"
      systemctl --user status tandem || true
      exit 1
    fi
    sleep 0.05
  done
}
property() { systemctl --user show tandem --property "$1" --value; }
restarted() { [[ $(property NRestarts) == "$1" && $(property ActiveState) == active ]]; }
reports_status() { [[ $(property StatusText) == redis:* ]]; }

wait_for "the manager" test -S "$XDG_RUNTIME_DIR/systemd/private"
systemctl --user start tandem
echo "start: $(property Type) $(property ActiveState)"
wait_for "the agent's words" reports_status
bounding=$(sed -n 's/^CapBnd:\t//p' "/proc/$(property MainPID)/status")
echo "capabilities: $(capsh --decode="$bounding" | cut -d= -f2)"
echo "system calls: filter $(sed -n 's/^Seccomp:\t//p' "/proc/$(property MainPID)/status")"
echo "without memory: $(property OOMScoreAdjust)"
systemctl --user reload tandem
echo "reload: $?, $(property ActiveState)"
cp "$config" "$directory/good.toml"
echo "nonsense" >>"$config"
code=0
systemctl --user reload tandem 2>/dev/null || code=$?
echo "reload of a bad file: $code, $(property ActiveState), $(property ReloadResult)"
cp "$directory/good.toml" "$config"
kill -KILL "$(property MainPID)"
wait_for "a restart after kill -9" restarted 1
echo "killed: restarted"
kill -STOP "$(property MainPID)"
wait_for "a restart by the watchdog" restarted 2
echo "hung: restarted by the watchdog"
systemctl --user stop tandem
echo "stop: $(property Result) $(property ActiveState)"
echo "nonsense" >>"$config"
systemctl --user start tandem 2>/dev/null || true
echo "bad configuration: $(property ActiveState) $(property ExecMainStatus), $(property NRestarts) restarts"
