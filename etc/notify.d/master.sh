#!/bin/sh
# This host has become the leader of a pair: its server is the master and the VIP is in place.
# Called without arguments; what there is to know comes in TANDEM_* variables:
#   TANDEM_PAIR      name of the pair           TANDEM_STATE           MASTER
#   TANDEM_REASON    one sentence               TANDEM_PREVIOUS_STATE  empty at the first event
#   TANDEM_VIPS      the virtual addresses      TANDEM_EPOCH           counts promotions
#   TANDEM_PEER      the other server           TANDEM_INITIAL         1 at the first event
# keepalived sets none of them, so the script also runs there. Runs as `user` of [pair.notify].
set -u

logger -t tandem-notify -p daemon.notice -- \
  "${TANDEM_PAIR:-pair}: leading since now (${TANDEM_REASON:-no reason given})"
