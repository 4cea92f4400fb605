// What changed in files, with the lines.
import type { Change } from "./api";
import { el, size } from "./dom";

/** A unified diff; what a line is, is said by its sign, not by its colour alone. */
export function diffLines(diff: string): HTMLElement {
  const code = el("code");
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    const kind = line.startsWith("@@") || line.startsWith("---") || line.startsWith("+++") ? "at" : line.startsWith("+") ? "plus" : line.startsWith("-") ? "minus" : "";
    code.append(el("span", { class: kind }, line + "\n"));
  }
  return el("pre", { class: "diff", tabindex: 0, "aria-label": "Lines that changed" }, code);
}

function sizes(change: Change): string {
  if (change.kind === "added") return size(change.new_size ?? 0);
  if (change.kind === "removed") return size(change.old_size ?? 0);
  if (change.kind === "changed") return `${size(change.old_size ?? 0)} → ${size(change.new_size ?? 0)}`;
  return "";
}

export function changeList(changes: Change[]): HTMLElement {
  const lines = changes.map((change) => {
    const head: (Node | string)[] = [
      el("span", { class: `kind ${change.kind}` }, change.kind),
      el("span", { class: "path" }, change.from ? `${change.from} → ${change.path}` : change.path),
      el("span", { class: "quiet" }, sizes(change)),
    ];
    if (!change.diff) return el("li", {}, el("div", { class: "change" }, ...head));
    return el("li", {}, el("details", { open: changes.length <= 5 }, el("summary", {}, ...head), diffLines(change.diff)));
  });
  return el("ul", { class: "changes" }, ...lines);
}
