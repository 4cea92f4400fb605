// A chart drawn by Vega, to be pointed at and zoomed, in a frame that is a stranger to this page: its specification is
// what a model wrote. Nothing of Vega is loaded before somebody wants it.
import { el } from "./dom";

const kPatience = 15_000; // ms until a chart is there
const kHeight = [120, 4000] as const; // px

interface Said {
  ready?: unknown;
  height?: unknown;
  zooms?: unknown;
  error?: unknown;
}

/** A frame with the chart; `spec` is asked for when the frame is there. Resolves with whether it zooms. Errors: one sentence. */
export function explorable(label: string, spec: () => Promise<unknown>): { node: HTMLIFrameElement; shown: Promise<boolean> } {
  const node = el("iframe", { class: "explored", sandbox: "allow-scripts", src: "/page/chart.html", title: label });
  const shown = new Promise<boolean>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("The chart takes too long to draw.")), kPatience);
    let asked = false;
    const hear = (event: MessageEvent<unknown>) => {
      if (!node.isConnected) return removeEventListener("message", hear);
      if (event.source !== node.contentWindow || typeof event.data !== "object" || event.data === null) return;
      const said = event.data as Said;
      if (said.ready === true) {
        if (asked) return;
        asked = true;
        spec().then((given) => node.contentWindow?.postMessage(given, "*"), reject);
      } else if (typeof said.height === "number" && Number.isFinite(said.height)) {
        clearTimeout(late);
        node.style.height = `${Math.min(Math.max(said.height, kHeight[0]), kHeight[1])}px`;
        resolve(said.zooms === true);
      } else if (said.error !== undefined) {
        clearTimeout(late);
        reject(new Error(`It cannot be explored: ${String(said.error).slice(0, 300)}`));
      }
    };
    addEventListener("message", hear);
  });
  return { node, shown };
}
