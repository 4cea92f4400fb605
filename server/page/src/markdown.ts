// Markdown as elements, for text of a model, which may be hostile: no HTML of it, no links to follow, no pictures to
// load. Headings, paragraphs, lists, quotes, code, tables, emphasis.
import { el, table } from "./dom";

const kMaxDepth = 8;
const kMaxInline = 10_000; // characters of one paragraph that are searched for marks

/** Text with code, emphasis and links; of a link its words and its target are shown. */
export function inline(text: string, depth = 0): Node[] {
  const nodes: Node[] = [];
  const pattern =
    /(`+)([^`]+?)\1(?!`)|(\*\*|__)(?=\S)([^]+?\S)\3|(\*)(?=[^\s*])([^*]*[^\s*])\*|(?<![\w_])_(?=[^\s_])([^_]*[^\s_])_(?!\w)|~~(?=\S)([^~]+)~~|!?\[([^\]]*)\]\(([^)\s]*)\)|\\([\\`*_{}[\]()#+\-.!|~>])/g;
  let at = 0;
  if (depth < kMaxDepth && text.length <= kMaxInline) {
    for (const m of text.matchAll(pattern)) {
      if (m.index > at) nodes.push(document.createTextNode(text.slice(at, m.index)));
      at = m.index + m[0].length;
      const inner = (part: string) => inline(part, depth + 1);
      if (m[2] !== undefined) nodes.push(el("code", {}, m[2]));
      else if (m[4] !== undefined) nodes.push(el("strong", {}, ...inner(m[4])));
      else if (m[6] !== undefined) nodes.push(el("em", {}, ...inner(m[6])));
      else if (m[7] !== undefined) nodes.push(el("em", {}, ...inner(m[7])));
      else if (m[8] !== undefined) nodes.push(el("del", {}, ...inner(m[8])));
      else if (m[11] !== undefined) nodes.push(document.createTextNode(m[11]));
      else {
        nodes.push(...inner(m[9] ?? ""));
        if (m[10] && m[10] !== m[9]) nodes.push(document.createTextNode(` (${m[10]})`));
      }
    }
  }
  if (at < text.length) nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

/** The cells of a row; `\|` is no border. */
function cells(line: string): string[] {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

const isRule = (line: string) => /^ {0,3}([-*_])( *\1){2,} *$/.test(line);
const isDivider = (line: string) => line.includes("-") && /^ *\|?( *:?-+:? *\|)* *:?-+:? *\|? *$/.test(line);
const bullet = /^( *)([-*+]|\d{1,9}[.)]) +(.*)$/;

function tableOf(head: string[], divider: string, rows: string[][]): HTMLElement {
  const align = cells(divider).map((mark) => (mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "right") : "left"));
  const made = table(
    head.map((cell) => el("span", {}, ...inline(cell))),
    rows.map((row) => head.map(() => "").map((_, i) => row[i] ?? "")),
    align,
    "Table",
  );
  for (const cell of made.querySelectorAll("td")) cell.replaceChildren(...inline(cell.textContent ?? ""));
  return made;
}

function blocks(lines: string[], depth: number): Node[] {
  const nodes: Node[] = [];
  let i = 0;
  const line = () => lines[i] ?? "";
  while (i < lines.length) {
    if (line().trim() === "") {
      i++;
      continue;
    }
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line());
    if (fence) {
      const code: string[] = [];
      for (i++; i < lines.length && !line().trim().startsWith(fence[1]!); i++) code.push(line());
      i++;
      nodes.push(el("pre", { tabindex: 0, "aria-label": "Code" }, el("code", {}, code.join("\n"))));
      continue;
    }
    const heading = /^ {0,3}(#{1,6}) +(.*?)#* *$/.exec(line());
    if (heading) {
      // The page's own headings are of level 1 and 2.
      const level = Math.min(heading[1]!.length + 2, 6);
      nodes.push(el(`h${level}` as "h3", {}, ...inline(heading[2]!)));
      i++;
      continue;
    }
    if (isRule(line())) {
      nodes.push(el("hr"));
      i++;
      continue;
    }
    if (line().includes("|") && isDivider(lines[i + 1] ?? "") && cells(line()).length === cells(lines[i + 1]!).length) {
      const head = cells(line());
      const divider = lines[i + 1]!;
      const rows: string[][] = [];
      for (i += 2; i < lines.length && line().includes("|"); i++) rows.push(cells(line()));
      nodes.push(tableOf(head, divider, rows));
      continue;
    }
    if (/^ {0,3}>/.test(line()) && depth < kMaxDepth) {
      const quoted: string[] = [];
      for (; i < lines.length && /^ {0,3}>/.test(line()); i++) quoted.push(line().replace(/^ {0,3}> ?/, ""));
      nodes.push(el("blockquote", {}, ...blocks(quoted, depth + 1)));
      continue;
    }
    const item = bullet.exec(line());
    if (item && depth < kMaxDepth) {
      const indent = item[1]!.length;
      const numbered = /\d/.test(item[2]!);
      const list = el(numbered ? "ol" : "ul", numbered && item[2] !== "1." ? { start: parseInt(item[2]!, 10) } : {});
      while (i < lines.length) {
        const next = bullet.exec(line());
        if (!next || next[1]!.length !== indent || /\d/.test(next[2]!) !== numbered) break;
        const own = [next[3]!];
        for (i++; i < lines.length && line().trim() !== "" && line().length - line().trimStart().length > indent; i++)
          own.push(line().slice(Math.min(indent + 2, line().length - line().trimStart().length)));
        const made = blocks(own, depth + 1);
        const first = made[0];
        // A line alone needs no paragraph of its own.
        const inside = first instanceof HTMLParagraphElement ? [...first.childNodes, ...made.slice(1)] : made;
        list.append(el("li", {}, ...inside));
      }
      nodes.push(list);
      continue;
    }
    const words: string[] = [line()];
    for (i++; i < lines.length && line().trim() !== ""; i++) {
      if (/^ {0,3}(#{1,6} |>|`{3,}|~{3,})/.test(line()) || bullet.test(line()) || isRule(line())) break;
      if (line().includes("|") && isDivider(lines[i + 1] ?? "")) break;
      words.push(line());
    }
    const paragraph = el("p");
    words.forEach((text, n) => {
      if (n > 0) paragraph.append(/ {2}$/.test(words[n - 1]!) ? el("br") : "\n");
      paragraph.append(...inline(text.trim()));
    });
    nodes.push(paragraph);
  }
  return nodes;
}

export function markdown(text: string): Node[] {
  return blocks(text.replaceAll("\r\n", "\n").split("\n"), 0);
}
