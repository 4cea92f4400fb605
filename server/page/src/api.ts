// What the server says; docs/page.md describes the paths.

export interface State {
  model: string;
  workspace: string | null;
  policy?: string;
  /** Requests go on from earlier ones, and the model may think. */
  free?: boolean;
  /** Where the model lies, and how large it is. */
  file: string;
  bytes: number;
  /** Tokens that a conversation may have. */
  context: number;
  sees: boolean;
  hears: boolean;
  /** Charts can be drawn by Vega. */
  explore: boolean;
}
/** What this server can do; all of it from its state. */
export const offers: Pick<State, "explore" | "context"> = { explore: false, context: 0 };
export interface RunInfo {
  id: string;
  request: string;
  time_ms: number;
  status: string;
  after: string;
}
export interface TracedNumber {
  number: string;
  step: number;
  how: string;
}
export interface Change {
  kind: string;
  path: string;
  from?: string;
  old_size?: number;
  new_size?: number;
  diff?: string;
}
export interface Chart {
  path: string;
  spec: Record<string, unknown>;
}
export type RunEvent =
  | { type: "run"; id: string; time_ms: number }
  | { type: "request" | "plan" | "text" | "note" | "notice"; text: string }
  | { type: "numbers"; numbers: TracedNumber[]; not_found: string[] }
  | { type: "loading" }
  | { type: "reading"; tokens: number; of: number }
  | { type: "draft"; text: string }
  | { type: "context"; tokens: number; length?: number }
  | { type: "call"; step?: number; tool: string; arguments: Record<string, unknown> }
  | { type: "observation"; tool: string; text: string }
  | { type: "budget"; what: string }
  | { type: "question"; question: number; what: string; why: string; seconds: number; changes?: Change[] }
  | { type: "answer"; question: number; allow: boolean; by: string }
  | { type: "result"; status: string; ms?: number; answer: string; artifacts: { path: string; mime: string }[]; charts: Chart[]; usage?: { context_tokens?: number; context_length?: number } };

/** An error with a sentence for the person. status 0: nobody answered. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const nobody = () => new Failure(0, "The server does not answer. Is `tessera serve` still running?");

async function checked(path: string, init?: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(`/tessera/${path}`, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw nobody();
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => null);
  throw new Failure(response.status, body?.error?.message ?? `The server answered with ${response.status}.`);
}

export async function get<T>(path: string): Promise<T> {
  return (await checked(path)).json();
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return (await checked(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })).json();
}

export async function upload(name: string, file: Blob): Promise<void> {
  await checked(`files?name=${encodeURIComponent(name)}`, { method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: file });
}

/** A recording, a WAV file, as text; `words` may be said in it. */
export async function transcribe(recording: ArrayBuffer, words: string): Promise<string> {
  const response = await checked(`transcript?words=${encodeURIComponent(words)}`, { method: "POST", headers: { "Content-Type": "audio/wav" }, body: recording });
  return ((await response.json()) as { text: string }).text;
}

export const fileUrl = (path: string) => `/tessera/file?path=${encodeURIComponent(path)}`;

/** Reads a stream of server-sent events, of a POST where there is a body; `on` gets each with its number. Ends when the server ends it. */
export async function events(path: string, body: object | null, on: (event: RunEvent, number: number) => void): Promise<void> {
  const response = await checked(path, body === null ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let piece: ReadableStreamReadResult<string>;
    try {
      piece = await reader.read();
    } catch {
      throw nobody();
    }
    if (piece.done) return;
    rest += piece.value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop()!;
    for (const block of blocks) {
      let number = 0;
      for (const line of block.split("\n")) {
        if (line.startsWith("id: ")) number = Number(line.slice(4));
        if (line.startsWith("data: ")) on(JSON.parse(line.slice(6)), number);
      }
    }
  }
}
