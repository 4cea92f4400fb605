// Prints what the real Vega, Vega-Lite and d3 do, as the golden files that golden_test.cpp replays.
//   npm install vega@6 vega-lite@6 (anywhere), then
//   node make_golden.mjs NODE_MODULES FOLDER      writes FOLDER/*.json
import fs from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [root, folder] = process.argv.slice(2);
const require = createRequire(pathToFileURL(root + "/").href);
const load = (name) => import(pathToFileURL(require.resolve(name)).href);
const vega = await load("vega");
const scales = await load("vega-scale");
const lite = await load("vega-lite");
const d3format = await load("d3-format");
const d3time = await load("d3-time-format");

// Numbers that JSON lacks travel as text; undefined as null, dates as milliseconds.
const plain = (v) =>
  v === undefined ? null
  : typeof v === "string" ? v.toWellFormed() // half of a surrogate pair has no UTF-8
  : typeof v === "number" ? (Number.isFinite(v) ? v : String(v))
  : v instanceof Date ? plain(+v)
  : Array.isArray(v) ? v.map(plain)
  : v && typeof v === "object" ? Object.fromEntries(Object.entries(v).map(([k, x]) => [k, plain(x)]))
  : v;
// One case per line, so that a change of a golden file can be read.
function write(name, cases) {
  fs.writeFileSync(`${folder}/${name}.json`, "[\n" + cases.map((c) => JSON.stringify(plain(c))).join(",\n") + "\n]\n");
  console.log(name, cases.length);
}
const attempt = (f) => { try { return f(); } catch (e) { return { error: true }; } };
// A small generator of its own, so that the files do not change from run to run.
let state = 1;
const random = () => { state = (state * 48271) % 2147483647; return state / 2147483647; };
const pick = (list) => list[Math.floor(random() * list.length)];
const between = (a, b) => a + random() * (b - a);

// ---- numbers as text, and formats
const numbers = [0, -0, 1, -1, 0.1, 0.5, 1.5, 2.5, -2.5, 0.25, 1.005, 1.255, 12.345, 42, 99.5, 100, 123.456, 999.5, 999.95, 1000, 1234.5678, 9999.5,
  12345.678, 1e5, 123456, 999999, 1e6, 1234567.891, 1e9, 4.2e9, 1e12, 1.5e15, 1e20, 1e21, 1.234e21, 1e24, 5e30, 1e-3, 0.00123, 1e-6, 1.5e-6, 1e-7, 4.2e-9,
  1e-24, 3e-27, -0.001, -1234.5, -1e7, 0.05, 0.15, 0.35, 8.5, 1e300, NaN, Infinity, -Infinity, 0.999999, 0.9999999999999, 1 / 3, 2 / 3, 1e-10, 255, 3.14159265];
const specifiers = ["", "d", ",d", "+d", "04d", "8d", "<8d", "^8d", "=+8d", "*>8d", "x", "X", "#x", "b", "#b", "o", "c", "f", ".0f", ".1f", ".2f", ",.2f", ".3f",
  "$,.2f", "($.2f", "$.2s", "+.1f", " .1f", "e", ".0e", ".1e", ".2e", ".3~e", "g", ".1g", ".3g", ".10g", ".2~g", "n", "r", ".1r", ".3r", ".2~r", "s", ".1s", ".2s", ".3s",
  ".3~s", "~s", "%", ".0%", ".1%", ".1~%", "+.1%", "p", ".2p", ".1~p", "08.2f", "012,.1f", "=12,.1f", ",", "~f", ",.0f", "$d", "^12.2f", "0=10d", "$,", "_^10", ",.3~f", ".12f", ".20f"];
write("format", specifiers.map((s) => [s, numbers.map((n) => attempt(() => d3format.format(s)(n)))])
  .concat([["numbers", numbers]]));
write("text", [[numbers, numbers.map(String)]]);
const scaleOf = (type) => vega.scale(type)();
const locale = vega.defaultLocale();
const spans = [];
for (let i = 0; i < 160; ++i) {
  const start = pick([0, 0, -1, between(-1000, 1000), between(0, 1e-5), 1e6, between(-1e9, 1e9)]);
  const stop = start + pick([1, 10, 100, between(0, 1), between(0, 1e6), 1e-6, 37, 2.5]);
  const count = pick([2, 3, 5, 10, 20]);
  const s = pick([",f", ",f", "", "s", "~s", "%", "e", "g", "r", "p", ".2f", "$,.0f", ",.3s"]);
  const scale = scaleOf("linear").domain([start, stop]);
  const ticks = scale.ticks(count);
  const nice = scale.copy().nice(count).domain();
  spans.push([start, stop, count, s, ticks, nice, ticks.map(locale.formatSpan(start, stop, count, s))]);
}
write("ticks", spans);

