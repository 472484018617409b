import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";

import { formatNumber, shorten } from "./format";
import { LANGUAGES, type Language, currentLanguage, setLanguage } from "./i18n";
import { t } from "./words";

export function Card({ title, level = 2, children }: { title: string; level?: 2 | 3; children: ComponentChildren }) {
  const id = useId();
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section class="card" aria-labelledby={id}>
      <Heading id={id}>{title}</Heading>
      {children}
    </section>
  );
}

export function Facts({ facts }: { facts: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}

/** A long name, cut in the middle; the whole of it for screen readers, as a tooltip, and when copied. */
export function Name({ text, href }: { text: string; href?: string }) {
  const shown = (
    <code class="name" title={text} aria-label={text} role="img">
      {shorten(text)}
    </code>
  );
  return href ? <a href={href}>{shown}</a> : shown;
}

export function LanguageChoice({ label }: { label: string }) {
  const id = useId();
  return (
    <div class="language">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={currentLanguage()}
        onChange={(event) => void setLanguage(event.currentTarget.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <option value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

export interface Part {
  readonly label: string;
  readonly value: number;
  readonly shown: string;
  readonly swatch?: string; // a class of its own, where the parts are shown in another way than by the bar
}

/** A bar cut into parts, and the table that says the same. */
export function PartsBar({
  caption,
  names,
  parts,
}: {
  caption: string;
  names: [string, string];
  parts: readonly Part[];
}) {
  const total = parts.reduce((sum, part) => sum + part.value, 0);
  return (
    <>
      <div class="bar" aria-hidden="true" hidden={parts.some((part) => part.swatch)}>
        {parts.map((part, i) =>
          part.value > 0 ? (
            <span class={`tone-${(i % 6) + 1}`} style={{ flexGrow: (100 * part.value) / total }} />
          ) : null,
        )}
      </div>
      <div class="scroll" role="group" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              <th scope="col">{names[0]}</th>
              <th scope="col" class="number">
                {names[1]}
              </th>
              <th scope="col" class="number">
                {t("ledger.share")}
              </th>
            </tr>
          </thead>
          <tbody>
            {parts.map((part, i) => (
              <tr>
                <th scope="row">
                  <span class={part.swatch ?? `swatch tone-${(i % 6) + 1}`} aria-hidden="true" />
                  {part.label}
                </th>
                <td class="number">{part.shown}</td>
                <td class="number">
                  {formatNumber(total ? part.value / total : 0, { style: "percent", maximumFractionDigits: 1 })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

export type Cell = string | number;

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly value: (row: Row) => Cell; // for sorting and for the downloads
  readonly show?: (row: Row) => ComponentChildren;
  readonly isNumber?: boolean;
}

const PAGE_ROWS = 50;

/** Rows in pages, sorted by a click on a column's name, to download as CSV or JSON. */
export function DataTable<Row>({
  caption,
  name,
  columns,
  rows,
}: {
  caption: string;
  name: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
}) {
  const [page, setPage] = useState(0);
  const [sort, setSort] = useState<{ key: string; down: boolean } | null>(null);
  const sorted = sort ? sortRows(rows, columns, sort) : rows;
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const at = Math.min(page, pages - 1);
  return (
    <div class="stack">
      <div class="scroll" role="group" aria-label={caption} tabIndex={0}>
        <table>
          <caption class="hidden">{caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => {
                const down = sort?.key === column.key && sort.down;
                const order = sort?.key === column.key ? (down ? "descending" : "ascending") : undefined;
                return (
                  <th scope="col" class={column.isNumber ? "number" : ""} {...(order ? { "aria-sort": order } : {})}>
                    <button type="button" onClick={() => setSort({ key: column.key, down: order === "ascending" })}>
                      {column.label}
                      <span aria-hidden="true">{order ? (down ? "↓" : "↑") : ""}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {sorted.slice(at * PAGE_ROWS, (at + 1) * PAGE_ROWS).map((row) => (
              <tr>
                {columns.map((column) => (
                  <td class={column.isNumber ? "number" : ""}>{column.show ? column.show(row) : column.value(row)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="row">
        {pages > 1 && (
          <>
            <button type="button" disabled={at === 0} onClick={() => setPage(at - 1)}>
              {t("table.previous")}
            </button>
            <span>{t("table.page", { page: formatNumber(at + 1), pages: formatNumber(pages) })}</span>
            <button type="button" disabled={at === pages - 1} onClick={() => setPage(at + 1)}>
              {t("table.next")}
            </button>
          </>
        )}
        <span class="quiet">{t("table.rows", { count: formatNumber(rows.length) })}</span>
        <span role="group" class="row" aria-label={t("table.export")}>
          <button type="button" onClick={() => save(`${name}.csv`, "text/csv", toCsv(columns, sorted))}>
            {t("table.csv")}
          </button>
          <button type="button" onClick={() => save(`${name}.json`, "application/json", toJson(columns, sorted))}>
            {t("table.json")}
          </button>
        </span>
      </div>
    </div>
  );
}

function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: { key: string; down: boolean },
): Row[] {
  const column = columns.find(({ key }) => key === sort.key);
  if (!column) return [...rows];
  const sign = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(column.value(a), column.value(b)));
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

/** RFC 4180; a cell that a spreadsheet would take for a formula is marked as text. */
export function toCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cell = (value: Cell) => {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [columns.map(({ key }) => key), ...rows.map((row) => columns.map(({ value }) => cell(value(row))))];
  return lines.map((line) => `${line.join(",")}\r\n`).join("");
}

export function toJson<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map(({ key, value }) => [key, value(row)]))),
    null,
    1,
  );
}

export function save(name: string, type: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
