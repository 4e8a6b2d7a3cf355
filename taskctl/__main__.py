"""The entry point. It stays cheap: `--version`, Tab and an early Ctrl-C are served before other imports."""

from __future__ import annotations

import sys


def main() -> int:
    """The console script `taskctl`."""
    try:
        argv = sys.argv[1:]
        if argv == ["--version"] and _say(version(verbose=False)):
            return 0
        if argv[:1] == ["__complete"]:
            from taskctl.suggestions import answer

            return answer.main(argv[1:])
        from taskctl.app import run

        return run(argv)
    except KeyboardInterrupt:
        return 130


def _say(line: str) -> bool:
    """Whether it could be written; if not, the long way knows what to do about it."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):  # closed, full or broken
        return False
    return True


def version(*, verbose: bool) -> str:
    """`taskctl 1.0.0 (Python 3.11.7)`; with `verbose` also Django, which has to be imported for it."""
    from django_task_worker._version import __version__

    python = f"Python {sys.version.split()[0]}"
    if verbose:
        import django

        python = f"Django {django.get_version()}, {python}"
    return f"taskctl {__version__} ({python})"


if __name__ == "__main__":
    sys.exit(main())
