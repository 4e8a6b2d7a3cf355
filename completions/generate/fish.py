"""The script for fish: the same tables as functions of fish, and one function that goes by them."""

from __future__ import annotations

from collections.abc import Iterator

from completions.generate.kinds import Values
from completions.generate.registry import Flag, Node

HEAD = """\
# fish completion for taskctl
# {mark} by completions/generate: do not edit.
"""

ENGINE = r"""
# __taskctl_fill BEFORE CURRENT SPEC...: what SPEC says, each behind BEFORE.
function __taskctl_fill
    set -l before $argv[1]
    set -l current $argv[2]
    switch "$argv[3]"
        case words
            printf "$before%s\n" $argv[4..]
        case list
            if string match -q '*,*' -- $current
                set before $before(string replace -r '[^,]*$' '' -- $current)
            end
            printf "$before%s\n" $argv[4..]
        case file
            __fish_complete_path $current | string replace -r '^' -- $before
        case folder
            __fish_complete_directories $current '' | string replace -r '^' -- $before
        case any
        case '*'
            set -l words (commandline -opc)
            set -l program (string replace -r '^~' ~ -- $words[1])
            $program __complete $argv[3] "$current" -- $words[2..] 2>/dev/null |
                string replace -r '^' -- $before
    end
end

function __taskctl
    set -l path ''
    set -l flag
    set -l at 0
    set -l is_literal no
    for word in (commandline -opc)[2..]
        if set -q flag[1]
            set flag
        else if test $is_literal = yes
            set at (math $at + 1)
        else if test "$word" = --
            set is_literal yes
        else if string match -q -- '-*' $word
            string match -q -- '*=*' $word; or not __taskctl_value "$path" $word >/dev/null; or set flag $word
        else if test $at = 0; and __taskctl_verb "$path" $word
            set path (string trim "$path $word")
        else
            set at (math $at + 1)
        end
    end
    set -l current (commandline -ct)
    if set -q flag[1]
        __taskctl_fill '' "$current" (__taskctl_value "$path" $flag)
    else if test $is_literal = no; and string match -q -- '--*=*' $current
        set -l parts (string split -m 1 = -- $current)
        __taskctl_fill $parts[1]= "$parts[2]" (__taskctl_value "$path" $parts[1])
    else if test $is_literal = no; and string match -q -- '-*' $current
        __taskctl_flags "$path"
    else
        test $at = 0; and __taskctl_verbs "$path"
        set -l spec (__taskctl_word "$path" $at)
        __taskctl_fill '' "$current" $spec
        test "$spec" = param; and test -z "$current"; and test $is_literal = no; and __taskctl_flags "$path"
    end
end

complete -c taskctl -f -k -a '(__taskctl)'
"""


def script(root: Node, mark: str) -> str:
    nodes = list(root.walk())
    parts = [
        _function("verbs", "the verbs that may follow", "path", '"$path"', _verbs(nodes)),
        _function("verb", "is the word a verb there?", "path word", '"$path $word"', _known(nodes)),
        _function("flags", "the flags there", "path", '"$path"', _flags(nodes), _pairs(root.flags)),
        _function(
            "value", "what a flag takes, if anything", "path flag", '"$path $flag"', _values(root, nodes)
        ),
        _function("word", "what an argument is, if any", "path number", '"$path $number"', _words(nodes)),
    ]
    return HEAD.format(mark=mark) + "\n" + "\n".join(parts) + ENGINE


def _function(
    name: str,
    about: str,
    arguments: str,
    subject: str,
    cases: Iterator[tuple[str, list[str]]],
    after: list[str] | None = None,
) -> str:
    lines = [f"# {about}", f"function __taskctl_{name} -a {arguments}", f"    switch {subject}"]
    for pattern, words in cases:
        lines.append(f"        case {pattern}")
        lines += [f"            {line}" for line in (words or ["return 0"])]
    lines += ["        case '*'", "            return 1"] if after is None else []
    return "\n".join([*lines, "    end", *(f"    {line}" for line in after or ()), "end", ""])


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _verbs(nodes: list[Node]) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        shown = [(each.name, each.about) for each in node.nodes if each.is_shown]
        if shown:
            yield quoted(" ".join(node.path)), _printed(shown)


def _known(nodes: list[Node]) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        if node.nodes:
            yield " ".join(quoted(f"{' '.join(node.path)} {each.name}") for each in node.nodes), []


def _flags(nodes: list[Node]) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        if node.path:
            yield quoted(" ".join(node.path)), _pairs(node.flags)


def _pairs(flags: tuple[Flag, ...]) -> list[str]:
    return _printed([(name, flag.about) for flag in flags for name in flag.names])


def _printed(pairs: list[tuple[str, str]]) -> list[str]:
    """Commands that print value and description."""
    return [rf"printf '%s\t%s\n' {quoted(value)} {quoted(about)}" for value, about in pairs]


def _values(root: Node, nodes: list[Node]) -> Iterator[tuple[str, list[str]]]:
    """Those of the commands before the global ones, which hold everywhere."""
    for node in nodes:
        for flag in node.flags:
            if flag.values is not None and node is not root:
                names = (quoted(f"{' '.join(node.path)} {name}") for name in flag.names)
                yield " ".join(names), _spec(flag.values)
    for flag in root.flags:
        if flag.values is not None:
            yield " ".join(quoted(f"* {name}") for name in flag.names), _spec(flag.values)


def _words(nodes: list[Node]) -> Iterator[tuple[str, list[str]]]:
    for node in nodes:
        path = " ".join(node.path)
        for number, values in enumerate(node.words):
            yield quoted(f"{path} {number}"), _spec(values)
        if node.rest is not None:
            yield quoted(f"{path} *"), _spec(node.rest)


def _spec(values: Values) -> list[str]:
    """A command that prints `words a b`, `list a b`, `id:failed` or `queue`, a line each."""
    if values.kind != "words":
        words = [values.asked]
    else:
        words = ["list" if values.is_list else "words"]
        words += [f"{value}\t{about}" if about else value for value, about in values.words]
    return [rf"printf '%s\n' {' '.join(map(quoted, words))}"]
