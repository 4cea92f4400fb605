// What runs changed in the workspace, and taking that back.
import { Failure, get, post, type Change } from "./api";
import { changeList } from "./diff";
import { announce, el, plural } from "./dom";

interface JournalRun {
  run: string;
  label: string;
  time_ms: number;
  state: string;
  changes: number;
}

export class ChangesView {
  private readonly list = el("ul", { class: "journal" });
  private readonly notes = el("div", { role: "status" });

  constructor(node: HTMLElement) {
    node.append(el("h2", {}, "Changes"), el("p", { class: "quiet" }, "What runs changed in the folder, the newest first. Each can be taken back."), this.notes, this.list);
  }

  async show(): Promise<void> {
    try {
      const { runs } = await get<{ runs: JournalRun[] }>("changes");
      this.list.replaceChildren(...runs.reverse().map((run) => this.line(run)));
      if (runs.length === 0) this.list.append(el("li", { class: "quiet" }, "No run has changed anything here."));
    } catch (error) {
      this.notes.replaceChildren(el("p", { class: "note" }, (error as Error).message));
    }
  }

  private line(run: JournalRun): HTMLElement {
    const undone = run.state === "undone";
    const inside = el("div");
    const details = el(
      "details",
      { toggle: () => details.open && !inside.hasChildNodes() && void this.fill(run.run, inside) },
      el(
        "summary",
        {},
        el("span", { class: "path" }, run.label || `Run ${run.run}`),
        el("span", { class: "quiet" }, `${new Date(run.time_ms).toLocaleString()}, ${plural(run.changes, "change")}${run.state === "committed" ? "" : `, ${run.state}`}`),
      ),
      inside,
    );
    const what = undone ? "Do it again" : "Undo";
    const button = el("button", { type: "button", "aria-label": `${what}: ${run.label || run.run}`, click: () => void this.undo(run, undone, false) }, what);
    return el("li", {}, details, button);
  }

  private async fill(run: string, inside: HTMLElement): Promise<void> {
    try {
      const { changes, more } = await get<{ changes: Change[]; more: boolean }>(`changes/${encodeURIComponent(run)}`);
      inside.replaceChildren(changeList(changes));
      if (more) inside.append(el("p", { class: "quiet" }, "There are more changes than are shown here."));
    } catch (error) {
      inside.replaceChildren(el("p", { class: "note" }, (error as Error).message));
    }
  }

  private async undo(run: JournalRun, redo: boolean, keepMine: boolean): Promise<void> {
    try {
      const { left } = await post<{ left: { path: string; why: string }[] }>("undo", { run: run.run, redo, keep_mine: keepMine });
      const text = `${run.label || `Run ${run.run}`} was ${redo ? "done again" : "undone"}.`;
      this.notes.replaceChildren(el("p", { class: "note" }, text), ...left.map((one) => el("p", { class: "note" }, `Left as it is: ${one.path}: ${one.why}`)));
      announce(text);
    } catch (error) {
      this.notes.replaceChildren(el("p", { class: "note" }, (error as Error).message));
      if (error instanceof Failure && error.status === 409 && !redo && !keepMine)
        this.notes.append(el("button", { type: "button", click: () => void this.undo(run, redo, true) }, "Undo, but leave what I have changed since"));
    }
    await this.show();
  }
}
