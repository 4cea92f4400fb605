// Speaking instead of typing: what the microphone hears goes to this server as a recording, and its text comes back into
// the request, to be looked at before it is sent.
import { transcribe } from "./api";
import { announce, el } from "./dom";
import { settings } from "./settings";

const kRate = 16_000; // Hz, as the model hears
const kMost = 29; // seconds; the server takes 30
const kHold = 400; // ms from which on a press is a hold, which ends with it
const kLeast = 0.3; // seconds; less is a slip of the finger

/** 16 bits, one channel. */
function wav(samples: Float32Array): ArrayBuffer {
  const bytes = new DataView(new ArrayBuffer(44 + samples.length * 2));
  const text = (at: number, word: string) => [...word].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + samples.length * 2, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, kRate, true);
  bytes.setUint32(28, kRate * 2, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, samples.length * 2, true);
  samples.forEach((value, i) => bytes.setInt16(44 + i * 2, Math.round(Math.min(Math.max(value, -1), 1) * 32767), true));
  return bytes.buffer;
}

class Recording {
  private readonly blocks: Float32Array[] = [];
  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
  ) {}

  static async begin(): Promise<Recording> {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    const context = new AudioContext();
    const made = new Recording(stream, context);
    try {
      await context.audioWorklet.addModule("/page/recorder.js");
      const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
      node.port.onmessage = (event: MessageEvent<Float32Array>) => void made.blocks.push(event.data);
      context.createMediaStreamSource(stream).connect(node);
      return made;
    } catch (error) {
      made.end();
      throw error;
    }
  }

  end(): void {
    for (const track of this.stream.getTracks()) track.stop();
    void this.context.close();
  }

  /** What was heard, at kRate. */
  async samples(): Promise<Float32Array> {
    const length = this.blocks.reduce((sum, block) => sum + block.length, 0);
    const rate = this.context.sampleRate;
    if (length === 0) return new Float32Array();
    const offline = new OfflineAudioContext(1, Math.max(1, Math.min(Math.ceil((length * kRate) / rate), kRate * kMost)), kRate);
    const heard = offline.createBuffer(1, length, rate);
    let at = 0;
    for (const block of this.blocks) {
      heard.copyToChannel(block as Float32Array<ArrayBuffer>, 0, at);
      at += block.length;
    }
    const source = new AudioBufferSourceNode(offline, { buffer: heard });
    source.connect(offline.destination);
    source.start();
    return (await offline.startRendering()).getChannelData(0);
  }
}

/** The button beside the request: hold it, or press it to begin and to end. */
export function speechButton(request: HTMLTextAreaElement): { button: HTMLButtonElement; note: HTMLElement } {
  // The seconds are not read out.
  const said = el("span", { role: "status" });
  const count = el("span", { "aria-hidden": true });
  const note = el("p", { class: "quiet", id: "spoken" }, said, count);
  let recording: Recording | null = null;
  let state: "idle" | "opening" | "on" | "writing" = "idle";
  let wanted = false; // still, when the microphone is open
  let pressed = 0; // when a press began the recording; 0: it did not
  let began = 0;
  let clock = 0;

  const kSays = {
    idle: "",
    opening: "Opening the microphone …",
    on: "Listening. Let go, or press again, to end; Escape forgets it.",
    writing: "Writing down …",
  };
  const tick = () => (count.textContent = ` ${Math.floor((Date.now() - began) / 1000)} of ${kMost} s`);
  const turn = (to: keyof typeof kSays, text = kSays[to]) => {
    state = to;
    button.setAttribute("aria-pressed", String(to === "opening" || to === "on"));
    button.setAttribute("aria-disabled", String(to === "writing"));
    said.textContent = text;
    count.textContent = "";
  };
  const idle = (text = "") => {
    window.clearInterval(clock);
    recording?.end();
    recording = null;
    turn("idle", text);
  };
  const begin = async () => {
    if (state !== "idle") return;
    wanted = true;
    turn("opening");
    try {
      recording = await Recording.begin();
    } catch (error) {
      const name = (error as Error).name;
      return idle(name === "NotAllowedError" ? "The browser does not let the page use the microphone." : name === "NotFoundError" ? "There is no microphone." : `The microphone cannot be used: ${(error as Error).message}`);
    }
    if (!wanted) return idle();
    turn("on");
    began = Date.now();
    tick();
    clock = window.setInterval(() => (Date.now() - began >= kMost * 1000 ? void end() : tick()), 250);
  };
  const end = async () => {
    wanted = false;
    if (state !== "on" || !recording) return;
    const heard = recording;
    window.clearInterval(clock);
    turn("writing");
    heard.end();
    recording = null;
    try {
      const samples = await heard.samples();
      if (samples.length < kLeast * kRate) return idle("Too short: speak while the button is held, or between two presses.");
      const text = (await transcribe(wav(samples), settings.words.trim())).trim();
      idle(text === "" ? "Nothing was understood." : "");
      insert(text);
    } catch (error) {
      idle((error as Error).message);
    }
  };
  const insert = (text: string) => {
    if (text === "") return;
    const before = request.value.slice(0, request.selectionStart);
    const after = request.value.slice(request.selectionEnd);
    const words = (/\S$/.test(before) ? " " : "") + text + (/^\S/.test(after) ? " " : "");
    request.setRangeText(words, request.selectionStart, request.selectionEnd, "end");
    request.focus();
    announce(`Written down: ${text}`);
  };
  const press = () => {
    pressed = state === "idle" ? Date.now() : 0;
    if (state === "idle") void begin();
    else void end();
  };
  const release = () => {
    if (pressed > 0 && Date.now() - pressed >= kHold) void end();
    pressed = 0;
  };

  const button = el("button", {
    type: "button",
    id: "speak",
    "aria-pressed": "false",
    pointerdown: ((event: PointerEvent) => {
      if (event.button !== 0) return;
      button.setPointerCapture(event.pointerId);
      press();
    }) as EventListener,
    pointerup: release,
    pointercancel: release,
    keydown: ((event: KeyboardEvent) => {
      if (event.key !== " ") return;
      event.preventDefault();
      if (!event.repeat) press();
    }) as EventListener,
    keyup: ((event: KeyboardEvent) => {
      if (event.key !== " ") return;
      event.preventDefault();
      release();
    }) as EventListener,
    // Enter, and what helps people to press buttons.
    click: ((event: MouseEvent) => {
      if (event.detail === 0) press();
    }) as EventListener,
    contextmenu: (event) => event.preventDefault(),
  }, "Speak");
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape" || (state !== "on" && state !== "opening")) return;
      event.stopImmediatePropagation();
      wanted = false;
      if (state === "on") idle("Not written down.");
    },
    { capture: true },
  );
  button.addEventListener("blur", () => pressed > 0 && release());
  return { button, note };
}
