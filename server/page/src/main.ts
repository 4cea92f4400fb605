import "./style.css";
import { get, offers, type RunInfo, type State } from "./api";
import { ChangesView } from "./changes";
import { byId, el } from "./dom";
import { FilesView } from "./files";
import { RunView, type Asked } from "./run";
import { applyLook, keptBox, settings, settingsPanel } from "./settings";
import { speechButton } from "./speech";

const kLook = 2000; // ms between looks for runs of other pages

const runs = byId("runs");
const request = byId<HTMLTextAreaElement>("request");
const send = byId<HTMLButtonElement>("send");
const stop = byId<HTMLButtonElement>("stop");
const views = { ask: byId("ask"), files: byId("files"), changes: byId("changes") };
const files = new FilesView(views.files);
const changes = new ChangesView(views.changes);
const follow = keptBox("follow", "follow");
const think = keptBox("think", "think");
const known = new Map<string, RunView>();
let current: RunView | null = null;
let free = false; // the model goes on from earlier requests, and may think

function show(view: string): void {
  for (const [name, node] of Object.entries(views)) node.hidden = name !== view;
  for (const button of document.querySelectorAll<HTMLElement>("nav button")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  if (view === "files") void files.show();
  if (view === "changes") void changes.show();
  if (view === "ask") request.focus();
}

function working(view: RunView | null): void {
  current = view;
  send.disabled = view !== null;
  stop.hidden = view === null;
}

function add(view: RunView): void {
  runs.querySelector(".welcome")?.remove();
  runs.append(view.node);
  view.onEnd = () => {
    if (view.id !== null) known.set(view.id, view);
    if (current === view) working(null);
  };
  view.onBegin = () => working(view);
  if (!view.ended) working(view);
  scrollTo(0, document.documentElement.scrollHeight);
}

/** What comes last stays in sight, unless the person has gone up to read. */
function keepTheEndInSight(): void {
  let atEnd = true;
  const end = () => document.documentElement.scrollHeight - innerHeight;
  addEventListener("scroll", () => (atEnd = scrollY > end() - 80), { passive: true });
  new ResizeObserver(() => {
    if (atEnd && current) scrollTo(0, end());
  }).observe(runs);
}

function ask(): void {
  const text = request.value.trim();
  if (text === "" || current) return;
  request.value = "";
  const view = new RunView(text);
  add(view);
  const asked: Asked = { request: text };
  const after = free && follow.checked ? last() : null;
  if (after !== null) asked.after = after;
  if (free && think.checked) asked.thinking = true;
  if (settings.seconds > 0) asked.seconds = settings.seconds;
  if (free && settings.replyTokens > 0) asked.reply_tokens = settings.replyTokens;
  void view.follow(asked, null);
}

/** The newest run that came to an end, which a new one may go on from. */
function last(): string | null {
  const ended = [...known.values()].filter((view) => view.ended && view.id !== null && view.isDone);
  return ended.at(-1)?.id ?? null;
}

/** Shows the runs that this page has not seen: those from before a reload, and those of other pages. */
async function look(): Promise<void> {
  const { runs: all } = await get<{ runs: RunInfo[] }>("runs");
  // One that was just asked for here has no name yet.
  if (current !== null && current.id === null) return;
  if (current?.id) known.set(current.id, current);
  for (const info of all) {
    if (known.has(info.id)) continue;
    const view = new RunView(info.request);
    known.set(info.id, view);
    add(view);
    void view.follow(null, info.id);
  }
}

async function lookAgain(): Promise<void> {
  if (!document.hidden) await look().catch(() => {});
  setTimeout(lookAgain, kLook);
}

function welcome(state: State): void {
  const here = el("div", { class: "welcome" });
  if (state.workspace === null) {
    here.append(
      el("h2", {}, "No folder to work in"),
      el("p", {}, "The server was started without one. End it and start it with the folder that holds your tables:"),
      el("pre", { tabindex: 0, "aria-label": "Command" }, el("code", {}, "tessera serve --workspace DIR")),
    );
    byId("composer").hidden = true;
    document.querySelector("nav")!.hidden = true;
  } else {
    const examples = ["What is in the files?", "Show the totals per month as a bar chart"];
    const use = (text: string) => () => {
      request.value = text;
      request.focus();
    };
    here.append(
      el("p", {}, "Ask about the tables of this folder, or for a chart of them. Everything stays on this machine."),
      el("div", { class: "buttons" }, ...examples.map((text) => el("button", { type: "button", click: use(text) }, text))),
    );
  }
  runs.append(here);
}

async function begin(): Promise<void> {
  const where = byId("where");
  try {
    const state = await get<State>("state");
    where.textContent = state.workspace === null ? state.model : `${state.workspace} · ${state.model} · policy ${state.policy}`;
    Object.assign(offers, { explore: state.explore, context: state.context });
    welcome(state);
    settingsPanel(state, byId<HTMLButtonElement>("settings"));
    if (state.workspace === null) return;
    free = state.free === true;
    byId("choices").hidden = !free;
    if (state.hears && navigator.mediaDevices) {
      const { button, note } = speechButton(request);
      send.before(button);
      byId("keys").before(note);
    }
    await look();
    void lookAgain();
    request.focus();
  } catch (error) {
    where.textContent = (error as Error).message;
  }
}

byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  ask();
});
request.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask();
  }
});
stop.addEventListener("click", () => void current?.stop());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) void current?.stop();
});
for (const button of document.querySelectorAll<HTMLElement>("nav button")) button.addEventListener("click", () => show(button.dataset.view!));
applyLook();
keepTheEndInSight();
void begin();
