// Elements are made, never parsed: no text can become markup.

type Child = Node | string | null | undefined | false;
type Props = Record<string, string | number | boolean | EventListener | undefined>;

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child) node.append(child);
  return node;
}

export function byId<T extends HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as T;
}

/** Says one sentence to screen readers. */
export function announce(text: string): void {
  byId("progress").textContent = text;
}

export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  for (const unit of ["kB", "MB", "GB"]) {
    bytes /= 1000;
    if (bytes < 1000 || unit === "GB") return `${bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${unit}`;
  }
  return "";
}

export function plural(n: number, word: string): string {
  return `${n.toLocaleString("en")} ${word}${n === 1 ? "" : "s"}`;
}

/** A table that scrolls by itself; `align` by column. */
export function table(heads: Node[], rows: string[][], align: string[], label: string): HTMLElement {
  const cell = (text: string, i: number) => el("td", { class: align[i] ?? "left" }, text);
  return el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": label },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, ...heads.map((head, i) => el("th", { scope: "col", class: align[i] ?? "left" }, head)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.map(cell)))),
    ),
  );
}

/** Offers bytes made in the page as a download. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Asks with two buttons; Escape is no. */
export function confirm(question: string, yes: string, no: string): Promise<boolean> {
  return new Promise((resolve) => {
    const close = (answer: boolean) => () => {
      dialog.remove();
      resolve(answer);
    };
    const dialog = el(
      "dialog",
      { "aria-label": question, cancel: close(false) },
      el("p", {}, question),
      el("div", { class: "buttons" }, el("button", { type: "button", class: "main", click: close(true) }, yes), el("button", { type: "button", click: close(false) }, no)),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