// ---- dates
const dates = [];
for (let i = 0; i < 60; ++i) dates.push(Math.floor(between(-3e12, 4e12)));
dates.push(0, -1, Date.UTC(2012, 0, 1), Date.UTC(2012, 1, 29, 12), Date.UTC(2000, 11, 31, 23, 59, 59, 999), Date.UTC(2010, 0, 1), Date.UTC(2015, 0, 4),
  Date.UTC(2020, 5, 15), Date.UTC(2021, 0, 3), Date.UTC(1999, 11, 27), Date.UTC(2024, 2, 10, 7, 30), Date.UTC(2024, 2, 10, 6, 30), Date.UTC(2024, 10, 3, 5, 30),
  Date.UTC(2024, 10, 3, 6, 30), Date.UTC(2024, 2, 31, 1, 30), Date.UTC(50, 1, 2), -62135596800000, NaN);
const patterns = ["%a %A %b %B", "%d|%e|%-d|%_d|%0e", "%f %L %S %M %H %I %p", "%j %U %W %V %u %w", "%g %G %q", "%y %Y %m %-m", "%c", "%x", "%X", "%Z", "%s %Q", "%% %i", "%b %d, %Y", ""];
const zones = ["UTC", "America/New_York", "Asia/Kolkata"];
const inZone = (zone, f) => { process.env.TZ = zone; const out = f(); process.env.TZ = "UTC"; return out; };
const timeFormats = [["dates", dates]];
for (const zone of zones)
  for (const p of patterns)
    timeFormats.push([zone, p, dates.map((d) => inZone(zone, () => d3time.timeFormat(p)(new Date(d))))]);
for (const zone of zones) timeFormats.push([zone, null, dates.map((d) => inZone(zone, () => locale.timeFormat()(new Date(d))))]);
write("time_format", timeFormats);

const parses = [["%Y-%m-%d", "2012-03-04"], ["%Y-%m-%d", "2012-03-04x"], ["%Y-%m-%d", "2012-3-4"], ["%d %b %Y", "4 mar 2012"], ["%B %d, %Y", "July 14, 1999"],
  ["%m/%d/%y", "1/2/03"], ["%m/%d/%y", "1/2/69"], ["%H:%M:%S.%L", "12:34:56.789"], ["%I:%M %p", "12:15 AM"], ["%I:%M %p", "1:15 PM"], ["%Y", "1850"], ["%Y", "x"],
  ["%Y %j", "2012 060"], ["%Y %U", "2012 9"], ["%Y %W %u", "2012 9 3"], ["%G W%V", "2015 W53"], ["%Y %U %a", "2013 10 Wed"], ["%Y-%m-%dT%H:%M:%S%Z", "2012-01-01T00:00:00-0500"],
  ["%Y-%m-%d %Z", "2012-01-01 Z"], ["%Q", "1325376000000"], ["%s", "1325376000"], ["%q %Y", "3 2011"], ["%x", "1/2/2010"], ["%X", "1:02:03 PM"], ["%c", "1/2/2010, 1:02:03 PM"],
  ["%%%Y", "%2001"], ["%e/%m", " 5/12"], ["%y%m%d", "990131"], ["%A", "Monday"], ["%d %B", "31 December"], ["%f", "123456"], ["%Y-%m-%d %H", "2024-03-10 02"], ["%b", "Foo"]];
const timeParses = [];
for (const zone of zones) for (const [p, s] of parses) timeParses.push([zone, p, s, inZone(zone, () => { const d = d3time.timeParse(p)(s); return d && +d; })]);
write("time_parse", timeParses);

const dateTexts = ["2012", "2012-03", "2012-03-04", "2012-03-04T05:06", "2012-03-04T05:06:07", "2012-03-04T05:06:07.5", "2012-03-04T05:06:07.123456Z", "2012-03-04T05:06:07Z",
  "2012-03-04T05:06+02:00", "2012-03-04T05:06:07-0530", "2012-13-04", "2012-02-31", "2012-03-04 05:06:07", "2012-3-4", "2012/03/04", "3/4/2012", "03/04/12", "3/4/49", "3/4/50",
  "Jan 1 2000", "Jan 1, 2000", "1 Jan 2000", "January 15, 2010 10:30 PM", "Sat Jan 01 2000", "Sat, 01 Jan 2000 00:00:00 GMT", "Sat Jan 01 2000 10:00:00 GMT+0100 (CET)",
  "2000 Jan 1", "Jan 2000", "Jan 5", "10", "1", "2000/1/2 3:04", "12:30", "hello", "", "1/2", "13/1/2012", "2012-03-04T24:00", "2012-03-04T25:00", "1e3", "0", "1234567", "+002012-01-01",
  "-000001-01-01", "May 2010 12:00 EST", "Feb 30 2012", "1 2 3 4", "2010-1-1 pm", "2010-01-01T00:00:00.000+00:00", "06/15/2009 13:45:30", "Monday, June 15, 2009", "15-Jun-2009", "Jun-15-2009", "2009 june 15 1:45 pm",
  "1970-01-01T00:00:00z", "foo 12", "abc 2012-01-01", "2012.03.04", "Q1 2012", "12 PM", "8/16/1990", "Tue Mar 01 2011 12:00:00 UTC"];
