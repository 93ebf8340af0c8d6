"""Homework: exercises on the gradients and models of the lessons, and a checker that names the mistake."""

import argparse
import sys
from pathlib import Path

from . import edition, grading
from .checker import check
from .exercise import Exercise, exercise, exercises

WORK = Path("homework")


def listed(_) -> int:
    for each in exercises():
        state = "started" if (WORK / each.path.name).exists() else ""
        print(f"{each.number} {each.id:24} {each.points} points  {each.title} · {each.title_ko}  {state}".rstrip())
    total = sum(each.points for each in exercises())
    print(f"in all {total} points; begin one with: python -m tutorials.homework start ID")
    return 0


def start(options) -> int:
    each = exercise(options.id)
    path = WORK / each.path.name
    if path.exists():
        raise FileExistsError(f"{path} is there already, and your work in it is kept; to begin anew, rename it first")
    WORK.mkdir(exist_ok=True)
    path.write_text(each.stub, encoding="utf-8")
    print(f"{path} is yours: read its text, write the code, then: python -m tutorials.homework check {each.id}")
    return 0


def checked(options) -> int:
    if options.train:
        from .training import NEEDED, train

        chosen = [exercise(number) for number in NEEDED]
    elif options.id:
        chosen = [exercise(options.id)]
    else:
        chosen = [each for each in exercises() if (WORK / each.path.name).exists()]
    if not chosen:
        raise FileNotFoundError("nothing is started; begin with: python -m tutorials.homework start 01")
    right = True
    for each, file in [(each, _started(each)) for each in chosen]:
        verdicts, printed = check(each, file)
        print(grading.told(each, verdicts, printed), flush=True)
        right &= not any(verdict.mistake for verdict in verdicts)
    if options.train and right:
        print("now training with your functions, a minute or so ...", flush=True)
        print(train(WORK))
    elif options.train:
        print(f"--train needs {', '.join(NEEDED)} to be right")
    return 0 if right else 1


def hint(options) -> int:
    each = exercise(options.id)
    count = len(each.hints)
    if not 1 <= options.number <= count:
        raise ValueError(f"hint: {each.id} has hints 1 to {count}")
    print("\n".join(each.hints[options.number - 1]))
    if options.number < count:
        print(
            f"({options.number} of {count}; the next: python -m tutorials.homework hint {each.id} {options.number + 1})"
        )
    return 0


def report(_) -> int:
    total = 0
    for each in exercises():
        file = WORK / each.path.name
        points = sum(verdict.points for verdict in check(each, file, smallest=False)[0]) if file.exists() else 0
        total += points
        bar = "█" * points + "·" * (each.points - points)
        print(
            f"{each.number} {each.title:52} {bar:5} {points} of {each.points}{'' if file.exists() else '  not started'}"
        )
    print(f"{total} of {sum(each.points for each in exercises())} points")
    return 0


def release(options) -> int:
    print(f"{edition.release(options.folder, options.variant, options.gradescope)} has no solution in it")
    return 0


def grade(options) -> int:
    if not options.submissions.is_dir():
        raise FileNotFoundError(f"there is no folder {options.submissions}; it should have one folder for each student")
    if options.gradescope:
        grading.gradescope(options.submissions, options.out)
    else:
        print(grading.grade(options.submissions, options.out))
    return 0


def selftest(options) -> int:
    from .selftest import run

    return run(options.ids)


def _started(each: Exercise) -> Path:
    path = WORK / each.path.name
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}; begin with: python -m tutorials.homework start {each.id}")
    return path


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tutorials.homework", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name, function, help):
        command = commands.add_parser(name, help=help, description=help)
        command.set_defaults(run=function)
        return command

    add("list", listed, "all exercises and their points")
    add("start", start, "copy an exercise to homework/ in this folder").add_argument("id", metavar="ID")
    command = add("check", checked, "check one exercise, or all that are started")
    command.add_argument("id", metavar="ID", nargs="?")
    command.add_argument("--train", action="store_true", help="09, 10 and 11, and train a network with them")
    command = add("hint", hint, "a hint, in English and Korean")
    command.add_argument("id", metavar="ID")
    command.add_argument("number", metavar="N", type=int, nargs="?", default=1)
    add("report", report, "points of all exercises")
    command = add("grade", grade, "grade a folder of submissions, one folder each")
    command.add_argument("submissions", metavar="SUBMISSIONS", type=Path)
    command.add_argument("--out", metavar="DIR", type=Path, default=Path("grades"), help="default: grades")
    command.add_argument("--gradescope", action="store_true", help="SUBMISSIONS is the folder of one student")
    if (Path(__file__).parent / "selftest.py").exists():  # not in a student's edition
        command = add("release", release, "write the student's edition, without solutions, to a new folder")
        command.add_argument("folder", metavar="DIR", type=Path)
        command.add_argument(
            "--variant", metavar="N", type=int, default=0, help="other constants in the texts, such as a year"
        )
        command.add_argument("--gradescope", action="store_true", help="write the autograder's DIR.zip instead")
        add("selftest", selftest, "prove the grader").add_argument("ids", metavar="ID", nargs="*")
    return top


def main() -> int:
    top = parser()
    options = top.parse_args()
    try:
        return options.run(options)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except (KeyError, ValueError, OSError) as error:
        print(f"{top.prog}: {error.args[0] if isinstance(error, KeyError) else error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
