"""A hint for every kind of mistake that can be named without knowing the exercise, in English and Korean."""

KINDS = {
    "not finite": (
        "Look for log(0), 0/0, the root of a negative number, or e to a large power.",
        "log(0), 0/0, 음수의 제곱근, 큰 수의 지수함수가 없는지 보라.",
    ),
    "zero": ("Is a term missing, or an argument not used?", "빠진 항이나 쓰지 않은 인수가 없는지 보라."),
    "not zero": ("It should be zero here.", "여기서는 0이어야 한다."),
    "small": (
        "Nearly right: look for rounding, float32, or an eps in the wrong place.",
        "거의 맞다. 반올림, float32, eps의 위치를 보라.",
    ),
    "cotangent": ("Multiply by g, the gradient that comes from above.", "위에서 내려온 기울기 g를 곱하라."),
    "factor": ("Check signs, and mean against sum.", "부호, 그리고 평균과 합을 확인하라."),
    "another input": ("Two inputs are exchanged.", "두 입력이 서로 바뀌었다."),
    "transposed": (
        "Check which axis is which, and where a transpose belongs.",
        "어느 축이 어느 것인지, 전치가 어디에 필요한지 확인하라.",
    ),
    "flipped": ("Check the direction of the indices.", "인덱스의 방향을 확인하라."),
    "shifted": ("Check where indices start: off by one.", "인덱스의 시작점을 확인하라. 하나씩 어긋났다."),
    "blocks": ("Check the order in which blocks are joined.", "블록을 이어 붙이는 순서를 확인하라."),
    "summed": ("Do not reduce over this axis.", "이 축으로는 합하지 마라."),
    "not summed": ("Sum over this axis.", "이 축으로 합하라."),
    "shape": ("Compare the shape with the one that the text asks for.", "문제에서 요구한 모양과 비교하라."),
    "border": ("Check padding, and the first and last positions.", "패딩과 처음과 마지막 위치를 확인하라."),
    "centring": (
        "A mean also depends on every element: its term is missing.",
        "평균도 모든 원소에 의존한다. 그 항이 빠졌다.",
    ),
    "entries": ("Look at what is special about the wrong entries.", "틀린 원소들의 공통점을 찾아보라."),
    "unknown": ("Work through the tiny example of the text by hand.", "본문의 작은 예를 손으로 계산해 보라."),
    "not written": (
        "Replace `raise NotImplementedError` by your code.",
        "`raise NotImplementedError`를 코드로 바꾸어라.",
    ),
    "nothing returned": ("Does every path end with `return`?", "모든 경로가 `return`으로 끝나는지 보라."),
    "error": ("Run your function on the tiny example of the text.", "본문의 작은 예로 함수를 실행해 보라."),
    "inputs changed": (
        "Compute with new arrays or copies, not in place (+=, [...] =).",
        "제자리 연산(+=, [...] =) 대신 새 배열이나 복사본으로 계산하라.",
    ),
    "time": (
        "A loop that never ends, or the same work done again and again?",
        "끝나지 않는 반복문이 있거나 같은 계산을 되풀이하고 있지 않은지 보라.",
    ),
    "recursion": (
        "Use a loop instead of a function that calls itself.",
        "자기 자신을 부르는 함수 대신 반복문을 써라.",
    ),
    "memory": ("Some array is far too large.", "너무 큰 배열을 만들고 있지 않은지 보라."),
    "not loaded": (
        "Run the file by itself with python first; the functions must keep their names.",
        "먼저 파일을 python으로 직접 실행해 보라. 함수의 이름은 바꾸지 마라.",
    ),
    "no numbers": ("Compare with what the text says it returns.", "무엇을 돌려주어야 하는지 본문과 비교하라."),
    "process": (
        "Leave exit() and the like out, and return no more than is asked.",
        "exit() 같은 호출을 빼고, 요구한 것만 돌려주어라.",
    ),
    "another edition": (
        "Read again which constants the text states, and mean or sum.",
        "본문에 나온 상수와, 평균인지 합인지를 다시 읽어라.",
    ),
}
