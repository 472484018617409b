import { Malformed } from "../protocol/errors";

/** Named columns of finite numbers, row after row. */
export interface Table {
  readonly columns: readonly string[];
  readonly rows: number;
  readonly values: Float64Array;
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A CSV (RFC 4180) with a header line. Throws `Malformed` naming the row and column that cannot be used. */
export function readTable(text: string): Table {
  const lines = splitLines(text.replace(/^\ufeff/, ""));
  const columns = lines[0]?.map((name) => name.trim()) ?? [];
  const body = lines.slice(1);
  if (!body.length) throw new Malformed("table", "there is no row under the header");
  const repeated = columns.find((name, i) => columns.indexOf(name) !== i);
  if (repeated !== undefined) throw new Malformed("table", `two columns are called ${JSON.stringify(repeated)}`);
  const values = new Float64Array(body.length * columns.length);
  body.forEach((cells, row) => {
    const where = `row ${row + 1}`;
    if (cells.length !== columns.length)
      throw new Malformed(where, `${cells.length} cells, the header has ${columns.length}`);
    cells.forEach((cell, column) => {
      const number = NUMBER.test(cell.trim()) ? Number(cell) : Number.NaN;
      if (!Number.isFinite(number)) {
        throw new Malformed(
          `${where}, column ${columns[column]}`,
          `${JSON.stringify(cell.slice(0, 40))} is no finite number`,
        );
      }
      values[row * columns.length + column] = number;
    });
  });
  return { columns, rows: body.length, values };
}

function splitLines(text: string): string[][] {
  const lines: string[][] = [];
  let cells: string[] = [];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text.charAt(i);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (text[i + 1] === '"') cell += text.charAt(++i);
      else quoted = false;
    } else if (character === '"' && cell === "") quoted = true;
    else if (character === ",") {
      cells.push(cell);
      cell = "";
    } else if (character === "\n" || character === "\r") {
      if (character === "\r" && text[i + 1] === "\n") i++;
      if (cells.length || cell) lines.push([...cells, cell]);
      cells = [];
      cell = "";
    } else cell += character;
  }
  if (quoted) throw new Malformed("table", "a quotation mark is not closed");
  if (cells.length || cell) lines.push([...cells, cell]);
  return lines;
}
