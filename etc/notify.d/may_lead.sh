#!/bin/sh
# An example of pre_promote and pre_demote: while the file exists, this host does not take the role,
# or does not give it away by plan. What is in the file is the reason that operators see.
#   pre_promote = ["/etc/tandem/notify.d/may_lead.sh", "/run/tandem/do-not-lead"]
#   pre_demote = ["/etc/tandem/notify.d/may_lead.sh", "/run/tandem/do-not-leave"]
# Exit code 0 consents; any other objects, and the first line of standard error says why. A failover
# waits for the answer: ask nothing here that may take long.
set -u

file=${1:-/run/tandem/do-not-lead}
[ -e "$file" ] || exit 0
reason=$(head -n 1 "$file" 2>/dev/null)
echo "${reason:-$file exists}" >&2
exit 1
