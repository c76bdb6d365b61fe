#compdef featureaudit
# zsh completion of featureaudit: put it as _featureaudit into a folder of $fpath.
_featureaudit() {
  local -a found
  # Words are as they were typed: take the quotes away, those too that are open still.
  local current="${words[CURRENT]}"
  [[ $current == [\"\']* ]] && current="${current#?}" || current="${(Q)current}"
  found=("${(@f)$(${words[1]} __complete "${(@Q)words[2,CURRENT-1]}" "$current" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ${#found} )); then
    local -a open closed
    open=("${(@M)found:#*=}") closed=("${(@)found:#*=}")
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( ${#closed} )) && compadd -- "${closed[@]}"
    return 0
  fi
  compset -P '--*='
  _files
}
if [ "$funcstack[1]" = "_featureaudit" ]; then
  _featureaudit "$@"
else
  compdef _featureaudit featureaudit
fi
