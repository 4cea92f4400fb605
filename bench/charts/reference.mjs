// Writes what the reference implementation (npm vega and vega-lite) draws for Vega-Lite specifications: one JSON
// per specification with its scales, its marks in draw order and the size of the view. Headless and without the
// npm package `canvas`, so that text is measured by vega's own estimate.
//   TZ=UTC node reference.mjs SPECS DATA OUT MODULES [NAME...]
// SPECS: folder of *.json; DATA: folder that holds data/ (npm vega-datasets); MODULES: folder with node_modules.
import {createRequire} from 'module';
import {pathToFileURL} from 'url';
import fs from 'fs';
import path from 'path';

const [specs, data, out, modules, ...names] = process.argv.slice(2);
const require = createRequire(path.resolve(modules) + '/');
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
let hasCanvas = true;
try { require.resolve('canvas'); } catch { hasCanvas = false; }
if (hasCanvas) throw new Error('the package canvas is installed: text would not be measured by the estimate');
const vega = await load('vega');
const vegaLite = await load('vega-lite');

const plain = (v) => (v instanceof Date ? +v : Array.isArray(v) ? v.map(plain) : v);
const number = (v) => (typeof v === 'number' && isFinite(v) ? Math.round(v * 1000) / 1000 : 0);

function scales(context, list) {
  for (const [name, operator] of Object.entries(context.scales || {})) {
    const scale = operator.value;
    if (!scale || !scale.domain) continue;
    list.push({name, type: scale.type, domain: plain(scale.domain())});
  }
  for (const child of context.subcontext || []) scales(child, list);
}

function item(type, it, dx, dy) {
  const x = number(it.x) + dx, y = number(it.y) + dy;
  switch (type) {
    case 'rect': case 'image': case 'group':
      return {x, y, width: number(it.width), height: number(it.height), fill: it.fill, stroke: it.stroke};
    case 'rule': return {x, y, x2: number(it.x2 ?? it.x) + dx, y2: number(it.y2 ?? it.y) + dy, stroke: it.stroke};
    case 'symbol': return {x, y, size: number(it.size ?? 64), fill: it.fill, stroke: it.stroke};
    case 'text': {
      // The anchor that is drawn: offset, then the position on the circle if one is given.
      const r = it.radius || 0, t = (it.theta || 0) - Math.PI / 2;
      return {x: number(x + (r ? r * Math.cos(t) : 0) + (it.dx || 0)), y: number(y + (r ? r * Math.sin(t) : 0) + (it.dy || 0)),
              text: Array.isArray(it.text) ? it.text.join('\n') : it.text == null ? '' : String(it.text), angle: number(it.angle),
              align: it.align, baseline: it.baseline, opacity: it.opacity, fill: it.fill};
    }
    case 'area': return {x, y, x2: number(it.x2 ?? it.x) + dx, y2: number(it.y2 ?? it.y) + dy, defined: it.defined !== false};
    case 'line': return {x, y, defined: it.defined !== false, stroke: it.stroke};
    case 'trail': return {x, y, size: number(it.size ?? 1), defined: it.defined !== false};
    case 'arc': return {x, y, startAngle: number(it.startAngle), endAngle: number(it.endAngle),
                        innerRadius: number(it.innerRadius), outerRadius: number(it.outerRadius), fill: it.fill};
    default: return {x, y, box: [number(it.bounds.x1 + dx), number(it.bounds.y1 + dy), number(it.bounds.x2 + dx), number(it.bounds.y2 + dy)]};
  }
}

function marks(mark, dx, dy, list) {
  if (mark.marktype === 'group') {
    for (const group of mark.items) {
      if (mark.role !== 'frame') list.push({type: 'group', role: mark.role, name: mark.name, items: [item('group', group, dx, dy)]});
      for (const child of group.items) marks(child, dx + number(group.x), dy + number(group.y), list);
    }
  } else {
    list.push({type: mark.marktype, role: mark.role, name: mark.name, items: mark.items.map((it) => item(mark.marktype, it, dx, dy))});
  }
}

fs.mkdirSync(out, {recursive: true});
const files = names.length ? names : fs.readdirSync(specs).filter((f) => f.endsWith('.json')).sort();
for (const file of files) {
  const target = path.join(out, file);
  try {
    const spec = JSON.parse(fs.readFileSync(path.join(specs, file), 'utf8'));
    const quiet = {level: () => quiet, warn: () => quiet, info: () => quiet, debug: () => quiet, error: () => quiet};
    vega.setRandom(vega.randomLCG(42));
    const compiled = vegaLite.compile(spec, {logger: quiet}).spec;
    const view = new vega.View(vega.parse(compiled), {
      renderer: 'none', logger: quiet, loader: vega.loader({baseURL: path.resolve(data) + '/', mode: 'file'})});
    await view.runAsync();
    const list = [], found = [], root = view.scenegraph().root;
    const padding = view.padding(), origin = [view._origin[0] + padding.left, view._origin[1] + padding.top];
    marks(root, origin[0], origin[1], list);
    scales(view._runtime, found);
    fs.writeFileSync(target, JSON.stringify({
      width: view._viewWidth + padding.left + padding.right, height: view._viewHeight + padding.top + padding.bottom, origin,
      scales: found, marks: list}));
    view.finalize();
  } catch (error) {
    fs.writeFileSync(target, JSON.stringify({error: String(error.message || error)}));
  }
}
