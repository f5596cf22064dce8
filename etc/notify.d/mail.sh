#!/bin/sh
# Mails each change of state, by the sendmail command that every mail server brings. In [pair.notify]:
#   any = ["/etc/tandem/notify.d/mail.sh", "ops@example.org"]
# Several addresses are separated by commas.
set -u
PATH=$PATH:/usr/sbin:/usr/lib

[ "$#" -ge 1 ] || {
  echo "usage: $0 ADDRESS[,ADDRESS...]" >&2
  exit 2
}

# One line: what comes from elsewhere must not add a header.
line() {
  printf '%s' "$1" | LC_ALL=C tr '\000-\037\177' ' '
}

# The arguments that follow for `any` stand in for TANDEM_*, so the script also runs with keepalived.
to=$(line "$1")
pair=$(line "${TANDEM_PAIR:-${3:-}}")
state=$(line "${TANDEM_STATE:-${4:-}}")
node=$(hostname)

{
  echo "To: $to"
  echo "Subject: [tandem] $pair: $state on $node"
  echo "Auto-Submitted: auto-generated"
  echo "MIME-Version: 1.0"
  echo "Content-Type: text/plain; charset=utf-8"
  echo "Content-Transfer-Encoding: 8bit"
  echo
  echo "$pair is $state on $node."
  echo
  echo "Reason:   $(line "${TANDEM_REASON:-not given}")"
  echo "Before:   $(line "${TANDEM_PREVIOUS_STATE:-}")"
  echo "Epoch:    $(line "${TANDEM_EPOCH:-}")"
  echo "VIPs:     $(line "${TANDEM_VIPS:-}")"
  echo "Peer:     $(line "${TANDEM_PEER:-}")"
  echo "Time:     $(date -u '+%Y-%m-%d %H:%M:%S UTC')"
} | sendmail -t -i || {
  echo "mail.sh: sendmail did not take the message" >&2
  exit 1
}
