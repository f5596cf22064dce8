#!/bin/sh
# Moves the VIPs of a pair to this instance in AWS, where no ARP is believed. In [pair.notify]:
#   master = "/etc/tandem/notify.d/aws.sh"               the VIPs as secondary private addresses
#   master = ["/etc/tandem/notify.d/aws.sh", "eipalloc-0123456789abcdef0"]     an Elastic IP as well
# Both instances are in one subnet. Needs curl, the AWS CLI 2 and a role of the instance with
# ec2:AssignPrivateIpAddresses and, for an Elastic IP, ec2:AssociateAddress. In tandem.toml:
# unicast_peers, because a VPC carries no multicast, and VIPs with the length of the subnet.
set -eu

allocation=${1:-}
metadata=http://169.254.169.254/latest
# The token goes to curl by its standard input: arguments are for all to see.
token=$(curl -sf --max-time 2 -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$metadata/api/token")
ask() {
  printf 'header = "X-aws-ec2-metadata-token: %s"\n' "$token" |
    curl -K - -sf --max-time 2 "$metadata/meta-data/$1"
}
region=$(ask placement/region)
mac=$(cat "/sys/class/net/$TANDEM_INTERFACE/address")
interface=$(ask "network/interfaces/macs/$mac/interface-id")

addresses=''
for vip in $TANDEM_VIPS; do
  case $vip in
    *:*) ;; # IPv6: aws ec2 assign-ipv6-addresses has no --allow-reassignment
    *) addresses="$addresses ${vip%/*}" ;;
  esac
done
# shellcheck disable=SC2086  # one argument for each address
aws ec2 assign-private-ip-addresses --region "$region" --network-interface-id "$interface" \
  --allow-reassignment --private-ip-addresses $addresses
if [ -n "$allocation" ]; then
  # shellcheck disable=SC2086
  set -- $addresses
  aws ec2 associate-address --region "$region" --allocation-id "$allocation" \
    --network-interface-id "$interface" --private-ip-address "$1" --allow-reassociation
fi