write("date_parse", zones.flatMap((zone) => dateTexts.map((t) => [zone, t, inZone(zone, () => Date.parse(t))])));

const unitNames = ["year", "quarter", "month", "week", "isoweek", "date", "day", "dayofyear", "hours", "minutes", "seconds", "milliseconds"];
const units = [["year"], ["quarter"], ["month"], ["week"], ["date"], ["day"], ["dayofyear"], ["hours"], ["minutes"], ["seconds"], ["milliseconds"], ["year", "quarter"], ["year", "month"],
  ["year", "month", "date"], ["year", "month", "date", "hours"], ["year", "month", "date", "hours", "minutes"], ["year", "week"], ["year", "week", "day"], ["week", "day"], ["day", "hours"],
  ["month", "date"], ["month", "date", "hours"], ["hours", "minutes"], ["minutes", "seconds"], ["seconds", "milliseconds"], ["year", "dayofyear"], ["quarter", "month"], ["isoweek"], ["year", "isoweek"]];
const unitDates = dates.filter((d) => d > -2.2e12 && d < 4e12).filter((_, i) => i % 4 === 0 || i > 48);
const timeUnits = [["dates", unitDates]];
for (const zone of zones.slice(0, 2))
  for (const u of units)
    for (const step of zone === "UTC" ? [1, 2, 5] : [1]) {
      const floor = inZone(zone, () => vega.timeFloor(u, step));
      timeUnits.push([zone, u.join(""), step,
        unitDates.map((d) => inZone(zone, () => +floor(d))),
        unitDates.map((d) => inZone(zone, () => +vega.timeOffset(u[u.length - 1], floor(d), step))),
        vega.timeUnitSpecifier(u, { "year-month": "%b %Y ", "year-month-date": "%b %d, %Y " })]);
    }
write("time_unit", timeUnits);
const spanMs = [1, 10, 500, 1e3, 6e3, 3e4, 6e4, 3e5, 36e5, 1e7, 864e5, 3e8, 6048e5, 2.6e9, 8e9, 3.2e10, 2e11, 1e12];
write("time_bin", spanMs.flatMap((s) => [5, 20, 40].map((n) => { const b = vega.timeBin({ extent: [1e12, 1e12 + s], maxbins: n }); return [1e12, 1e12 + s, n, b.units.join(""), b.step]; })));

// ---- scales
const scaleCases = [];
const probes = (d) => { const lo = Math.min(...d), hi = Math.max(...d); return [lo, hi, lo + (hi - lo) * 0.3, lo + (hi - lo) * 0.77, lo - (hi - lo) * 0.2, hi + 1]; };
function scaleCase(options) {
  const { type, domain, range, nice, clamp, round, ...rest } = options;
  const s = scaleOf(type);
  for (const [k, v] of Object.entries(rest)) s[k](v);
  s.domain(domain);
  if (round) s.rangeRound(range); else s.range(range);
  if (type === "ordinal") s.unknown(undefined); // as Vega sets it
  if (clamp) s.clamp(true);
  if (nice) s.nice(typeof nice === "number" ? nice : undefined);
  const count = 10;
  const ticks = scales.tickValues(s, count);
  const tests = ["band", "point", "ordinal"].includes(type) ? domain.concat(["nope"]) : probes(domain.map(Number));
  const numeric = typeof range[0] === "number" && s.invert;
  const inverted = numeric ? [0, 10, 33.3, 100].map((r) => s.invert(r)) : null;
  scaleCases.push([options, s.domain(), tests, tests.map((x) => s(x)), inverted, ticks.slice(0, 40), s.bandwidth ? s.bandwidth() : 0, s.step ? s.step() : 0]);
}
for (const domain of [[0, 10], [3.2, 97.3], [-5, 5], [100, 0], [0, 1e-3], [5, 5], [0, 50, 100]])
  for (const type of ["linear", "sqrt", "symlog"])
    for (const nice of [false, true])
      scaleCase({ type, domain, range: domain.length > 2 ? [0, 80, 100] : [0, 100], nice });
for (const clamp of [true, false]) scaleCase({ type: "linear", domain: [0, 10], range: [100, 0], clamp, round: true });
scaleCase({ type: "pow", exponent: 3, domain: [-2, 4], range: [0, 100], nice: true });
scaleCase({ type: "pow", exponent: 0.5, domain: [0, 81], range: [0, 100] });
scaleCase({ type: "symlog", constant: 10, domain: [-100, 1000], range: [0, 100] });
for (const domain of [[1, 10], [0.02, 4000], [1, 2], [3, 1e9], [1000, 1], [-1000, -1], [1.5, 1.7]])
  for (const nice of [false, true]) scaleCase({ type: "log", domain, range: [0, 100], nice });
