"""Execute the lessons into notebooks, their key figures and the gallery: ``python -m tutorials.build [NN ...]``.

Needs jupytext and nbclient: ``pip install -e '.[tutorials]'``. A lesson's file of cells is its source; its notebook is
that with what the cells printed and drew. The cell tagged "key" gives the lesson's figure and the claims of the
gallery, ``tutorials/README.md``, of which everything after the mark is written here.
"""

import argparse
import base64
import json
import os
import re
import time
from pathlib import Path

from minigrad.checkpoint import replacing

HERE = Path(__file__).resolve().parent
MARK = "<!-- Written by python -m tutorials.build from here on. -->\n"


def lessons() -> list[Path]:
    """The files of all lessons, in order."""
    return sorted(HERE.glob("[0-9][0-9]_*.py"))


def write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")


def execute(path: Path) -> dict:
    """The lesson as a notebook that has run, without what differs from run to run and is not the lesson's."""
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(path)
    client = NotebookClient(notebook, timeout=900, kernel_name="python3", resources={"metadata": {"path": str(HERE)}})
    client.execute()
    for i, cell in enumerate(notebook.cells):
        cell.id = f"cell-{i}"
        cell.metadata = {key: value for key, value in cell.metadata.items() if key == "tags"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return notebook


def key_outputs(notebook: dict) -> tuple[bytes, list[str]]:
    """The last picture of the key cell, and the claims that it printed."""
    (cell,) = (cell for cell in notebook["cells"] if "key" in cell["metadata"].get("tags", ()))
    pictures = [output["data"]["image/png"] for output in cell["outputs"] if "image/png" in output.get("data", ())]
    printed = "".join("".join(output.get("text", "")) for output in cell["outputs"])
    return base64.b64decode(pictures[-1]), re.findall(r"✓ (.*)", printed)


def opening(notebook: dict) -> dict[str, str]:
    """What the first cell says: title, Korean title, and the paragraphs by their names."""
    text = "".join(notebook["cells"][0]["source"])
    titles = re.findall(r"^# (.*)$", text, re.M)
    paragraphs = re.findall(r"\*\*(\w+)\.?\*\*:?\s+(.*?)(?=\n\n|\Z)", text, re.S)
    return {"title": titles[0], "제목": titles[1], **{name: " ".join(body.split()) for name, body in paragraphs}}


def exercises(notebook: dict) -> str:
    """The lesson's homework, which its last cell names; empty if there is none."""
    text = "".join(notebook["cells"][-1]["source"])
    return " ".join(text.partition("**[Homework](homework/README.md)**: ")[2].split())


def gallery(notebooks: dict[Path, dict]) -> str:
    """The table of lessons, and each with its question, figure and measured claims."""
    rows, parts = ["| lesson | 강의 | deck | | [homework](homework/README.md) |", "|---|---|---|---|---|"], []
    for path, notebook in notebooks.items():
        number, said = path.name[:2], opening(notebook)
        title = said["title"].partition(" · ")[2]
        links = f"[source]({path.name}), [notebook]({path.with_suffix('.ipynb').name})"
        rows.append(
            f"| [{number} {title}](#{number}) | {said['제목']} | {said['Deck']} | {links} | {exercises(notebook)} |"
        )
        claims = "\n".join(f"- {claim}" for claim in key_outputs(notebook)[1])
        parts.append(
            f'<a id="{number}"></a>\n\n### {number} {title} · {said["제목"]}\n\n'
            f"{said['Question']}\n\n{said['질문']}\n\n"
            f'<img src="figures/{number}.png" alt="{title}: the key figure">\n\n{claims}\n'
        )
    return "\n".join(rows) + "\n\n" + "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tutorials.build", description=__doc__.partition(":")[0] + ".")
    parser.add_argument("numbers", nargs="*", metavar="NN", help="lessons to execute (default: all)")
    numbers = parser.parse_args().numbers
    unknown = set(numbers) - {path.name[:2] for path in lessons()}
    if unknown:
        parser.error(f"there is no lesson {', '.join(sorted(unknown))}; numbers are 00 to {lessons()[-1].name[:2]}")
    os.environ.pop("LESSON_SEED", None)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # rounding, and what training makes of it, depends on the number
    for path in lessons():
        if numbers and path.name[:2] not in numbers:
            continue
        start = time.perf_counter()
        notebook = execute(path)
        with replacing(HERE / "figures" / f"{path.name[:2]}.png") as temporary:
            Path(temporary).write_bytes(key_outputs(notebook)[0])
        write(path.with_suffix(".ipynb"), json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
        print(f"{path.stem}: {time.perf_counter() - start:.0f} s", flush=True)
    built = {path: path.with_suffix(".ipynb") for path in lessons()}
    notebooks = {path: json.loads(file.read_text(encoding="utf-8")) for path, file in built.items() if file.exists()}
    page = HERE / "README.md"
    write(page, page.read_text(encoding="utf-8").partition(MARK)[0] + MARK + "\n" + gallery(notebooks))


if __name__ == "__main__":
    main()
