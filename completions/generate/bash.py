"""The script for bash: tables of flags and values, and one function that finds its way through them."""

from __future__ import annotations

from collections.abc import Iterator

from completions.generate.kinds import Values
from completions.generate.registry import Node

HEAD = """\
# bash completion for taskctl                                       -*- shell-script -*-
# {mark} by completions/generate: do not edit.
"""

ENGINE = r"""
# The words up to the cursor, put together where bash has split them at = and :.
_taskctl_split() {
    local i word is_open=
    words=("${COMP_WORDS[0]}") cword=0
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $is_open || $word == [=:]* ]]; then
            words[cword]+=$word
        else
            words[++cword]=$word
        fi
        is_open=
        [[ $word != *[=:] ]] || is_open=1
    done
    cur=${words[cword]}
}

# _taskctl_fill SPEC CURRENT: suggest what SPEC says and begins like CURRENT.
_taskctl_fill() {
    case $1 in
        'words '*) COMPREPLY+=($(compgen -W "${1#words }" -- "$2")) ;;
        'list '*)
            local before=
            [[ $2 != *,* ]] || before=${2%,*},
            COMPREPLY+=($(compgen -P "$before" -W "${1#list }" -- "${2##*,}"))
            compopt -o nospace 2>/dev/null
            ;;
        file) _taskctl_paths -f "$2" ;;
        folder) _taskctl_paths -d "$2" ;;
        any) ;;
        *) _taskctl_ask "$1" "$2" ;;
    esac
}

_taskctl_paths() {
    local value
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do
        COMPREPLY+=("$value")
    done < <(compgen "$1" -- "$2")
}

# _taskctl_ask KIND CURRENT: suggest what taskctl knows of this project.
_taskctl_ask() {
    local value about
    [[ $1 != param ]] || compopt -o nospace 2>/dev/null
    compopt -o nosort 2>/dev/null
    while IFS=$'\t' read -r value about; do
        COMPREPLY+=("$value")
        _taskctl_about+=("$about")
    done < <("${words[0]/#\~/$HOME}" __complete "$1" "$2" -- "${words[@]:1:cword-1}" 2>/dev/null)
}

# Beside several suggestions that are only listed there is room for what they are about.
_taskctl_describe() {
    local i about
    ((${#COMPREPLY[@]} > 1 && ${#COMPREPLY[@]} == ${#_taskctl_about[@]})) || return 0
    [[ ${COMP_TYPE:-9} == 63 || ${COMP_TYPE:-9} == 33 || ${COMP_TYPE:-9} == 64 ]] || return 0
    for i in "${!COMPREPLY[@]}"; do
        about=${_taskctl_about[i]}
        [[ ! $about || $about == \(* ]] || about="($about)"  # a signature has brackets of its own
        [[ ! $about ]] || COMPREPLY[i]+="  $about"
        COMPREPLY[i]=${COMPREPLY[i]:0:${COLUMNS:-80}-2}
    done
}

_taskctl() {
    local cur words cword REPLY i word path= flag= at=0 is_literal=
    local -a _taskctl_about=()
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur words cword
    else
        _taskctl_split
    fi
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $flag ]]; then
            flag=
        elif [[ $is_literal ]]; then
            ((at++))
        elif [[ $word == -- ]]; then
            is_literal=1
        elif [[ $word == -* ]]; then
            [[ $word == *=* ]] || ! _taskctl_value "$path" "$word" || flag=$word
        elif ((at == 0)) && _taskctl_verb "$path" "$word"; then
            path=${path:+$path }$word
        else
            ((at++))
        fi
    done
    if [[ $flag ]]; then
        _taskctl_value "$path" "$flag" && _taskctl_fill "$REPLY" "$cur"
    elif [[ ! $is_literal && $cur == --*=* ]]; then
        ! _taskctl_value "$path" "${cur%%=*}" || _taskctl_fill "$REPLY" "${cur#*=}"
    elif [[ ! $is_literal && $cur == -* ]]; then
        _taskctl_flags "$path"
        COMPREPLY+=($(compgen -W "$REPLY" -- "$cur"))
    else
        ((at > 0)) || ! _taskctl_verbs "$path" || COMPREPLY+=($(compgen -W "$REPLY" -- "$cur"))
        if _taskctl_word "$path" "$at"; then
            word=$REPLY
            _taskctl_fill "$word" "$cur"
            if [[ $word == param && ! $cur && ! $is_literal ]]; then
                _taskctl_flags "$path"
                COMPREPLY+=($(compgen -W "$REPLY"))
                _taskctl_about=()
            fi
        fi
    fi
    _taskctl_describe
    ! declare -F __ltrim_colon_completions >/dev/null || __ltrim_colon_completions "$cur"
}

complete -F _taskctl taskctl
"""