scaleCase({ type: "log", base: 2, domain: [1, 500], range: [0, 100], nice: true });
for (const ms of [5, 3e3, 5e4, 6e5, 9e6, 9e7, 5e8, 3e9, 2e10, 3e11, 4e12])
  for (const type of ["time", "utc"])
    for (const nice of [false, true]) scaleCase({ type, domain: [1.3e12 + 12345, 1.3e12 + 12345 + ms], range: [0, 100], nice });
for (const n of [1, 2, 3, 7]) {
  const domain = "abcdefg".slice(0, n).split("");
  for (const extra of [{}, { paddingInner: 0.1, paddingOuter: 0.05 }, { padding: 0.2, align: 0 }, { paddingInner: 0.3, align: 1 }])
    for (const range of [[0, 100], [100, 0]])
      for (const round of [false, true]) scaleCase({ type: "band", domain, range, round, ...extra });
  for (const padding of [0, 0.5]) scaleCase({ type: "point", domain, range: [0, 100], padding });
  scaleCase({ type: "ordinal", domain, range: ["red", "green", "blue"] });
}
scaleCase({ type: "quantile", domain: [3, 1, 4, 1, 5, 9, 2, 6], range: ["a", "b", "c"] });
scaleCase({ type: "quantize", domain: [0, 10], range: [1, 2, 3, 4] });
scaleCase({ type: "quantize", domain: [0.3, 9.7], range: ["a", "b", "c"], nice: true });
scaleCase({ type: "threshold", domain: [2, 5], range: ["a", "b", "c"] });
scaleCase({ type: "bin-ordinal", domain: [0, 5, 10, 15], range: ["a", "b", "c"] });
write("scale", scaleCases);
const logLabels = [];
for (const domain of [[1, 10], [0.02, 4000], [1, 2], [3, 1e9], [1, 1e6], [0.5, 70]])
  for (const count of [3, 5, 10, 20])
    for (const s of ["", ".1f", "s", "%", "e"]) {
      const scale = scaleOf("log").domain(domain), ticks = scale.ticks(count);
      logLabels.push([domain, count, s, ticks, ticks.map(scales.tickFormat(locale, scale, count, s))]);
    }
write("log_labels", logLabels);

// ---- colours
const colors = ["red", "steelblue", "#abc", "#12345678", "rgb(10, 20, 30)", "rgba(10,20,30,0.5)", "hsl(120, 50%, 50%)", "hsla(400, 100%, 30%, 0.2)", "white", "black", "#808080", "rgb(10%,20%,30%)", "transparent", "nope", "#ggg", " Orange "];
const colorCases = [];
const rgb = (c) => String(c);
for (const space of ["rgb", "hsl", "hsl-long", "lab", "hcl", "hcl-long", "cubehelix", "cubehelix-long"])
  for (const [a, b] of [["red", "blue"], ["white", "steelblue"], ["#000", "#fff"], ["orange", "rgb(10,20,30)"], ["#abcdef", "rgba(1,2,3,0.4)"], ["hsl(10,80%,50%)", "hsl(350,80%,50%)"]])
    colorCases.push([space, 1, a, b, [0, 0.25, 0.5, 0.9, 1].map((t) => rgb(vega.interpolate(space)(a, b)(t)))]);
colorCases.push(["rgb", 2.2, "purple", "orange", [0, 0.25, 0.5, 0.9, 1].map((t) => rgb(vega.interpolate("rgb", 2.2)("purple", "orange")(t)))]);
colorCases.push(["cubehelix", 3, "purple", "orange", [0, 0.25, 0.5, 0.9, 1].map((t) => rgb(vega.interpolate("cubehelix", 3)("purple", "orange")(t)))]);
const d3color = await load("d3-color");
write("color", [["parse", colors.map((c) => { const x = d3color.color(c); return [c, x ? x.rgb().toString() : null]; })], ...colorCases]);
const { continuous, discrete } = await import(pathToFileURL(`${root}/vega-scale/src/palettes.js`).href);
write("scheme", [...Object.keys(continuous).map((n) => [n, true, [0, 0.1, 0.333, 0.5, 0.8, 1].map((t) => rgb(vega.scheme(n)(t)))]),
  ...Object.keys(discrete).map((n) => [n, false, vega.scheme(n)])]);

