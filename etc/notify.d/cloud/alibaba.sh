#!/bin/sh
# Moves the VIPs of a pair to this instance in Alibaba Cloud, as secondary private addresses of its
# elastic network interface. In [pair.notify], with the interface (ENI) of the other instance:
#   master = ["/etc/tandem/notify.d/alibaba.sh", "eni-of-the-other-instance", "name-of-the-ram-role"]
# Both instances are in one vSwitch. Needs curl, the aliyun CLI and a RAM role of the instance that may call
# ecs:AssignPrivateIpAddresses and ecs:UnassignPrivateIpAddresses. With an HAVIP no script is needed:
# it follows the ARP that Tandem sends. In tandem.toml: unicast_peers, a VPC carries no multicast.
set -eu

other=${1:?the ENI of the other instance is missing}
role=${2:?the name of the RAM role is missing}
metadata=http://100.100.100.200/latest
token=$(curl -sf --max-time 2 -X PUT -H 'X-aliyun-ecs-metadata-token-ttl-seconds: 60' \
  "$metadata/api/token")
ask() {
  printf 'header = "X-aliyun-ecs-metadata-token: %s"\n' "$token" |
    curl -K - -sf --max-time 2 "$metadata/meta-data/$1"
}
region=$(ask region-id)
mac=$(cat "/sys/class/net/$TANDEM_INTERFACE/address")
interface=$(ask "network/interfaces/macs/$mac/network-interface-id")

set --
count=0
for vip in $TANDEM_VIPS; do
  case $vip in *:*) continue ;; esac
  count=$((count + 1))
  set -- "$@" "--PrivateIpAddress.$count" "${vip%/*}"
done
# Hooks see no home, so the CLI has no profile.
set -- "$@" --RegionId "$region" --mode EcsRamRole --ram-role-name "$role"
# It fails when the other one does not have them, which is as good.
aliyun ecs UnassignPrivateIpAddresses --NetworkInterfaceId "$other" "$@" || true
# The address is free a moment later only.
tries=0
until aliyun ecs AssignPrivateIpAddresses --NetworkInterfaceId "$interface" "$@"; do
  tries=$((tries + 1))
  [ "$tries" -lt 10 ] || exit 1
  sleep 1
done
