# bash completion for tandem(1). What there is to complete is asked of `tandem ... --help`, so that
# it never differs from the program; names of pairs are asked of the agent.

# The first words of the lines of one section of a help text: "-h,--help" gives both.
_tandem_section() { # SECTION
  awk -v section="$1:" '
    /^[^ ]/ { inside = ($0 == section) }
    inside && /^  [^ ]/ { count = split($1, words, ","); for (i = 1; i <= count; i++) print words[i] }'
}

# Pairs of the local agent, when it answers and may be asked.
_tandem_pairs() { # PROGRAM [--socket PATH]
  timeout 1 "$@" status --json 2>/dev/null |
    sed 's/"name":"/\n&/g' | sed -n 's/^"name":"\([^"]*\)","state":.*/\1/p' | sort -u
}

_tandem() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local program=${COMP_WORDS[0]} path=() socket=() help subcommands word i skip=''
  COMPREPLY=()
  # Which subcommand: each word that is one of those of the path so far.
  help=$("$program" --help 2>/dev/null) || return 0
  subcommands=$(_tandem_section Subcommands <<<"$help")
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $skip ]]; then
      [[ $skip != --socket ]] || socket=(--socket "$word")
      skip=''
    elif [[ $word == -* ]]; then
      _tandem_takes_value "$word" <<<"$help" && skip=$word
    elif grep -qxF -e "$word" <<<"$subcommands"; then
      path+=("$word")
      help=$("$program" "${path[@]}" --help 2>/dev/null) || return 0
      subcommands=$(_tandem_section Subcommands <<<"$help")
    fi
  done
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_tandem_section Options <<<"$help")" -- "$current"))
  elif [[ $previous == --kind ]]; then
    COMPREPLY=($(compgen -W "$(_tandem_kinds <<<"$help")" -- "$current"))
  elif [[ $skip == --color ]]; then
    COMPREPLY=($(compgen -W "auto always never" -- "$current"))
  elif [[ $skip ]]; then
    case $skip in
      *-file | *-dir | --socket | --config | --output | --tls-ca | --tls-cert | --tls-key)
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$current"))
        ;;
    esac
  elif [[ $subcommands ]]; then
    COMPREPLY=($(compgen -W "$subcommands" -- "$current"))
  elif grep -qx pair <<<"$(_tandem_section Positionals <<<"$help")"; then
    COMPREPLY=($(compgen -W "$(_tandem_pairs "$program" "${socket[@]}")" -- "$current"))
  elif [[ $help == *$'\nPositionals:'* ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
  fi
}

# A name with a type behind it ("--server TEXT") wants a value; one with "=" in the same word has
# it.
_tandem_takes_value() { # OPTION
  awk -v option="$1" '
    /^  -/ { count = split($1, names, ",")
      for (i = 1; i <= count; i++) if (names[i] == option && $2 ~ /^[A-Z]+([:=]|$)/) found = 1 }
    END { exit !found }'
}

# "--kind TEXT ...   transition, alarm, server": the words of its description.
_tandem_kinds() {
  sed -n 's/^ *--kind [A-Z]* \.\.\. *//p' | tr -d ','
}

complete -F _tandem tandem