// ---- expressions
const rows = [
  { a: 1, b: 2.5, s: "Hello World", t: "2012-03-04", d: 1325376000000, n: null, z: 0, neg: -7.25, arr: [3, 1, 2], o: { x: { y: 5 } }, e: "", "a b": 9, num: "42", yes: true },
  { a: -3, b: 1e21, s: "éà😀x", t: "bad", d: 1330866367123, n: 5, z: 1, neg: 0.5, arr: ["b", "a"], o: {}, e: "false", "a b": null, num: " 7 ", yes: false },
];
const expressions = `datum.a + datum.b|datum.a - 1|datum.a * datum.b / 3|datum.neg % 3|-datum.neg|+datum.num|!datum.a|!datum.e|~datum.a|datum.a + datum.s|datum.s + datum.n|datum.a + datum.n
datum.num + 1|datum.num * 2|datum.num == 42|datum.num === 42|datum.n == null|datum.n === null|datum.missing == null|datum.missing === null|datum.missing === undefined|datum.missing + 1|isValid(datum.missing)
datum.a < datum.b|datum.a >= 1|datum.s < 'I'|datum.num < 5|datum.n < 3|datum.n >= 0|datum.a && datum.s|datum.z || datum.s|datum.a > 0 ? 'pos' : datum.a < -2 ? 'neg' : 'mid'|if(datum.a > 0, 1, 2)
datum['a b']|datum["s"]|datum.o.x|datum.o['x']|datum.arr[0]|datum.arr[5]|datum.s[1]|datum.s.length|datum.arr.length|[1, datum.a, [datum.b]]|{x: datum.a, 'y z': 2}|{a: 1}['a']|[10, 20][datum.z]
1 + 2 * 3|(1 + 2) * 3|1 - 2 - 3|2 * 3 % 4|1 < 2 == true|1 + 2 + 'x'|'x' + 1 + 2|7 & 3|4 ^ 1|5 >> 1|-5 >>> 28|1 << 5|0x1F|1e3|.5 + 1|5.|'it\\'s'|"q\\"\\u0041\\n"|true && false || true|1 ? 2 : 3 ? 4 : 5|!0 + 1
abs(datum.neg)|ceil(datum.neg)|floor(datum.neg)|round(datum.neg)|round(-0.5)|round(2.5)|sqrt(16)|exp(1)|log(10)|pow(2, 10)|pow(2, 0.5)|sin(1)|cos(1)|tan(1)|asin(0.5)|acos(0.5)|atan(1)|atan2(1, 2)|hypot(3, 4)
min(3, 1, 2)|max(3, datum.a, 2)|max()|min(1, 'x')|clamp(5, 0, 3)|clamp(-1, 0, 3)|isNaN(datum.s)|isFinite(1/0)|NaN|PI|E|SQRT2|LN2|isNaN(NaN)|parseFloat('3.5abc')|parseFloat('x')|parseInt('0x1f')|parseInt('12px')|parseInt('101', 2)
length(datum.s)|length(datum.arr)|upper(datum.s)|lower(datum.s)|substring(datum.s, 1, 3)|substring(datum.s, 3, 1)|slice(datum.s, -3)|slice(datum.s, 1, -1)|slice(datum.arr, 1)|indexof(datum.s, 'o')|indexof(datum.s, 'zz')|lastindexof(datum.s, 'o')
indexof(datum.arr, 1)|indexof(datum.arr, 'a')|lastindexof([1, 2, 1], 1)|split('a,b,,c', ',')|split('abc', '')|join(datum.arr, '-')|join(datum.arr)|reverse(datum.arr)|sort([10, 9, 2])|trim('  x ')|replace(datum.s, 'l', 'L')|replace(datum.s, /l/g, 'L')
replace(datum.s, /(o) (W)/, '$2-$1')|test(/wor/i, datum.s)|test(/^h/, datum.s)|test(regexp('^H.*d$'), datum.s)|test(/[0-9]+/, datum.t)|pad('x', 4, '-')|pad('x', 4, '-', 'left')|pad('xyz', 8, '-', 'center')|truncate('abcdefghij', 5)|truncate('abcdefghij', 5, 'left')
truncate('abcdefghij', 6, 'center', '..')|truncate('abc', 5)|toNumber('')|toNumber('5')|toNumber(datum.n)|toString(5)|toString('')|toBoolean('false')|toBoolean('0')|toBoolean(1)|toBoolean('')|isArray(datum.arr)|isBoolean(datum.yes)|isDefined(datum.missing)
isNumber(datum.a)|isNumber(datum.num)|isObject(datum.o)|isObject(datum.a)|isString(datum.s)|isValid(datum.n)|isValid(NaN)|isRegExp(/a/)|year(datum.d)|month(datum.d)|date(datum.d)|day(datum.d)|hours(datum.d)|minutes(datum.d)|seconds(datum.d)
milliseconds(datum.d)|quarter(datum.d)|week(datum.d)|dayofyear(datum.d)|utcyear(datum.d)|utcmonth(datum.d)|utchours(datum.d)|utcweek(datum.d)|utcquarter(datum.d)|time(datum.d)|time(datum.t)|year(datum.t)|year('2012-03-04')|timezoneoffset(datum.d)
time(datetime(2012, 1, 29))|time(datetime(2012, 12))|time(datetime('2012-03-04'))|utc(2012, 0, 1)|utc(99, 0)|time(datetime(99, 0, 1))|time(toDate('Jan 1 2000'))|time(datetime(datum.d))|time(timeOffset('month', datum.d, 2))|time(utcOffset('day', datum.d, -3))
time(timeOffset('week', datum.d))|format(datum.b, '.1f')|format(datum.neg, '+,.2f')|format(1234.5, 's')|format(0.123, '.0%')|format(datum.a, '')|format(1e6, '~s')|timeFormat(datum.d, '%Y-%m-%d')|timeFormat(datum.d, '%b %d')|utcFormat(datum.d, '%H:%M:%S.%L')
timeFormat(datum.d)|time(timeParse('2012-01-05', '%Y-%m-%d'))|timeParse('x', '%Y')|monthFormat(0)|monthAbbrevFormat(11)|dayFormat(0)|dayAbbrevFormat(6)|extent([3, null, 1, 5])|span([1, 5])|inrange(3, [1, 5])|inrange(5, [5, 1])|inrange(5, [1, 5], true, false)
lerp([0, 10], 0.3)|peek(datum.arr)|sequence(3)|sequence(1, 4)|sequence(0, 1, 0.25)|merge({a: 1}, {b: 2})|'a' in {a: 1}|2 in [1, 2, 3]|toNumber(true)|datum.a + '' + datum.b|datum.arr + ''|datum.o + ''|datum.yes + 1|datum.yes + 'x'|datum.arr == '3,1,2'
[1] == 1|null == 0|null >= 0|undefined == null|'' == 0|'a' == 'a'|NaN == NaN|NaN === NaN|1/0|-1/0|0/0|-0|5 % 0|'b' > 'a'|'10' < '9'|'10' < 9|true + true|!''|!'0'|luminance('white')|contrast('black', 'white')|timeUnitSpecifier(['year','month'])
datum.a == 1 && datum.b > 2 || datum.z|(datum.a, 1)|datum.a = 1|foo(1)|1 +|(1|'abc|[1, 2|datum.|a b|datum.x()|{a}|1..2|new Date()|this|datum.a ? 1|/abc|3 4|cumulativeNormal(1.2)|quantileNormal(0.3)|densityNormal(0.5)|cumulativeNormal(3, 2, 2)|flush([0,1], 0.01, 0.1, -1, 1, 0)`
  .split(/\n|\|(?=[^|])(?<!\|\|)/).map((e) => e.trim()).filter((e) => e);
