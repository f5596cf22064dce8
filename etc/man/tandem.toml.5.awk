# Makes tandem.toml.5 from tandem.toml.5.in and the example, so that what a key means is written in
# one place. The comment above a table or key becomes its text.
#
# usage: awk -v example=etc/tandem.toml -f tandem.toml.5.awk tandem.toml.5.in

# In the arguments of a macro a quotation mark would be syntax.
function argument(text) {
  text = escaped(text)
  gsub(/"/, "\\(dq", text)
  return text
}

function escaped(text) {
  gsub(/\\/, "\\e", text)
  gsub(/'/, "\\(aq", text)
  gsub(/--/, "\\-\\-", text)
  while (match(text, /`[^`]*`/))
    text = substr(text, 1, RSTART - 1) "\\fB" substr(text, RSTART + 1, RLENGTH - 2) "\\fR" \
      substr(text, RSTART + RLENGTH)
  return text
}

# Short lines, each sentence on a new one, none of which looks like a request.
function fold(text,   words, count, i, line) {
  count = split(text, words, " ")
  line = ""
  for (i = 1; i <= count; i++) {
    if (line != "" && length(line) + length(words[i]) > 76) { put(line); line = "" }
    line = line (line == "" ? "" : " ") words[i]
    if (words[i] ~ /[.?!]["')]*$/ && words[i + 1] ~ /^["(\\A-Z]/) { put(line); line = "" }
  }
  if (line != "") put(line)
}
function put(line) { print (line ~ /^[.']/ ? "\\&" : "") line }

# The collected comment: paragraphs, and lines that were set in are literal. "Default:" and "On the
# other host:" begin a line of their own.
function tell(   i, text) {
  text = ""
  for (i = 1; i <= noted; i++) {
    if (notes[i] ~ /^  /) {
      fold(escaped(text)); text = ""
      sub(/^ +/, "", notes[i])
      print ".Dl " argument(notes[i])
    } else if (notes[i] ~ /^(Default:|On the other host:)/) {
      fold(escaped(text)); text = notes[i]
      if (i > 1) print ".br"
    } else {
      text = text (text == "" ? "" : " ") notes[i]
    }
  }
  fold(escaped(text))
  noted = 0
}

function keys(   line, listing, name, value, at) {
  noted = 0; listing = 0
  while ((getline line < example) > 0) {
    if (line ~ /^#?\[/) {
      sub(/^#/, "", line)
      if (listing) print ".El"
      listing = 0
      print ".Ss " line
      if (line != "[agent]") tell()
      noted = 0
    } else if (line ~ /^#?[a-z_]+ = /) {
      sub(/^#/, "", line)
      name = value = line
      sub(/ = .*/, "", name)
      sub(/^[a-z_]+ = /, "", value)
      if (!listing) print ".Bl -tag -width Ds"
      listing = 1
      print ".It Cm " name " Li = " argument(value)
      tell()
    } else if (line ~ /^#/) {
      sub(/^# ?/, "", line)
      if (at = index(line, ". Default: ")) {
        notes[++noted] = substr(line, 1, at)
        line = substr(line, at + 2)
      }
      notes[++noted] = line
    }
  }
  if (listing) print ".El"
}

/^@KEYS@$/ { keys(); next }
{ print }
