#compdef featureaudit
# zsh completion of featureaudit: put it as _featureaudit into a folder of $fpath.
_featureaudit() {
  local -a found
  found=("${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ${#found} )); then
    local -a open closed
    open=("${(@M)found:#*=}") closed=("${(@)found:#*=}")
    (( ${#open} )) && compadd -S '' -- "${open[@]}"
    (( ${#closed} )) && compadd -- "${closed[@]}"
    return 0
  fi
  _files
}
if [ "$funcstack[1]" = "_featureaudit" ]; then
  _featureaudit "$@"
else
  compdef _featureaudit featureaudit
fi
