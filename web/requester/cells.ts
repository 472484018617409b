import type { TaskLine } from "../api/documents";

/** A task as its requester sees it, in the order of its life. */
export const CELLS = [
  "waiting",
  "open",
  "claimed",
  "committed",
  "compared",
  "disputed",
  "agreed",
  "paid",
  "refunded",
] as const;
export type Cell = (typeof CELLS)[number];

const LETTERS: Readonly<Record<string, Cell>> = {
  w: "waiting",
  o: "open",
  c: "claimed",
  m: "committed",
  v: "compared",
  d: "disputed",
  a: "agreed",
  r: "refunded",
};

/** Of the batch lane: the orchestrator's letters, and how many tasks the batches on chain cover, from the first on. */
export function batchCells(letters: string, covered: number): Cell[] {
  return Array.from(letters, (letter, index) => {
    const cell = LETTERS[letter] ?? "open";
    return cell === "agreed" && index < covered ? "paid" : cell;
  });
}

/** Of the direct lane: what is not listed is not open yet. */
export function directCells(tasks: number, lines: readonly TaskLine[]): Cell[] {
  const cells = new Array<Cell>(tasks).fill("waiting");
  for (const line of lines) if (line.task_index < tasks) cells[line.task_index] = cellOf(line);
  return cells;
}

/** `disputed` is a task that revealed unequal results, or too few, and was opened again. */
function cellOf({ status, wave, claims }: TaskLine): Cell {
  if (status === "settled") return "paid";
  if (status === "refunded") return "refunded";
  if (status === "revealing") return "compared";
  if (wave > 0) return "disputed";
  if (claims.some((claim) => claim.status === "committed")) return "committed";
  return claims.some((claim) => claim.status === "claimed") ? "claimed" : "open";
}

export function countCells(cells: readonly Cell[]): Readonly<Record<Cell, number>> {
  const counts = Object.fromEntries(CELLS.map((cell) => [cell, 0])) as Record<Cell, number>;
  for (const cell of cells) counts[cell]++;
  return counts;
}

/** The tasks that keep a round waiting: not over, though at least half of what could run in their round is. */
export function stragglers(cells: readonly Cell[], tasksPerRound: number): number[] {
  const found: number[] = [];
  for (let first = 0; first < cells.length; first += tasksPerRound) {
    const round = cells.slice(first, first + tasksPerRound).map((cell, i) => ({ cell, index: first + i }));
    const started = round.filter(({ cell }) => cell !== "waiting");
    const going = started.filter(({ cell }) => !isOver(cell));
    if (2 * going.length <= started.length) found.push(...going.map(({ index }) => index));
  }
  return found;
}

/** How many rounds have their last task's result, from the first on. */
export function roundsDone(cells: readonly Cell[], tasksPerRound: number): number {
  let done = 0;
  for (let last = tasksPerRound - 1; last < cells.length; last += tasksPerRound) {
    if (cells[last] !== "agreed" && cells[last] !== "paid") break;
    done++;
  }
  return done;
}

function isOver(cell: Cell): boolean {
  return cell === "agreed" || cell === "paid" || cell === "refunded";
}
