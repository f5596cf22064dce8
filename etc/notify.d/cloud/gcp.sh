#!/bin/sh
# Moves the VIPs of a pair to this instance in Google Cloud, as alias IP ranges. In [pair.notify], with
# name and zone of the other instance:
#   master = ["/etc/tandem/notify.d/gcp.sh", "redis-2", "europe-west1-c"]
# Both instances are in one subnet and have no other alias ranges on this interface. Needs curl, gcloud
# and a service account of the instance that may call compute.instances.updateNetworkInterface.
# In tandem.toml: unicast_peers, because a VPC carries no multicast.
set -eu

other=${1:?the name of the other instance is missing}
other_zone=${2:?the zone of the other instance is missing}
nic=${3:-nic0}
# Hooks see no home; gcloud wants a place of its own.
CLOUDSDK_CONFIG=$(mktemp -d)
export CLOUDSDK_CONFIG
trap 'rm -rf "$CLOUDSDK_CONFIG"' EXIT
ask() {
  curl -sf --max-time 2 -H 'Metadata-Flavor: Google' \
    "http://metadata.google.internal/computeMetadata/v1/instance/$1"
}
name=$(ask name)
zone=$(ask zone)
zone=${zone##*/}

ranges=''
for vip in $TANDEM_VIPS; do
  case $vip in *:*) continue ;; esac
  ranges="$ranges${ranges:+;}${vip%/*}/32"
done
# The other instance may be gone; then its aliases have to be taken from it all the same.
gcloud compute instances network-interfaces update "$other" --zone "$other_zone" \
  --network-interface "$nic" --aliases '' --quiet
gcloud compute instances network-interfaces update "$name" --zone "$zone" \
  --network-interface "$nic" --aliases "$ranges" --quiet