def script(root: Node, mark: str) -> str:
    nodes = list(root.walk())
    parts = [
        _function("verbs", "PATH: the verbs that may follow it.", '"$1"', _verbs(nodes)),
        _function("verb", "PATH WORD: is the word a verb there?", '"$1 $2"', _known(nodes)),
        _function(
            "flags", "PATH: the flags there.", '"$1"', _flags(nodes), f"REPLY+={quoted(' ' + _names(root))}"
        ),
        _function("value", "PATH FLAG: what the flag takes, if anything.", '"$1 $2"', _values(root, nodes)),
        _function("word", "PATH NUMBER: what that argument is, if any.", '"$1 $2"', _words(nodes)),
    ]
    return HEAD.format(mark=mark) + "\n" + "\n".join(parts) + ENGINE


def _function(name: str, about: str, subject: str, cases: Iterator[tuple[str, str]], after: str = "") -> str:
    lines = [f"# _taskctl_{name} {about}", f"_taskctl_{name}() {{", f"    case {subject} in"]
    lines += [
        f"        {pattern}) {f'REPLY={quoted(reply)}' if reply else 'return 0'} ;;"
        for pattern, reply in cases
    ]
    otherwise = (
        ["        *) REPLY= ;;", "    esac", f"    {after}"]
        if after
        else ["        *) return 1 ;;", "    esac"]
    )
    return "\n".join([*lines, *otherwise, "}", ""])


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _verbs(nodes: list[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        shown = [each.name for each in node.nodes if each.is_shown]
        if shown:
            yield quoted(" ".join(node.path)), " ".join(shown)


def _known(nodes: list[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if node.nodes:
            path = " ".join(node.path)
            yield " | ".join(quoted(f"{path} {each.name}") for each in node.nodes), ""


def _flags(nodes: list[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        if node.path and node.flags:
            yield quoted(" ".join(node.path)), _names(node)


def _names(node: Node) -> str:
    return " ".join(name for flag in node.flags for name in flag.names)


def _values(root: Node, nodes: list[Node]) -> Iterator[tuple[str, str]]:
    """Those of the commands before the global ones, which hold everywhere."""
    for node in nodes:
        for flag in node.flags:
            if flag.values is not None and node is not root:
                yield (
                    " | ".join(quoted(f"{' '.join(node.path)} {name}") for name in flag.names),
                    spec(flag.values),
                )
    for flag in root.flags:
        if flag.values is not None:
            yield " | ".join(f"*' {name}'" for name in flag.names), spec(flag.values)


def _words(nodes: list[Node]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        path = " ".join(node.path)
        for number, values in enumerate(node.words):
            yield quoted(f"{path} {number}"), spec(values)
        if node.rest is not None:
            yield f"{quoted(path + ' ')}*", spec(node.rest)


def spec(values: Values) -> str:
    """`words a b`, `list a b`, `id:failed`, `queue`."""
    if values.kind == "words":
        return " ".join(["list" if values.is_list else "words", *(value for value, _ in values.words)])
    return values.asked
