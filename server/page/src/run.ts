// One run as it happens: a step for each thing the agent did, then the answer and its charts. All it knows comes from
// the run's events, so that a reload shows the same.
import { events, Failure, fileUrl, offers, post, type RunEvent } from "./api";
import { chartFigure } from "./chart";
import { changeList } from "./diff";
import { announce, el, plural, table } from "./dom";
import { markdown } from "./markdown";

type Of<T extends RunEvent["type"]> = Extract<RunEvent, { type: T }>;

const kRetry = 1500; // ms

/** As `POST /tessera/runs` takes it. */
export interface Asked {
  request: string;
  after?: string;
  thinking?: boolean;
  seconds?: number;
  reply_tokens?: number;
}

/** How full the model's context is. */
function contextMeter(used: number, most: number): HTMLElement {
  const count = (tokens: number) => tokens.toLocaleString("en");
  if (most <= 0) return el("span", { class: "context" }, `${count(used)} tokens`);
  const text = `Context: ${count(used)} of ${count(most)} tokens (${Math.round((used / most) * 100)} %)`;
  return el("span", { class: "context" }, el("meter", { min: 0, max: most, value: Math.min(used, most), high: most * 0.8, optimum: 0, "aria-label": "Context used" }), text);
}

export class RunView {
  readonly node: HTMLElement;
  /** Called when the run has ended, or cannot be followed any more. */
  onEnd: () => void = () => {};
  /** Called when a run that had ended goes on. */
  onBegin: () => void = () => {};
  id: string | null = null;
  ended = false;
  /** It has an answer. */
  isDone = false;

  private readonly steps = el("ol", { class: "steps" });
  private readonly state = el("p", { class: "state" });
  private readonly answer = el("div", { class: "answer" });
  private started = Date.now();
  private profiles: HTMLElement | null = null;
  private call: HTMLElement | null = null;
  private question: { number: number; node: HTMLElement } | null = null;
  private said = "";
  private drafted = ""; // words of a reply that is not whole yet
  private reading = "";
  private drawing = false;
  private doing = "";
  private clock = 0;
  private next = 0; // number of the first event that was not seen
  private stopAsked = false;
  private numbers: Of<"numbers"> | null = null;
  private context: Of<"context"> | null = null;

  constructor(request: string) {
    this.node = el("article", { class: "run", "aria-label": request }, el("h2", {}, request), this.steps, this.state, this.answer);
    this.say("Starting");
    this.clock = window.setInterval(() => this.showState(), 1000);
  }

  /** Asks for the run, or, with an id, follows one that is there. */
  async follow(asked: Asked | null, id: string | null): Promise<void> {
    this.id = id;
    await this.read("runs", asked);
  }

  /** Lets a run that was not finished go on; it tells again what it did. */
  private async goOn(): Promise<void> {
    this.ended = this.stopAsked = false;
    this.next = 0;
    this.said = this.drafted = this.reading = "";
    this.profiles = this.call = this.numbers = null;
    this.steps.classList.remove("over");
    this.steps.replaceChildren();
    this.answer.replaceChildren();
    this.clock = window.setInterval(() => this.showState(), 1000);
    this.say("Going on");
    this.onBegin();
    const id = this.id!;
    this.id = null;
    await this.read(`runs/${encodeURIComponent(id)}/resume`, {});
  }

  private async read(start: string, body: object | null): Promise<void> {
    while (!this.ended) {
      try {
        const path = this.id === null ? start : `runs/${encodeURIComponent(this.id)}?from=${this.next}`;
        await events(path, this.id === null ? body : null, (event, number) => {
          // A run whose process ended comes with fewer events, and its result is news all the same.
          if (number < this.next && event.type !== "result") return;
          this.next = number + 1;
          this.on(event);
        });
        if (!this.ended && this.id === null) throw new Failure(0, "The server ended before the run began.");
      } catch (error) {
        const failure = error instanceof Failure ? error : new Failure(0, String(error));
        if (this.id === null || failure.status !== 0 || Date.now() - this.lost() > 30_000) {
          this.fail(failure.status === 404 && this.id !== null ? "The server was started anew and does not know this run any more; ask again." : failure.message);
          return;
        }
        this.say("Connection lost, trying again");
      }
      if (!this.ended) await new Promise((resolve) => setTimeout(resolve, kRetry));
    }
  }

  async stop(): Promise<void> {
    if (this.ended || this.stopAsked) return;
    this.stopAsked = true;
    this.say("Stopping");
    if (this.id !== null) await post(`runs/${encodeURIComponent(this.id)}/stop`, {}).catch((error: Error) => this.fail(error.message));
  }

