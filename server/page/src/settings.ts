// What a person has chosen, kept by the browser, and what there is to know of the model.
import type { State } from "./api";
import { byId, el, size } from "./dom";

interface Settings {
  look: "system" | "light" | "dark";
  follow: boolean;
  think: boolean;
  /** Seconds that a run may take, tokens of the longest reply; 0: the usual. */
  seconds: number;
  replyTokens: number;
  /** Names and words that are said. */
  words: string;
}

const kName = "tessera";
const kUsual: Settings = { look: "system", follow: true, think: false, seconds: 0, replyTokens: 0, words: "" };
const kMaxWords = 400; // characters, of four bytes or less; the server takes 1600 bytes

/** What is kept may be of another version, or of nobody. */
function kept(): Settings {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(kName) ?? "{}");
    const given = (typeof found === "object" && found !== null ? found : {}) as Record<string, unknown>;
    const usual: Record<string, unknown> = { ...kUsual };
    for (const name of Object.keys(usual)) if (typeof given[name] === typeof usual[name]) usual[name] = given[name];
    return usual as unknown as Settings;
  } catch {
    return { ...kUsual };
  }
}

export const settings: Settings = kept();

export function keep(changed: Partial<Settings>): void {
  Object.assign(settings, changed);
  try {
    localStorage.setItem(kName, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing forgets it with the page.
  }
}

export function applyLook(): void {
  if (settings.look === "light" || settings.look === "dark") document.documentElement.dataset.look = settings.look;
  else delete document.documentElement.dataset.look;
}

interface Choice {
  label: string;
  hint: string;
  most: number;
  least: number;
  name: "seconds" | "replyTokens";
}

function numberField({ label, hint, least, most, name }: Choice): HTMLElement[] {
  const input = el("input", {
    type: "number",
    id: `set-${name}`,
    min: least,
    max: most,
    placeholder: "usual",
    "aria-describedby": `hint-${name}`,
    value: settings[name] > 0 ? settings[name] : undefined,
    change: () => {
      const value = Math.round(Number(input.value));
      keep({ [name]: value > 0 ? Math.min(Math.max(value, least), most) : 0 });
      input.value = settings[name] > 0 ? String(settings[name]) : "";
    },
  });
  return [el("label", { for: `set-${name}` }, label), input, el("p", { class: "quiet", id: `hint-${name}` }, hint)];
}

function modelFacts(state: State): HTMLElement {
  const can = ["reads text", state.sees && "sees pictures", state.hears && "hears"].filter(Boolean).join(", ");
  const facts: [string, string][] = [
    ["Name", state.model],
    ["File", state.file],
    ["Size", state.bytes > 0 ? size(state.bytes) : ""],
    ["Context", `${state.context.toLocaleString("en")} tokens for a conversation`],
    ["Can", can],
  ];
  if (state.workspace !== null)
    facts.push(["Works", state.free ? "freely: all tools, requests that go on from the last answer" : "as the planner: grammars hold its replies, each request stands alone"]);
  return el("dl", {}, ...facts.filter(([, text]) => text !== "").flatMap(([name, text]) => [el("dt", {}, name), el("dd", {}, text)]));
}

/** The panel, behind the header's button. */
export function settingsPanel(state: State, button: HTMLButtonElement): void {
  const looks: [Settings["look"], string][] = [["system", "As the system"], ["light", "Light"], ["dark", "Dark"]];
  const look = el("select", { id: "set-look", change: () => (keep({ look: look.value as Settings["look"] }), applyLook()) }, ...looks.map(([value, text]) => el("option", { value, selected: settings.look === value }, text)));
  const words = el("textarea", { id: "set-words", rows: 3, maxlength: kMaxWords, "aria-describedby": "hint-words", change: () => keep({ words: words.value }) });
  words.value = settings.words;
  const close = el("button", { type: "button", class: "main", click: () => dialog.close() }, "Close");
  const dialog = el(
    "dialog",
    { class: "settings", "aria-labelledby": "settings-title" },
    el("h2", { id: "settings-title" }, "Settings"),
    el("div", { class: "field" }, el("label", { for: "set-look" }, "Look"), look),
    state.workspace !== null && el("div", { class: "field" }, ...numberField({ label: "Seconds for a run", hint: `Usually ${state.free ? 600 : 120}; 1 to 3,600.`, least: 1, most: 3600, name: "seconds" })),
    state.free === true && el("div", { class: "field" }, ...numberField({ label: "Tokens of a reply", hint: "The longest one; usually 4,096.", least: 64, most: 32768, name: "replyTokens" })),
    state.hears && el("div", { class: "field" }, el("label", { for: "set-words" }, "Names and words you say"), words, el("p", { class: "quiet", id: "hint-words" }, "Told to the model that writes down what you say, so that it spells them so.")),
    el("h3", {}, "Model"),
    modelFacts(state),
    el("p", { class: "quiet" }, "Kept by this browser. The server's command line chooses the model."),
    el("div", { class: "buttons" }, close),
  );
  document.body.append(dialog);
  button.hidden = false;
  button.addEventListener("click", () => dialog.showModal());
}

/** A box of the composer that stays as it was left. */
export function keptBox(id: string, name: "follow" | "think"): HTMLInputElement {
  const box = byId<HTMLInputElement>(id);
  box.checked = settings[name];
  box.addEventListener("change", () => keep({ [name]: box.checked }));
  return box;
}