const evaluated = [];
for (const expr of expressions) {
  evaluated.push([expr, attempt(() => {
    const spec = { data: [{ name: "t", values: rows.map((r) => ({ ...r })), transform: [{ type: "formula", as: "out", expr }] }] };
    const view = new vega.View(vega.parse(spec), { renderer: "none", logLevel: vega.None ?? 0 }).finalize();
    view.logger().error = (e) => { throw e; };
    view.run();
    return view.data("t").map((r) => r.out);
  })]);
}
write("expression", [["rows", rows], ...evaluated]);

// ---- transforms
const table = [];
for (let i = 0; i < 18; ++i)
  table.push({ g: "abc"[Math.floor(random() * 3)], h: Math.floor(random() * 2), x: i % 7 === 3 ? null : Math.round(between(0, 100)) / 2, y: Math.round(between(-20, 50)), k: i % 8, when: 1.3e12 + Math.floor(between(0, 3e10)), w: i % 5 });
const ops = ["count", "valid", "missing", "distinct", "sum", "product", "mean", "average", "variance", "variancep", "stdev", "stdevp", "stderr", "median", "q1", "q3", "min", "max"];
const agg = (fields) => // Vega-Lite keeps one count only.
  fields.flatMap((field, i) => ops.filter((op) => op !== "count" || i === 0).map((op) => ({ op, field, as: `${op}_${field}` })));
