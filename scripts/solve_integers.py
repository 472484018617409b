"""cvc5 as halmos calls a solver: answers the SMT-LIB file that is the last argument, on standard output.

Bit vectors become whole numbers: products and quotients of amounts are hopeless bit by bit and easy as numbers.
"""

from __future__ import annotations

import sys

import cvc5


def main() -> None:
    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("solve-bv-as-int", "sum")
    solver.setOption("produce-models", "true")
    parser = cvc5.InputParser(solver)
    parser.setFileInput(cvc5.InputLanguage.SMT_LIB_2_6, sys.argv[-1])
    while not (command := parser.nextCommand()).isNull():
        print(command.invoke(solver, parser.getSymbolManager()), end="", flush=True)


if __name__ == "__main__":
    main()
