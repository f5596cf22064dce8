#!/bin/sh
# Posts each change of state to a chat or to a program of yours. In [pair.notify]:
#   any = ["/etc/tandem/notify.d/webhook.sh", "FORMAT", "/etc/tandem/webhook.url"]
# FORMAT: slack, dingtalk, feishu (Lark), wecom, or generic (JSON with all that is known).
# The file has the URL in its first line, which is a secret, and in its second the secret that signs
# messages, where the service gives one out (DingTalk, Feishu; for generic one of your choice: then
# the header X-Tandem-Signature is "sha256=" and the HMAC-SHA256 of the body in hexadecimal digits).
# It belongs to `user` of [pair.notify] and has mode 0600: chown nobody FILE && chmod 0600 FILE
# Needs curl. Neither URL nor secret are ever in the arguments of a program.
set -u
umask 077

fail() {
  echo "webhook.sh: $1" >&2
  exit 1
}

# The arguments that follow for `any` stand in for TANDEM_*, so the script also runs with keepalived.
[ "$#" -ge 2 ] || fail "usage: $0 slack|dingtalk|feishu|wecom|generic URLFILE"
format=$1 file=$2
pair=${TANDEM_PAIR:-${4:-}} state=${TANDEM_STATE:-${5:-}} priority=${TANDEM_PRIORITY:-${6:-0}}
previous=${TANDEM_PREVIOUS_STATE:-} reason=${TANDEM_REASON:-} epoch=${TANDEM_EPOCH:-0}
vips=${TANDEM_VIPS:-} peer=${TANDEM_PEER:-} initial=${TANDEM_INITIAL:-0} reload=${TANDEM_RELOAD:-0}
node=$(hostname)

[ -r "$file" ] || fail "$file cannot be read; it must belong to $(id -un)"
[ -z "$(find -L "$file" -prune -perm /077)" ] || fail "$file is open to others: chmod 0600 $file"
url='' secret=''
{ IFS= read -r url && IFS= read -r secret; } <"$file" || true
case $url in
  https://* | http://*) ;;
  *) fail "the first line of $file is not a URL" ;;
esac

# Text as the inside of a JSON string.
json() {
  printf '%s' "$1" | LC_ALL=C tr '\000-\037\177' ' ' | sed 's/\\/\\\\/g; s/"/\\"/g'
}

# Hexadecimal digits on standard input as bytes.
bytes() {
  hex=$(cat)
  while [ -n "$hex" ]; do
    rest=${hex#??}
    byte=$((0x${hex%"$rest"}))
    printf '%b' "\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
    hex=$rest
  done
}

hex_of() {
  od -An -v -tx1 | tr -d ' \n'
}

sha256() {
  sha256sum | cut -d ' ' -f 1
}

# HMAC-SHA256 of standard input with the key $1, in hexadecimal digits. By hand, because openssl
# takes the key as an argument, which every user of the host can read.
hmac() {
  key=$(printf '%s' "$1" | hex_of)
  [ "${#key}" -le 128 ] || key=$(printf '%s' "$1" | sha256)
  while [ "${#key}" -lt 128 ]; do key=${key}00; done
  inner=$({ padded 54 && cat; } | sha256)
  { padded 92 && printf '%s' "$inner" | bytes; } | sha256
}

# The key, each byte combined with $1 (0x36 or 0x5c).
padded() {
  left=$key
  while [ -n "$left" ]; do
    rest=${left#??}
    byte=$((0x${left%"$rest"} ^ $1))
    printf '%b' "\\0$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
    left=$rest
  done
}

text="$pair: $state on $node"
[ -z "$reason" ] || text="$text: $reason"
[ "$state" != MASTER ] || [ -z "$vips" ] || text="$text (VIP $vips)"
content=$(json "$text")
header=''
case $format in
  slack)
    # Slack's own markup has three special characters.
    content=$(printf '%s' "$content" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')
    body="{\"text\":\"$content\"}"
    good='^ok'
    ;;
  dingtalk)
    body="{\"msgtype\":\"text\",\"text\":{\"content\":\"$content\"}}"
    if [ -n "$secret" ]; then
      now=$(date +%s)000
      sign=$(printf '%s\n%s' "$now" "$secret" | hmac "$secret" | bytes | base64 -w 0)
      sign=$(printf '%s' "$sign" | sed 's/+/%2B/g; s|/|%2F|g; s/=/%3D/g')
      url="$url&timestamp=$now&sign=$sign"
    fi
    good='"errcode" *: *0[^0-9]'
    ;;
  feishu)
    signed=''
    if [ -n "$secret" ]; then
      now=$(date +%s)
      sign=$(printf '' | hmac "$now
$secret" | bytes | base64 -w 0)
      signed="\"timestamp\":\"$now\",\"sign\":\"$sign\","
    fi
    body="{$signed\"msg_type\":\"text\",\"content\":{\"text\":\"$content\"}}"
    good='"\(code\|StatusCode\)" *: *0[^0-9]'
    ;;
  wecom)
    body="{\"msgtype\":\"text\",\"text\":{\"content\":\"$content\"}}"
    good='"errcode" *: *0[^0-9]'
    ;;
  generic)
    list=''
    for vip in $vips; do list="$list${list:+,}\"$(json "$vip")\""; done
    truth() { [ "$1" = 1 ] && echo true || echo false; }
    body="{\"node\":\"$(json "$node")\",\"pair\":\"$(json "$pair")\",\"state\":\"$(json "$state")\""
    body="$body,\"previous_state\":\"$(json "$previous")\",\"reason\":\"$(json "$reason")\""
    body="$body,\"epoch\":$((epoch)),\"priority\":$((priority)),\"vips\":[$list]"
    body="$body,\"peer\":\"$(json "$peer")\",\"initial\":$(truth "$initial")"
    body="$body,\"reload\":$(truth "$reload"),\"time\":\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\"}"
    [ -z "$secret" ] || header="X-Tandem-Signature: sha256=$(printf '%s' "$body" | hmac "$secret")"
    good=''
    ;;
  *) fail "$format is no format; write slack, dingtalk, feishu, wecom or generic" ;;
esac

# Text as the inside of a string in curl's configuration.
quoted() {
  printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g'
}

answer=$({
  printf 'url = "%s"\n' "$(quoted "$url")"
  printf 'header = "Content-Type: application/json; charset=utf-8"\n'
  [ -z "$header" ] || printf 'header = "%s"\n' "$(quoted "$header")"
  printf 'data-raw = "%s"\n' "$(quoted "$body")"
} | curl --config - --silent --show-error --fail --connect-timeout 5 --max-time 10 \
  --retry 2 --retry-max-time 20) || fail "the message was not delivered"
if [ -n "$good" ] && ! printf '%s\n' "$answer" | grep -q "$good"; then
  fail "the service refused the message: $(printf '%s' "$answer" | head -c 300)"
fi