const transforms = [
  [{ aggregate: agg(["x", "y"]) }], [{ aggregate: agg(["x"]), groupby: ["g"] }], [{ aggregate: agg(["y"]), groupby: ["g", "h"] }],
  [{ aggregate: [{ op: "argmax", field: "y", as: "m" }, { op: "argmin", field: "y", as: "l" }], groupby: ["g"] }, { calculate: "datum.m.k + datum.l.k", as: "z" }],
  [{ aggregate: [{ op: "values", as: "v", field: "x" }], groupby: ["h"] }, { calculate: "length(datum.v)", as: "n" }, { calculate: "0", as: "v" }],
  [{ joinaggregate: [{ op: "mean", field: "y", as: "m" }, { op: "count", as: "n" }], groupby: ["g"] }],
  [{ joinaggregate: [{ op: "max", field: "x", as: "m" }] }, { filter: "datum.x === datum.m" }],
  ...["datum.y > 10", { field: "y", lt: 10 }, { field: "y", lte: 10 }, { field: "y", gt: 3 }, { field: "y", gte: 3 }, { field: "g", equal: "a" }, { field: "x", equal: null }, { field: "x", valid: true }, { field: "x", valid: false },
    { field: "y", range: [0, 20] }, { field: "y", range: [null, 5] }, { field: "g", oneOf: ["a", "c"] }, { and: [{ field: "y", gt: 0 }, { not: { field: "g", equal: "b" } }] }, { or: ["datum.y < 0", { field: "h", equal: 1 }] },
    { timeUnit: "month", field: "when", equal: "mar" }, { timeUnit: "month", field: "when", equal: 6 }, { timeUnit: "yearmonth", field: "when", gte: { year: 2011, month: 6 } }, { field: "when", lt: { year: 2011, month: "july", date: 4 } },
    { timeUnit: "year", field: "when", range: [2011, 2011] }, { timeUnit: "day", field: "when", oneOf: ["mon", "tue", "wed"] }, { field: "x", lt: 20 }].map((filter) => [{ filter }]),
  ...[true, { maxbins: 5 }, { step: 7 }, { maxbins: 20, nice: false }, { maxbins: 8, anchor: 1.5 }, { extent: [0, 30], maxbins: 4 }, { steps: [1, 5, 20], maxbins: 10 }, { base: 2, maxbins: 12 }, { minstep: 10 }, { divide: [4, 2] }]
    .map((bin) => [{ bin, field: "x", as: ["b", "e"] }]),
  [{ bin: { maxbins: 6 }, field: "y", as: "b" }, { aggregate: [{ op: "count", as: "n" }], groupby: ["b", "b_end"] }],
  ...["month", "yearmonth", "hours", "day", "utcyearmonthdate", { unit: "month", step: 3 }, "yearweek", "quarter"].map((timeUnit) => [{ timeUnit, field: "when", as: "u" }]),
  ...[{}, { sort: [{ field: "y" }] }, { sort: [{ field: "k" }, { field: "y", order: "descending" }] }, { groupby: ["g"], sort: [{ field: "h" }] }, { groupby: ["g"], sort: [{ field: "w" }], ignorePeers: true }].flatMap((extra) => [
    [{ window: ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist"].map((op) => ({ op, as: op })).concat({ op: "ntile", param: 4, as: "nt" }), ...extra }],
    [{ window: ["lag", "lead", "first_value", "last_value", "prev_value", "next_value"].map((op) => ({ op, field: "x", as: op })).concat([{ op: "nth_value", field: "y", param: 2, as: "nth" }, { op: "lag", field: "y", param: 3, as: "lag3" }]), ...extra }],
    [{ window: ["sum", "mean", "count", "min", "max", "median", "distinct", "stdev", "valid", "missing", "q1"].map((op) => ({ op, field: "y", as: op })), ...extra }],
    [{ window: ["sum", "mean", "min", "max", "median", "distinct", "variance"].map((op) => ({ op, field: "y", as: op })).concat({ op: "first_value", field: "y", as: "f" }), frame: [-2, 1], ...extra }],
    [{ window: [{ op: "sum", field: "y", as: "t" }, { op: "argmax", field: "y", as: "am" }], frame: [null, null], ...extra }, { calculate: "datum.am.k", as: "am" }],
    [{ window: [{ op: "mean", field: "y", as: "m" }], frame: [0, 3], ...extra }]]),
  ...["zero", "normalize", "center"].map((offset) => [{ filter: "datum.x !== null" }, { stack: "y", groupby: ["g"], offset, sort: [{ field: "k", order: "descending" }], as: ["p", "q"] }]),
  [{ stack: "k", groupby: ["h"], as: "p" }],
  [{ fold: ["x", "y"] }], [{ fold: ["x", "k"], as: ["name", "v"] }],
  [{ calculate: "[datum.x, datum.y, datum.k]", as: "l" }, { calculate: "['p', 'q']", as: "m" }, { flatten: ["l", "m"], as: ["l", "m2"] }, { calculate: "0", as: "m" }],
  [{ lookup: "g", from: { data: { values: [{ id: "a", v: 1, z: "A" }, { id: "b", v: 2, z: "B" }] }, key: "id", fields: ["v", "z"] }, default: "none" }],
  [{ lookup: "g", from: { data: { values: [{ id: "a", v: 1 }, { id: "c", v: 2 }] }, key: "id", fields: ["v"] }, as: ["found"] }],
  [{ lookup: "g", from: { data: { values: [{ id: "a", v: 1 }, { id: "c", v: 2 }] }, key: "id" }, as: "row" }, { calculate: "isValid(datum.row) ? datum.row.v : -1", as: "row" }],
  [{ aggregate: [{ op: "mean", field: "x", as: "x" }], groupby: ["g", "k"] }, { impute: "x", key: "k", value: 7, groupby: ["g"] }],
  [{ aggregate: [{ op: "mean", field: "x", as: "x" }], groupby: ["g", "k"] }, { impute: "x", key: "k", method: "mean", groupby: ["g"] }],
  [{ aggregate: [{ op: "mean", field: "x", as: "x" }], groupby: ["g", "k"] }, { impute: "x", key: "k", method: "median", frame: [-2, 2], groupby: ["g"] }],
  [{ aggregate: [{ op: "mean", field: "x", as: "x" }], groupby: ["k"] }, { impute: "x", key: "k", method: "max", keyvals: { start: 0, stop: 12 } }],
  [{ filter: "datum.k < 3" }, { impute: "y", key: "w", value: 0, keyvals: [8, 9], groupby: ["g"] }],
  ...["linear", "log", "exp", "pow", "quad", "poly"].map((method) => [{ calculate: "datum.y + 30", as: "y" }, { calculate: "datum.x === null ? null : datum.x + 1", as: "x" }, { regression: "y", on: "x", method }]),
  [{ regression: "y", on: "x", groupby: ["g"], extent: [0, 40] }], [{ regression: "y", on: "x", method: "poly", order: 4, params: true }], [{ regression: "y", on: "x", params: true, groupby: ["g"] }],
  [{ loess: "y", on: "x" }], [{ loess: "y", on: "k", bandwidth: 0.5, groupby: ["h"] }],
  [{ filter: "datum.x !== null" }, { density: "x", steps: 20 }], [{ density: "y", groupby: ["g"], steps: 10, counts: true }], [{ density: "y", cumulative: true, bandwidth: 5, extent: [-20, 50], steps: 10 }], [{ density: "y", resolve: "independent", groupby: ["h"], minsteps: 5, maxsteps: 20 }],
  [{ quantile: "x", step: 0.1 }], [{ quantile: "y", probs: [0.05, 0.5, 0.95], groupby: ["g"], as: ["p", "v"] }],
  [{ pivot: "g", value: "y", groupby: ["h"] }], [{ pivot: "g", value: "x", groupby: ["h"], op: "mean" }], [{ pivot: "k", value: "y", limit: 3, op: "count" }],
  [{ sample: 100 }],
];
const transformed = [];
for (const transform of transforms) {
  transformed.push([transform, await (async () => {
    try {
      const spec = { data: { values: table.map((r) => ({ ...r })) }, transform, mark: "point", encoding: {} };
      const compiled = lite.compile(spec, { logger: { warn() {}, info() {}, debug() {}, error() {}, level() { return this; } } }).spec;
      const view = new vega.View(vega.parse(compiled), { renderer: "none" });
      await view.runAsync();
      const name = compiled.marks[0].from.data;
      const out = view.data(name).map((r) => { const { _impute, ...rest } = r; return rest; });
      view.finalize();
      return out;
    } catch (e) { console.log("transform fails:", JSON.stringify(transform), e.message); return { error: true }; }
  })()]);
}
write("transform", [["table", table], ...transformed]);

// ---- loading
const texts = [
  ["csv", "a,b\n1,2\n3,4\n", null], ["csv", 'a,b\r\n"x, y","say ""hi"""\r\n1,\r\n', null], ["tsv", "a\tb\n1\t2", null], ["csv", "a,b\n1\n1,2,3\n\n", null], ["csv", 'a\n"two\nlines"', null], ["csv", "", null], ["csv", "a,b", null],
  ["csv", "n,i,b,d,s,e\n1.5,1,true,2012-01-01,x,\n2,2,false,Jan 5 2013,2,\n-3e2,3,true,2014/2/3,z,", "auto"], ["csv", "m,k\n1,\n,x\n3,5\n", "auto"], ["csv", "d\n2012\n2013\n", { d: "date" }], ["csv", "d,n,b,s\n2012,5,0,7\n,,,\nx,y,z,w\n", { d: "date:'%Y'", n: "number", b: "boolean", s: "string" }],
  ["csv", "d\n03/04/2012\n", { d: 'utc:"%m/%d/%Y"' }], ["json", "[1, 2, 3]", null], ["json", '[{"a": "1"}, {"a": "x"}]', { a: "number" }], ["json", '[{"a": 1, "b": "2010-01-01"}]', "auto"], ["dsv", "a|b\n1|2", null],
];
write("load", texts.map(([type, text, parse]) => [type, text, parse, vega.read(text, { type, delimiter: "|", ...(parse ? { parse } : {}) }).map((d) => d === Object(d) ? { ...d } : { data: d })]));
