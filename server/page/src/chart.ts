// A chart that a run drew: its picture, its rows as a table, and both as files; and drawn by Vega, where that is wanted.
import { fileUrl, get, offers, type Chart } from "./api";
import { download, el, plural, table } from "./dom";
import { explorable } from "./explore";

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

/** The button that shows the chart drawn by Vega instead of its picture, and back. */
function exploreButton(view: HTMLElement, path: string, drawnUrl: string): HTMLElement {
  const note = el("p", { class: "quiet", role: "status" });
  let frame: HTMLElement | null = null;
  const back = (text: string) => {
    frame?.remove();
    frame = null;
    view.hidden = false;
    button.setAttribute("aria-pressed", "false");
    note.textContent = text;
    if (text === "") note.remove();
  };
  const explore = async () => {
    if (frame) return back("");
    const { node, shown } = explorable(`Chart to explore: ${path}`, () => get(drawnUrl));
    frame = node;
    button.setAttribute("aria-pressed", "true");
    note.textContent = "Drawing …";
    button.closest("figcaption")!.after(note);
    view.after(node);
    // The picture stays until there is something better to see.
    node.classList.add("coming");
    try {
      const zooms = await shown;
      if (frame !== node) return;
      node.classList.remove("coming");
      view.hidden = true;
      note.textContent = `Point at a mark to see its values.${zooms ? " The wheel zooms, dragging moves, a double click goes back." : ""}`;
    } catch (error) {
      if (frame === node) back((error as Error).message);
    }
  };
  const button = el("button", { type: "button", "aria-pressed": "false", "aria-label": `Explore ${path}`, click: () => void explore() }, "Explore");
  return button;
}

/** drawn: where the server draws the chart anew (`runs/ID/chart?n=N`). */
export function chartFigure(chart: Chart, drawn: string): HTMLElement {
  const { rows, columns, mark, title } = parts(chart.spec);
  const name = chart.path.replace(/^.*\//, "").replace(/\.\w+$/, "");
  const numeric = columns.map((column) => (rows.every((row) => row[column] === null || typeof row[column] === "number") ? "right" : "left"));
  const picture = el("img", {
    src: fileUrl(chart.path),
    alt: `${mark} chart${title ? `: ${title}` : ""}; ${plural(rows.length, "row")}, in the table below`,
    error: () => picture.replaceWith(el("p", { class: "quiet" }, `${chart.path} is not in the workspace any more; its data is below.`)),
  });
  const view = el("div", {}, picture);
  return el(
    "figure",
    { class: "chart" },
    view,
    el(
      "figcaption",
      {},
      el("span", {}, chart.path),
      offers.explore && exploreButton(view, chart.path, `${drawn}&format=vega`),
      el("a", { class: "button", href: fileUrl(chart.path), download: chart.path.replace(/^.*\//, "") }, "Download PNG"),
      el("a", { class: "button", href: `/tessera/${drawn}&format=svg`, download: `${name}.svg` }, "Download SVG"),
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
