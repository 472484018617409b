import { Malformed } from "./errors";

/** How many nodes each level of a round's reduce has, up to the root: the twin of edgebounty/protocol/tree.py. */
function levelsOf(leaves: number, fanIn: number | null): number[] {
  const levels: number[] = [];
  for (let below = leaves; fanIn !== null && below > fanIn;) {
    below = Math.ceil(below / fanIn);
    levels.push(below);
  }
  return [...levels, 1];
}

/** All reduce tasks of a round, the root included. */
export function nodeCount(leaves: number, fanIn: number | null): number {
  return levelsOf(leaves, fanIn).reduce((sum, width) => sum + width, 0);
}

/** What a node folds, counted from the first leaf on: leaves first, then the nodes, in order. Throws `Malformed`. */
export function inputsOf(node: number, leaves: number, fanIn: number | null): number[] {
  let first = 0;
  let below = leaves;
  let at = node;
  for (const width of levelsOf(leaves, fanIn)) {
    if (at < width) {
      const start = fanIn === null ? 0 : first + at * fanIn;
      const end = fanIn === null ? leaves : Math.min(start + fanIn, first + below);
      return Array.from({ length: end - start }, (_, i) => start + i);
    }
    first += below;
    below = width;
    at -= width;
  }
  throw new Malformed("task", `node ${node} of a tree over ${leaves} outputs`);
}