  private lostAt = 0;
  private lost(): number {
    if (this.lostAt === 0) this.lostAt = Date.now();
    return this.lostAt;
  }

  private say(doing: string): void {
    if (doing === this.doing) return;
    this.doing = doing;
    this.showState();
    announce(doing);
  }

  private showState(): void {
    if (this.ended) return;
    const seconds = Math.round((Date.now() - this.started) / 1000);
    this.state.replaceChildren(el("span", { class: "busy", "aria-hidden": true }), `${this.doing}${this.reading} …${seconds >= 2 ? ` ${seconds} s` : ""}`);
    if (this.context !== null) this.state.append(" ", contextMeter(this.context.tokens, this.context.length ?? offers.context));
  }

  private on(event: RunEvent): void {
    this.lostAt = 0;
    // What a reply has become is told again, whole.
    if (event.type !== "draft" && event.type !== "context" && event.type !== "reading") this.forgetDraft();
    switch (event.type) {
      case "run":
        this.id = event.id;
        this.started = event.time_ms;
        if (this.stopAsked) void post(`runs/${encodeURIComponent(event.id)}/stop`, {}).catch(() => {});
        return;
      case "request":
        return this.say("Looking at the files");
      case "loading":
        return this.say("Reading the model");
      case "reading":
        this.reading = event.of > 0 ? `: ${Math.round((100 * event.tokens) / event.of)} % of the prompt read` : "";
        return this.showState();
      case "draft":
        this.reading = "";
        this.drafted += event.text;
        this.showState();
        return this.draw();
      case "context":
        this.reading = "";
        this.context = event;
        return this.showState();
      case "observation":
        return this.observed(event);
      case "plan":
        this.steps.append(el("li", { class: "plan" }, el("h3", {}, "Plan"), el("p", {}, event.text)));
        return this.say("Writing a script");
      case "call":
        return this.called(event);
      case "text":
        this.said += event.text;
        this.say("Answering");
        return this.draw();
      case "note":
      case "notice":
        this.steps.append(el("li", {}, el("p", { class: "note" }, event.text)));
        return;
      case "numbers":
        this.numbers = event;
        return;
      case "budget":
        this.steps.append(el("li", {}, el("p", { class: "note" }, event.what === "seconds" ? "The time is used up." : "The turns are used up.")));
        return;
      case "question":
        return this.ask(event);
      case "answer":
        return this.answered(event);
      case "result":
        return this.finish(event);
    }
  }

  private observed(event: Of<"observation">): void {
    if (event.tool === "profile") {
      if (this.profiles === null) {
        this.profiles = el("details", {}, el("summary"));
        this.steps.append(el("li", { class: "profiles" }, this.profiles));
      }
      this.profiles.append(el("pre", { tabindex: 0, "aria-label": "What is in the file" }, event.text.trimEnd()));
      this.profiles.querySelector("summary")!.textContent = `Looked at ${plural(this.profiles.querySelectorAll("pre").length, "file")}`;
      return this.say(this.profiles ? "Planning" : "Looking at the files");
    }
    const failed = event.text.startsWith("error: ");
    const place = this.call ?? this.steps.appendChild(el("li"));
    place.append(
      el("h4", {}, event.tool === "chart check" ? "Chart check" : event.tool === "look" ? "A look at the picture" : failed ? "Error" : "Output"),
      el("pre", { class: failed ? "output error" : "output", tabindex: 0, "aria-label": failed ? "Error" : "Output" }, event.text.trimEnd() || "(nothing)"),
    );
    this.say(failed ? "Mending the script" : "Answering");
  }

  private called(event: Of<"call">): void {
    const code = event.arguments.code;
    this.call = el(
      "li",
      { class: "call" },
      el("h3", {}, `${event.step === undefined ? "" : `${event.step}. `}${event.tool === "run_lua" ? "Script" : event.tool}`),
      el("pre", { tabindex: 0, "aria-label": "Script" }, el("code", {}, typeof code === "string" ? code : JSON.stringify(event.arguments, null, 2))),
    );
    this.steps.append(this.call);
    this.say("Running the script");
  }

  /** At most once a frame, however fast the words come. */
  private draw(): void {
    if (this.drawing || this.ended) return;
    this.drawing = true;
    requestAnimationFrame(() => {
      this.drawing = false;
      if (this.ended) return;
      this.answer.replaceChildren(...markdown(this.said === "" ? this.drafted : this.said));
      this.answer.classList.toggle("draft", this.said === "");
    });
  }

  private forgetDraft(): void {
    this.reading = "";
    if (this.drafted === "") return;
    this.drafted = "";
    this.draw();
  }

