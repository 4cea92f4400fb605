// A table of the workspace, page by page, sorted and filtered by the server.
import { get } from "./api";
import { announce, el, plural, table } from "./dom";

export interface Column {
  name: string;
  type: string;
  missing?: number;
}
type Row = Record<string, unknown>;

const kPage = 100; // rows, as the server gives them
const kTyping = 300; // ms without a key before a filter is asked for

const shown = (value: unknown) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

export class TableView {
  readonly node: HTMLElement;
  private readonly heads: HTMLButtonElement[];
  private readonly scroll: HTMLElement;
  private readonly where = el("span", { class: "quiet" });
  private readonly note = el("p", { class: "note", role: "alert", hidden: true });
  private readonly back = el("button", { type: "button", click: () => void this.turn(-kPage) }, "Previous");
  private readonly on = el("button", { type: "button", click: () => void this.turn(kPage) }, "Next");
  private readonly filter = el("input", { type: "search", id: "filter", maxlength: 100, autocomplete: "off", input: () => this.typed() });
  private readonly align: string[];
  private offset = 0;
  private matches: number;
  private sort: { column: string; down: boolean } | null = null;
  private typing = 0;
  private asked = 0; // an answer that is not the newest one's is not shown

  constructor(
    private readonly path: string,
    private readonly columns: Column[],
    private readonly all: number,
    first: Row[],
  ) {
    this.matches = all;
    this.align = columns.map((column) => (column.type === "number" || column.type === "integer" ? "right" : "left"));
    this.heads = columns.map((column) =>
      el("button", { type: "button", class: "sort", click: () => void this.sortBy(column.name) }, column.name, el("small", {}, column.type + (column.missing ? `, ${column.missing} missing` : ""))),
    );
    this.scroll = table(this.heads, [], this.align, `Rows of ${path}`);
    this.node = el(
      "div",
      {},
      el("div", { class: "rows" }, el("label", { for: "filter" }, "Rows with"), this.filter, this.where, this.back, this.on),
      this.note,
      this.scroll,
    );
    this.fill(first);
  }

  private fill(rows: Row[]): void {
    const cells = (row: Row) => this.columns.map((column, i) => el("td", { class: this.align[i] }, shown(row[column.name])));
    this.scroll.querySelector("tbody")!.replaceChildren(...rows.map((row) => el("tr", {}, ...cells(row))));
    this.scroll.querySelectorAll("th").forEach((head, i) => {
      const sorted = this.sort?.column === this.columns[i]!.name;
      if (sorted) head.setAttribute("aria-sort", this.sort!.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const of = plural(this.matches, "row") + (this.matches < this.all ? ` of ${this.all.toLocaleString("en")}` : "");
    this.where.textContent = rows.length === 0 ? of : `${(this.offset + 1).toLocaleString("en")} to ${(this.offset + rows.length).toLocaleString("en")} of ${of}`;
    this.back.disabled = this.offset === 0;
    this.on.disabled = this.offset + kPage >= this.matches;
  }

  private async turn(by: number): Promise<void> {
    await this.ask(Math.max(0, this.offset + by));
    this.scroll.scrollTop = 0;
    // A button that cannot be pressed any more loses the keyboard.
    const [pressed, other] = by > 0 ? [this.on, this.back] : [this.back, this.on];
    if (pressed.disabled) other.focus();
  }

  private async sortBy(column: string): Promise<void> {
    const down = this.sort?.column === column && !this.sort.down;
    const third = this.sort?.column === column && this.sort.down; // the file's own order again
    this.sort = third ? null : { column, down };
    await this.ask(0);
  }

  private typed(): void {
    window.clearTimeout(this.typing);
    this.typing = window.setTimeout(() => void this.ask(0), kTyping);
  }

  private async ask(offset: number): Promise<void> {
    const mine = ++this.asked;
    const query = new URLSearchParams({ path: this.path, offset: String(offset) });
    if (this.sort) query.set("sort", this.sort.column);
    if (this.sort?.down) query.set("down", "1");
    if (this.filter.value !== "") query.set("filter", this.filter.value);
    this.scroll.setAttribute("aria-busy", "true");
    try {
      // The server reads %20, not a plus.
      const { rows, matches } = await get<{ rows: Row[]; matches: number }>(`rows?${query.toString().replaceAll("+", "%20")}`);
      if (mine !== this.asked) return;
      this.offset = offset;
      this.matches = matches;
      this.note.hidden = true;
      this.fill(rows);
      announce(this.where.textContent!);
    } catch (error) {
      if (mine !== this.asked) return;
      this.note.textContent = (error as Error).message;
      this.note.hidden = false;
    } finally {
      if (mine === this.asked) this.scroll.removeAttribute("aria-busy");
    }
  }
}
