// A chart that can be explored, in a frame with an origin of its own (server/page/page.cpp): it is told what to draw by
// the page alone, and says how high it is, or why there is nothing to see. The specification was written by a model.
"use strict";

const kContinuous = ["quantitative", "temporal"];
const kPlain = ["point", "circle", "square", "line", "area", "trail", "tick", "rule"];
const kScrollbar = 16; // px

const tell = (what) => parent.postMessage(what, "*");
const refused = () => Promise.reject(new Error("A chart loads nothing."));
const nothing = { options: {}, load: refused, sanitize: refused, http: refused, file: refused };

/** Both axes are continuous, of the rows as they are: the wheel zooms, dragging moves. */
function zooms(spec) {
  const { x, y } = spec.encoding ?? {};
  const own = (axis) => axis && /^[a-z_]\w*$/i.test(axis.field) && kContinuous.includes(axis.type) && !axis.bin && !axis.aggregate && !axis.stack;
  return kPlain.includes(spec.mark?.type ?? spec.mark) && !spec.params && own(x) && own(y);
}

/** What is pointed at is named as the axes and the legend name it. */
function named(encoding) {
  const entries = Object.entries(encoding ?? {}).map(([channel, def]) => {
    const title = def?.axis?.title ?? def?.legend?.title;
    return [channel, typeof def?.field === "string" && def.title === undefined && title ? { ...def, title } : def];
  });
  return Object.fromEntries(entries);
}

function explorable(given) {
  const { usermeta, ...spec } = given; // would set Vega's options
  if (spec.encoding) spec.encoding = named(spec.encoding);
  if (Array.isArray(spec.layer)) spec.layer = spec.layer.map((one) => (one?.encoding ? { ...one, encoding: named(one.encoding) } : one));
  if (!zooms(spec)) return spec;
  // Marks on the edge of the plot are whole until they may lie beyond it.
  const clip = { expr: `isArray(zoom.${spec.encoding.x.field})` };
  return {
    ...spec,
    mark: { ...(typeof spec.mark === "string" ? { type: spec.mark } : spec.mark), clip },
    params: [{ name: "zoom", select: "interval", bind: "scales" }],
  };
}

/** As wide as there is room, with what is drawn at a size of its own made smaller too. */
function fitted(spec) {
  const by = innerWidth / spec.width;
  const smaller = (one) => {
    if (!["bar", "arc", "text"].includes(one?.mark?.type)) return one;
    const mark = { ...one.mark };
    for (const name of ["width", "outerRadius", "innerRadius", "radius"]) if (typeof mark[name] === "number") mark[name] *= by;
    return { ...one, mark };
  };
  const whole = { ...smaller(spec), width: innerWidth, autosize: { type: "fit", contains: "padding" } };
  return Array.isArray(spec.layer) ? { ...whole, layer: spec.layer.map(smaller) } : whole;
}

async function draw(given) {
  const spec = explorable(given);
  const options = {
    mode: "vega-lite",
    ast: true, // no code is made of expressions, which the frame's policy would not run
    actions: false,
    defaultStyle: false,
    renderer: "canvas",
    loader: nothing,
    tooltip: { disableDefaultStyle: true },
    config: { mark: { tooltip: true }, text: { tooltip: null } },
  };
  let shown = await vegaEmbed("#chart", spec, options);
  const chart = document.querySelector("#chart");
  if (chart.scrollWidth > innerWidth && typeof spec.width === "number") {
    shown.finalize();
    shown = await vegaEmbed("#chart", fitted(spec), options);
  }
  const height = () => chart.offsetHeight + (chart.scrollWidth > innerWidth ? kScrollbar : 0);
  tell({ height: height(), zooms: spec.params?.[0]?.name === "zoom" });
  new ResizeObserver(() => tell({ height: height() })).observe(chart);
}

addEventListener("message", (event) => {
  if (event.source !== parent) return;
  draw(event.data).catch((error) => tell({ error: String(error?.message ?? error) }));
}, { once: true });
tell({ ready: true });