  private ask(event: Of<"question">): void {
    const decide = (allow: boolean) => async () => {
      for (const button of node.querySelectorAll("button")) button.disabled = true;
      await post(`runs/${encodeURIComponent(this.id!)}/answer`, { question: event.question, allow }).catch((error: Error) =>
        node.append(el("p", { class: "note" }, error.message)),
      );
    };
    const allow = el("button", { type: "button", click: decide(true) }, "Allow");
    const deny = el("button", { type: "button", class: "main", click: decide(false) }, "Deny");
    const node = el(
      "li",
      { class: "question" },
      el("h3", {}, "May it do this?"),
      el("p", {}, el("code", {}, event.what)),
      event.why !== "" && el("p", {}, event.why),
      event.changes && changeList(event.changes),
      el("div", { class: "buttons" }, deny, allow),
      el("p", { class: "quiet" }, `Without an answer in ${event.seconds} seconds, or when no page is open, it is denied.`),
    );
    this.steps.append(node);
    this.question = { number: event.question, node };
    this.say("Waiting for your answer");
    announce(`May it do this? ${event.what}. ${event.why}`);
  }

  private answered(event: Of<"answer">): void {
    if (this.question?.number !== event.question) return;
    const why = event.by === "a person" ? "" : ` (${event.by})`;
    this.question.node.querySelector(".buttons")?.remove();
    this.question.node.querySelector(".quiet")?.replaceWith(el("p", { class: "note" }, `${event.allow ? "Allowed" : "Denied"}${why}.`));
    this.question = null;
    this.say(event.allow ? "Going on" : "Ending");
  }

  private finish(event: Of<"result">): void {
    this.end();
    this.isDone = event.status === "ok";
    if (this.isDone) {
      this.answer.replaceChildren(...markdown(event.answer));
      announce(`Done. ${event.answer}`);
    } else if (event.status === "stopped" || event.status === "interrupted") {
      const text = event.status === "stopped" ? "Stopped. Nothing more is done; ask again when you like." : "The program ended before this was done.";
      this.answer.replaceChildren(el("p", { class: "note" }, text), el("div", { class: "buttons" }, el("button", { type: "button", click: () => void this.goOn() }, "Go on with it")));
      announce(event.status === "stopped" ? "Stopped" : "Interrupted");
    } else {
      this.problem(event.status === "refused" ? "Not done" : "That did not work", event.answer);
    }
    this.traceNumbers();
    event.charts.forEach((chart, n) => this.answer.append(chartFigure(chart, `runs/${encodeURIComponent(this.id!)}/chart?n=${n}`)));
    const drawn = new Set(event.charts.map((chart) => chart.path));
    const files = event.artifacts.filter((file) => !drawn.has(file.path));
    if (files.length > 0)
      this.answer.append(
        el("p", {}, "Files: ", ...files.flatMap((file, i) => [i > 0 && ", ", el("a", { href: fileUrl(file.path), download: file.path.replace(/^.*\//, "") }, file.path)])),
      );
    if (event.ms !== undefined) this.state.append(`Took ${(event.ms / 1000).toFixed(event.ms < 9950 ? 1 : 0)} s.`);
    const used = event.usage?.context_tokens ?? 0;
    if (used > 0) this.state.append(contextMeter(used, event.usage?.context_length ?? offers.context));
  }

  /** Which step showed each number of the answer. */
  private traceNumbers(): void {
    if (this.numbers === null) return;
    const { numbers, not_found } = this.numbers;
    if (not_found.length > 0)
      this.answer.append(el("p", { class: "note" }, `No step showed ${not_found.join(", ")}: do not rely on ${not_found.length > 1 ? "them" : "it"} without looking.`));
    if (numbers.length === 0) return;
    const rows = numbers.map((one) => [one.number, one.step > 0 ? `step ${one.step}` : "the files", one.how]);
    this.answer.append(
      el(
        "details",
        {},
        el("summary", {}, `Where ${plural(numbers.length, "number")} of the answer ${numbers.length === 1 ? "comes" : "come"} from`),
        table(["Number", "Shown in", "How"].map((name) => document.createTextNode(name)), rows, ["right", "left", "left"], "Where the numbers come from"),
      ),
    );
  }

  private problem(title: string, text: string): void {
    this.answer.replaceChildren(el("div", { class: "problem", role: "alert" }, el("h3", {}, title), el("p", {}, text)));
  }

  private fail(text: string): void {
    this.end();
    this.problem("That did not work", text);
  }

  private end(): void {
    this.ended = true;
    this.answer.classList.remove("draft");
    window.clearInterval(this.clock);
    this.state.replaceChildren();
    this.steps.classList.add("over");
    this.onEnd();
  }
}
