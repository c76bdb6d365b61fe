# bash completion of featureaudit: source <(featureaudit completion bash)
_featureaudit() {
  local current="${COMP_WORDS[COMP_CWORD]}" line=() words=() word quote=""
  # Bash splits --flag=value at "="; put the pieces together again.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if [ "${#line[@]}" -gt 0 ] && { [ "$word" = "=" ] || [ "${line[-1]: -1}" = "=" ]; }; then
      line[-1]+="$word"
    else
      line+=("$word")
    fi
  done
  [ "${#line[@]}" -gt 0 ] || line=("")
  # Words are as they were typed: take the quotes away.
  case "$current" in [\"\']*) quote="${current:0:1}" ;; esac
  line=("${line[@]//[\\\"\']/}")
  mapfile -t words < <("${COMP_WORDS[0]}" __complete "${line[@]}" 2>/dev/null)
  COMPREPLY=()
  for word in "${words[@]}"; do
    # What stands before the last "=" is on the line already.
    case "${line[-1]}" in --*=*) [ "$current" = "=" ] && current=""; word="${word#"${line[-1]%%=*}="}" ;; esac
    case "$word" in *=) compopt -o nospace ;; esac
    [ -n "$quote" ] || printf -v word %q "$word"
    COMPREPLY+=("$word")
  done
  if [ "${#COMPREPLY[@]}" -eq 0 ]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "${current#=}")
  fi
}
complete -F _featureaudit featureaudit
