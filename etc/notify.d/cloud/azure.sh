#!/bin/sh
# Moves the VIPs of a pair to this machine in Azure, as further IP configurations of its network
# interface. In [pair.notify], with the resource group and the NICs of the other and of this machine:
#   master = ["/etc/tandem/notify.d/azure.sh", "my-group", "nic-of-the-other", "nic-of-this-one"]
# Both machines are in one subnet. Needs the Azure CLI and a managed identity of the machine with the
# right Network Contributor on both NICs.
# In tandem.toml: unicast_peers, because a virtual network carries no multicast, and a timeout of
# [pair.notify] of a minute: Azure is slow.
set -eu

group=${1:?the resource group is missing}
other=${2:?the NIC of the other machine is missing}
own=${3:?the NIC of this machine is missing}

# Hooks see no home; az wants a place of its own.
AZURE_CONFIG_DIR=$(mktemp -d)
export AZURE_CONFIG_DIR
trap 'rm -rf "$AZURE_CONFIG_DIR"' EXIT
az login --identity --output none

for vip in $TANDEM_VIPS; do
  case $vip in *:*) continue ;; esac
  address=${vip%/*}
  name=tandem-$(printf '%s' "$address" | tr . -)
  # It fails when the other one does not have it, which is as good.
  az network nic ip-config delete --resource-group "$group" --nic-name "$other" --name "$name" || true
  az network nic ip-config create --resource-group "$group" --nic-name "$own" --name "$name" \
    --private-ip-address "$address" --output none
done
