// A chart that a run drew: its picture, its rows as a table, and both as files.
import { fileUrl, type Chart } from "./api";
import { download, el, plural, table } from "./dom";

type Row = Record<string, unknown>;
interface Channel {
  field?: string;
  title?: string;
  type?: string;
}

function parts(spec: Record<string, unknown>) {
  const data = spec.data as { values?: unknown } | undefined;
  const rows = (Array.isArray(data?.values) ? data.values : []).filter((row): row is Row => typeof row === "object" && row !== null);
  const encoding = (spec.encoding ?? {}) as Record<string, Channel>;
  const channels = ["x", "y", "theta", "color"].map((name) => encoding[name]).filter((c): c is Channel => typeof c?.field === "string");
  // What the axes show comes first.
  const columns = [...new Set([...channels.map((c) => c.field!), ...rows.flatMap((row) => Object.keys(row))])];
  const mark = typeof spec.mark === "string" ? spec.mark : String((spec.mark as Row | undefined)?.type ?? "chart");
  const title = typeof spec.title === "string" ? spec.title : "";
  return { rows, columns: columns.filter((column) => rows.some((row) => column in row)), mark, title };
}

const shown = (value: unknown) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

export function csv(columns: string[], rows: Row[]): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [columns.map(cell), ...rows.map((row) => columns.map((column) => cell(shown(row[column]))))].map((line) => line.join(",") + "\n").join("");
}

export function chartFigure(chart: Chart): HTMLElement {
  const { rows, columns, mark, title } = parts(chart.spec);
  const name = chart.path.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const numeric = columns.map((column) => (rows.every((row) => row[column] === null || typeof row[column] === "number") ? "right" : "left"));
  const picture = el("img", {
    src: fileUrl(chart.path),
    alt: `${mark} chart${title ? `: ${title}` : ""}; ${plural(rows.length, "row")}, in the table below`,
    error: () => picture.replaceWith(el("p", { class: "quiet" }, `${chart.path} is not in the workspace any more; its data is below.`)),
  });
  return el(
    "figure",
    { class: "chart" },
    picture,
    el(
      "figcaption",
      {},
      el("span", {}, chart.path),
      el("a", { class: "button", href: fileUrl(chart.path), download: chart.path.replace(/^.*\//, "") }, "Download PNG"),
      el("button", { type: "button", click: () => download(`${name}.csv`, "text/csv", csv(columns, rows)) }, "Download CSV"),
    ),
    el(
      "details",
      {},
      el("summary", {}, `Data: ${plural(rows.length, "row")}`),
      table(
        columns.map((column) => document.createTextNode(column)),
        rows.slice(0, 500).map((row) => columns.map((column) => shown(row[column]))),
        numeric,
        `Data of ${chart.path}`,
      ),
      rows.length > 500 && el("p", { class: "quiet" }, "The first 500 rows; the CSV has all."),
    ),
  );
}
