"""The homework's command line, as a student and a teacher use it; the grader proves itself in its own selftest."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tutorials.homework import checker, edition, grading
from tutorials.homework.exercise import SOLUTION, exercise, exercises

ROOT = Path(__file__).parents[2]
EVERY = exercises()
every_exercise = pytest.mark.parametrize("each", EVERY, ids=lambda each: each.id)


def homework(folder: Path, *arguments, root: Path = ROOT):
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "tutorials.homework", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")


def hand_in(folder: Path, number: str, text: str) -> None:
    path = folder / exercise(number).path.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_there_are_28_exercises_of_100_points():
    assert [each.number for each in EVERY] == [f"{n:02}" for n in range(1, 29)]
    assert sum(each.points for each in EVERY) == 100


@every_exercise
def test_an_exercise_has_its_parts(each):
    assert sum(part.points for part in each.parts) == each.points
    assert re.search("[가-힣]", each.title_ko) and re.search("[가-힣]{2}", each.stub)
    assert len(each.hints) >= 2 and all(re.search("[가-힣]", korean) for _, korean in each.hints)
    assert len(each.mistakes) >= 5 and len(each.others) >= 1
    assert all(mistake.text_ko for mistake in each.mistakes if mistake.text)
    explained = {mistake.name for mistake in each.mistakes if mistake.text}
    assert {mistake.name for mistake in each.mistakes} <= {*checker.KINDS, *explained}


@every_exercise
def test_a_stub_is_the_solution_without_the_solution(each):
    assert "raise NotImplementedError" in each.stub and "SOLUTION" not in each.stub and "«" not in each.stub
    kept = SOLUTION.sub("", each.solution).splitlines()
    assert [line for line in each.stub.splitlines() if "raise NotImplementedError" not in line] == kept
    compile(each.stub, each.id, "exec")


def test_the_mistakes_are_many():
    assert sum(len(each.mistakes) for each in EVERY) >= 130
    assert sum(len(each.others) for each in EVERY) >= 20


def test_every_kind_of_mistake_that_can_be_diagnosed_has_a_hint():
    source = (ROOT / "minigrad/diagnosis.py").read_text(encoding="utf-8")
    assert set(re.findall(r'Diagnosis\(\s*"(.*?)"', source)) <= set(checker.KINDS)


# ------------------------------------------------------------------ a student
def test_start_gives_the_stub_and_never_overwrites_work(tmp_path):
    assert homework(tmp_path, "start", "tanh_gradient").returncode == 0
    path = tmp_path / "homework" / "01_tanh_gradient.py"
    assert path.read_text(encoding="utf-8") == exercise("01").stub
    path.write_text("my work")
    run = homework(tmp_path, "start", "01")
    assert run.returncode == 2 and "is there already" in run.stderr and run.stderr.count("\n") == 1
    assert path.read_text() == "my work"


def test_check_says_what_is_right_and_what_is_not_written(tmp_path):
    hand_in(tmp_path / "homework", "01", exercise("01").solution)
    run = homework(tmp_path, "check", "1")
    assert run.returncode == 0 and "2 of 2 points" in run.stdout
    hand_in(tmp_path / "homework", "05", exercise("05").stub)
    run = homework(tmp_path, "check")
    assert run.returncode == 1 and "not written yet" in run.stdout and "2 of 2 points" in run.stdout


def test_a_wrong_convolution_gradient_is_told_as_the_readme_shows(tmp_path):
    page = (ROOT / "tutorials/homework/README.md").read_text(encoding="utf-8")
    shown = re.search(r"```text\n(10 .*?)```", page, re.S)[1]
    each = exercise("10")
    hand_in(tmp_path / "homework", "10", each.mistaken(each.mistakes[0]))
    run = homework(tmp_path, "check", "10")
    assert run.returncode == 1
    told = [line for line in run.stdout.splitlines() if "smallest" not in line]
    assert told == [line for line in shown.splitlines() if "smallest" not in line]
    assert re.search(
        r"where +the gradient for w\[\d, \d, \d, \d\]\n +yours .*\n +expected .*\n +mistake  flipped", shown
    )


@pytest.mark.parametrize("name", ["g is missing", "square is missing"])
def test_a_mistake_of_the_exercises_list_is_named_in_both_languages(tmp_path, name):
    each = exercise("01")
    mistake = next(mistake for mistake in each.mistakes if mistake.name == name)
    hand_in(tmp_path / "homework", "01", each.mistaken(mistake))
    out = homework(tmp_path, "check", "01").stdout
    assert f"mistake  {name}: {mistake.text}" in out and mistake.text_ko in out


def test_a_mistake_that_shows_in_one_case_alone_is_named(tmp_path):
    each = exercise("11")
    file = tmp_path / "ties.py"
    mistake = next(mistake for mistake in each.mistakes if mistake.name == "all of the equal ones")
    file.write_text(each.mistaken(mistake), encoding="utf-8")
    (verdict,), _ = checker.check(each, file, smallest=False)
    assert verdict.mistake == mistake.name and verdict.lines[0].startswith("case ")


def test_what_the_code_prints_is_shown(tmp_path):
    hand_in(tmp_path / "homework", "01", exercise("01").solution + "\nprint('my own words')\n")
    assert "my own words" in homework(tmp_path, "check", "01").stdout


def test_an_error_in_the_students_code_is_shown_with_its_line(tmp_path):
    text = exercise("01").solution.replace("g * (1 - y * y)", "gg * (1 - y * y)")
    hand_in(tmp_path / "homework", "01", text)
    out = homework(tmp_path, "check", "01").stdout
    line = next(n for n, line in enumerate(text.splitlines(), 1) if "gg" in line)
    assert re.search(rf"NameError: name 'gg' is not defined\n +line {line} +return gg", out), out


def test_changing_the_inputs_is_a_mistake(tmp_path):
    text = exercise("01").solution.replace("return g * (1 - y * y)", "g *= 1 - y * y\n    return g")
    hand_in(tmp_path / "homework", "01", text)
    assert "tanh_grad changes what it is given" in homework(tmp_path, "check", "01").stdout


@pytest.mark.parametrize(
    "answer", ["None", "'text'", "[[1], [2, 3]]", "1j", "print", "[]", "{}", "np.nan", "np.ones(3)", "np.ones(0)"]
)
def test_a_strange_answer_is_a_mistake(tmp_path, answer):
    file = tmp_path / "strange.py"
    file.write_text(exercise("01").solution.replace("g * (1 - y * y)", answer), encoding="utf-8")
    (verdict,), _ = checker.check(exercise("01"), file, smallest=False)
    assert verdict.mistake and verdict.lines


def test_float32_answers_are_right(tmp_path):
    file = tmp_path / "float32.py"
    text = exercise("01").solution.replace("g * (1 - y * y)", "np.float32(g) * (1 - np.float32(y) ** 2)")
    file.write_text(text, encoding="utf-8")
    assert [verdict.mistake for verdict in checker.check(exercise("01"), file)[0]] == [""]


def test_a_slightly_wrong_float64_answer_is_wrong(tmp_path):
    file = tmp_path / "off.py"
    text = exercise("01").solution.replace("g * (1 - y * y)", "1.00001 * g * (1 - y * y)")
    file.write_text(text, encoding="utf-8")
    assert checker.check(exercise("01"), file)[0][0].mistake


def test_hints_come_one_by_one_in_both_languages(tmp_path):
    first, second = homework(tmp_path, "hint", "01").stdout, homework(tmp_path, "hint", "01", 2).stdout
    assert first != second and re.search("[가-힣]", first) and re.search("[가-힣]", second)


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (("start", "nothing"), "`list` shows them all"),
        (("check", "01"), "start tanh_gradient"),
        (("check",), "start 01"),
        (("hint", "01", 99), "hints 1 to"),
        (("grade", "nowhere"), "one folder for each student"),
        (("grade", "."), "one for each student"),
        (("check", "--train"), "start convolution_forward"),
    ],
)
def test_bad_input_gets_one_clear_line(tmp_path, arguments, advice):
    run = homework(tmp_path, *arguments)
    assert run.returncode == 2 and run.stdout == "" and advice in run.stderr and run.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_training_needs_the_three_exercises_to_be_right(tmp_path):
    for number in ("09", "10"):
        hand_in(tmp_path / "homework", number, exercise(number).solution)
    hand_in(tmp_path / "homework", "11", exercise("11").stub)
    run = homework(tmp_path, "check", "--train")
    assert run.returncode == 1 and "--train needs 09, 10, 11 to be right" in run.stdout
    assert not (tmp_path / "homework/training.png").exists()


@pytest.mark.slow
def test_the_students_functions_train_the_classifier(tmp_path):
    for number in ("09", "10", "11"):
        hand_in(tmp_path / "homework", number, exercise(number).solution)
    run = homework(tmp_path, "check", "--train")
    print(run.stdout)
    assert run.returncode == 0, run.stderr
    before, after = map(float, re.findall(r"([\d.]+)%", run.stdout))
    assert before < 35 and after > 60
    assert (tmp_path / "homework/training.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs Linux's /proc")
def test_no_process_that_the_students_code_starts_outlives_the_check(tmp_path):
    file, pid = tmp_path / "forks.py", tmp_path / "pid"
    started = "subprocess.Popen(['sleep', '300'], start_new_session=True).pid"
    text = f"import subprocess\nopen({str(pid)!r}, 'w').write(str({started}))\n"
    file.write_text(text + exercise("01").solution, encoding="utf-8")
    assert checker.check(exercise("01"), file)[0][0].points == 2
    status = Path("/proc", pid.read_text(), "stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_file_where_a_folder_should_be_gets_one_clear_line(tmp_path):
    (tmp_path / "homework").write_text("not a folder")
    (tmp_path / "all" / "ada").mkdir(parents=True)
    for arguments in (("start", "01"), ("grade", "all", "--out", "homework")):
        run = homework(tmp_path, *arguments)
        assert run.returncode == 2 and "homework" in run.stderr and run.stderr.count("\n") == 1
    assert (tmp_path / "homework").read_text() == "not a folder"


# ------------------------------------------------------------------ a teacher
def constants_of(source: str) -> dict[str, str]:
    return dict(re.findall(r"^(\w+) = (.+?)  # edition", source, re.M))


def test_two_years_editions_have_no_constant_in_common():
    with_constants = [each for each in EVERY if each.constants]
    assert len(with_constants) >= 12
    for each in with_constants:
        years = [constants_of(edition.varied(each.source, year)) for year in (0, 1, 2)]
        assert years[0] == constants_of(each.source)
        for this, next_one in zip(years, years[1:]):
            assert all(this[name] != next_one[name] for name in this)


@pytest.mark.slow
def test_a_release_checks_names_mistakes_and_tells_no_solution(tmp_path):
    release = tmp_path / "edition"
    assert homework(tmp_path, "release", release, "--variant", 1).returncode == 0
    for each in EVERY:
        text = (release / "tutorials/homework/exercises" / each.path.name).read_text(encoding="utf-8")
        assert "SOLUTION" not in text and "MISTAKES" not in text and "NotImplementedError" in text
    assert not (release / "tutorials/homework/selftest.py").exists()
    # last year's answer, in the new edition
    old = next(each for each in EVERY if each.constants)
    hand_in(tmp_path / "homework", old.number, old.solution)
    hand_in(tmp_path / "homework", "10", exercise("10").mistaken(exercise("10").mistakes[3]))
    last_year = homework(tmp_path, "check", old.number, root=release)
    assert last_year.returncode == 1 and "another edition" in last_year.stdout
    (name,) = list(old.constants)[:1]
    assert re.search(rf"this edition asks .*{name} = ", last_year.stdout)
    assert exercise("10").mistakes[3].name in homework(tmp_path, "check", "10", root=release).stdout
    again = homework(tmp_path, "release", release)
    assert again.returncode == 2 and "is there already" in again.stderr


def test_grade_writes_a_table_and_what_gradescope_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(grading, "exercises", lambda: EVERY[:1] + EVERY[4:5])
    hand_in(tmp_path / "all" / "ada", "01", exercise("01").solution)
    hand_in(tmp_path / "all" / "ada" / "homework", "05", exercise("05").solution)
    hand_in(tmp_path / "all" / "bob", "01", exercise("01").stub)
    table = grading.grade(tmp_path / "all", tmp_path / "grades")
    with open(table, encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["name", "total", "tanh_gradient", "gradient_checker"],
            ["ada", "6", "2", "4"],
            ["bob", "0", "0", "0"],
        ]
    results = json.loads((tmp_path / "grades/bob/results.json").read_text(encoding="utf-8"))
    assert results["score"] == 0
    for test in results["tests"]:
        assert set(test) == {"name", "score", "max_score", "output", "visibility"}
        assert test["visibility"] in ("hidden", "after_due_date", "after_published", "visible")
    assert "not written yet" in results["tests"][0]["output"]
    assert "not handed in" in results["tests"][1]["output"]


@pytest.mark.slow
def test_the_grader_proves_itself():
    run = homework(ROOT, "selftest")
    print(run.stdout)
    assert run.returncode == 0, run.stdout[-3000:]
