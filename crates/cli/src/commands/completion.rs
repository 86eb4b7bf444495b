//! `completion <shell>`: short scripts that ask `open-cli __complete -- <words…>` for candidates, one a line, the
//! last word being the one that is completed.

use super::COMPLETE;
use crate::app::App;
use crate::exit::Exit;
use crate::failure::Failure;

/// Shells that have a script.
pub(crate) const SHELLS: &[&str] = &["bash", "zsh", "fish", "powershell"];

const BASH: &str = r#"# bash completion for open-cli
_open_cli() {
    local current="${COMP_WORDS[COMP_CWORD]}" line candidate
    local -a typed=()
    # bash splits at `=` and `:`; put the words together again as they were typed.
    local i joined=""
    for ((i = 1; i <= COMP_CWORD; i++)); do
        local word="${COMP_WORDS[i]}"
        if [[ "$word" == "=" || "$word" == ":" ]]; then
            joined=1
            if ((${#typed[@]})); then typed[${#typed[@]}-1]+="$word"; else typed+=("$word"); fi
        elif [[ -n "$joined" ]]; then
            joined=""
            typed[${#typed[@]}-1]+="$word"
        else
            typed+=("$word")
        fi
    done
    local whole="${typed[${#typed[@]}-1]}" prefix=""
    [[ "$current" == "=" || "$current" == ":" ]] && current=""
    # Only what follows the last separator is replaced.
    prefix="${whole%"$current"}"
    COMPREPLY=()
    while IFS= read -r line; do
        candidate="${line%%$'\t'*}"
        [[ "$candidate" == "$whole"* ]] && COMPREPLY+=("${candidate#"$prefix"}")
    done < <("${COMP_WORDS[0]}" __complete -- "${typed[@]}" 2>/dev/null)
}
complete -o default -F _open_cli open-cli
"#;

const ZSH: &str = r#"#compdef open-cli
# zsh completion for open-cli
_open_cli() {
    local -a candidates described
    local line
    while IFS= read -r line; do
        candidates+=("${line%%$'\t'*}")
        if [[ "$line" == *$'\t'* ]]; then
            described+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
        else
            described+=("$line")
        fi
    done < <("${words[1]}" __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        compadd -l -d described -a candidates
    else
        _files
    fi
}
if [[ "${funcstack[1]}" == "_open_cli" ]]; then
    _open_cli "$@"
else
    compdef _open_cli open-cli
fi
"#;

const FISH: &str = r#"# fish completion for open-cli
function __open_cli_candidates
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] __complete -- $words[2..-1] "$current" 2>/dev/null
end
complete -c open-cli -a '(__open_cli_candidates)'
"#;

const POWERSHELL: &str = r#"# PowerShell completion for open-cli
Register-ArgumentCompleter -Native -CommandName 'open-cli' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Where-Object { $_.Extent.EndOffset -le $cursorPosition } |
        ForEach-Object { $_.ToString() })
    $program = $words[0]
    $typed = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $typed += '""' }
    & $program __complete -- @typed 2>$null | ForEach-Object {
        $name, $about = $_ -split "`t", 2
        if (-not $about) { $about = $name }
        [System.Management.Automation.CompletionResult]::new($name, $name, 'ParameterValue', $about)
    }
}
"#;

pub(super) fn run(app: &App, operands: &[String]) -> Result<Exit, Failure> {
    let shell = operands.first().map_or("", String::as_str);
    let script = match shell {
        "bash" => BASH,
        "zsh" => ZSH,
        "fish" => FISH,
        "powershell" => POWERSHELL,
        other => {
            return Err(Failure::usage(
                format!("There is no completion script for {other:?}"),
                format!("Expected one of: {}.", SHELLS.join(", ")),
            )
            .suggest("Write e.g. `open-cli completion bash`."));
        }
    };
    debug_assert!(script.contains(COMPLETE));
    app.screen.text(script)?;
    Ok(Exit::Ok)
}
