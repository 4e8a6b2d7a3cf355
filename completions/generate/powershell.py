"""The script for PowerShell: the same tables as hashtables. It binds no keys and changes no policy."""

from __future__ import annotations

from completions.generate.kinds import Values
from completions.generate.registry import Flag, Node

HEAD = """\
# PowerShell completion for taskctl
# {mark} by completions/generate: do not edit.

"""

ENGINE = r"""
Register-ArgumentCompleter -Native -CommandName 'taskctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = $TaskctlCommands
    $line = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.ToString() })
    $program = $line[0]
    $words = @($line | Select-Object -Skip 1)
    if ($wordToComplete -and $words.Count) {
        $words = @($words | Select-Object -SkipLast 1)
    }

    function Find-Value($path, $flag) {
        foreach ($known in @($path, '')) {
            foreach ($row in $commands[$known].Flags) {
                if ($row.Names -ccontains $flag) { return $row.Value }
            }
        }
    }

    $path = ''
    $flag = ''
    $at = 0
    $literal = $false
    foreach ($word in $words) {
        if ($flag) { $flag = '' }
        elseif ($literal) { $at++ }
        elseif ($word -eq '--') { $literal = $true }
        elseif ($word -like '-*') {
            if ($word -notlike '*=*' -and (Find-Value $path $word)) { $flag = $word }
        }
        elseif ($at -eq 0 -and $commands.ContainsKey("$path $word".Trim())) { $path = "$path $word".Trim() }
        else { $at++ }
    }

    $before = ''
    $current = $wordToComplete
    $node = $commands[$path]
    $value = $null
    $rows = @()
    if ($flag) { $value = Find-Value $path $flag }
    elseif (-not $literal -and $current -like '--*=*') {
        $name, $current = $current -split '=', 2
        $before = "$name="
        $value = Find-Value $path $name
    }
    elseif (-not $literal -and $current -like '-*') {
        $flags = @($node.Flags)
        if ($path) { $flags += @($commands[''].Flags) }
        $rows = @($flags | ForEach-Object {
            $about = $_.About
            $_.Names | ForEach-Object { , @($_, $about) }
        })
    }
    else {
        if ($at -eq 0) { $rows = @($node.Verbs) }
        if ($at -lt $node.Words.Count) { $value = $node.Words[$at] }
        else { $value = $node.Rest }
    }

    if ($value) {
        $kind = $value.Kind
        if ($kind -eq 'words') {
            if ($value.List -and $current -like '*,*') {
                $before += $current.Substring(0, $current.LastIndexOf(',') + 1)
                $current = $current.Substring($current.LastIndexOf(',') + 1)
            }
            $rows += @($value.Words)
        }
        elseif ($kind -eq 'file' -or $kind -eq 'folder') { return }
        elseif ($kind -ne 'any') {
            $rows += @(& $program __complete $kind $current '--' @words 2>$null |
                ForEach-Object { , @($_ -split "`t", 2) })
        }
    }

    foreach ($row in $rows) {
        if ($row[0] -and $row[0].StartsWith($current, [StringComparison]::Ordinal)) {
            $about = if ($row[1]) { $row[1] } else { $row[0] }
            [System.Management.Automation.CompletionResult]::new(
                $before + $row[0], $row[0], 'ParameterValue', $about)
        }
    }
}
"""


def script(root: Node, mark: str) -> str:
    lines = ["$TaskctlCommands = @{"]
    for node in root.walk():
        lines += [f"    {quoted(' '.join(node.path))} = @{{", *_node(node), "    }"]
    return HEAD.format(mark=mark) + "\n".join([*lines, "}"]) + "\n" + ENGINE


def _node(node: Node) -> list[str]:
    verbs = [_pair(each.name, each.about) for each in node.nodes if each.is_shown]
    lines = _array("Verbs", verbs) + _array("Flags", [_flag(flag) for flag in node.flags])
    lines += _array("Words", [_value(values) for values in node.words])
    return [*lines, f"        Rest = {'$null' if node.rest is None else _value(node.rest)}"]


def _array(name: str, items: list[str]) -> list[str]:
    if not items:
        return [f"        {name} = @()"]
    # the comma before each keeps a single item an array
    return [f"        {name} = @(", *(f"            , {item}" for item in items), "        )"]


def _pair(value: str, about: str) -> str:
    return f"@({quoted(value)}, {quoted(about)})"


def _flag(flag: Flag) -> str:
    names = ", ".join(map(quoted, flag.names))
    value = "$null" if flag.values is None else _value(flag.values)
    return f"@{{ Names = @({names}); About = {quoted(flag.about)}; Value = {value} }}"


def _value(values: Values) -> str:
    pairs = [_pair(value, about) for value, about in values.words]
    words = f", {pairs[0]}" if len(pairs) == 1 else ", ".join(pairs)
    is_list = str(values.is_list).lower()
    return f"@{{ Kind = {quoted(values.asked)}; List = ${is_list}; Words = @({words}) }}"


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
