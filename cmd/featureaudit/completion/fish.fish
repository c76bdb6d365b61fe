# fish completion of featureaudit: featureaudit completion fish > ~/.config/fish/completions/featureaudit.fish
function __featureaudit_complete
    set -l words (commandline -opc)
    set -l token (commandline -ct | string unescape)
    set -l found ($words[1] __complete $words[2..-1] "$token" 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        set -l flag (string match -r '^--[^=]*=' -- "$token")
        for path in (__fish_complete_path (string replace -r '^--[^=]*=' '' -- "$token"))
            printf '%s\n' "$flag$path"
        end
    end
end
complete -c featureaudit -f -a '(__featureaudit_complete)'
