// node page.mjs PAGE-SERVER TESSERA CHROMIUM: the page as a person uses it, with a model that is a list of replies. With
// TESSERA_SHOTS=DIR it leaves pictures there.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const require = createRequire(path.join(root, "server/page/package.json"));
const { chromium } = require("playwright-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [pageServer, tessera, executablePath] = process.argv.slice(2);
const shots = process.env.TESSERA_SHOTS;

const CSV = "shop,revenue\nBern,12.5\nChur,30\nThun,4.25\n";
const DRAW = { text: "revenue=revenue; shop=shop", code: 'local t = data.read("shops.csv")\nprint(t:sum("revenue"))\nchart.bar(t, {x="shop", y="revenue", title="Revenue"})' };
const ANSWER = {
  text:
    "## Revenue\n\n**Chur** is highest (30). See `chart.png`.\n\n| shop | revenue |\n|:--|--:|\n| Chur | 30 |\n| Bern | 12.5 |\n\n- one\n- two\n\n" +
    '<img src="http://evil.example/a.png" onerror="window.hacked=1"><script>window.hacked=1</script> ![x](http://evil.example/b.png) [here](javascript:window.hacked=1)',
};
const SAVE = { text: "a copy", code: 'data.read("shops.csv"):save("copy.csv")' };
const WRITE = { text: "a change", code: 'files.write("shops.csv", "shop,revenue\\nBern,13\\n")' };

function folder() {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), "page-"));
  fs.writeFileSync(path.join(made, "shops.csv"), CSV);
  return made;
}

async function started(command, words, line, env = process.env) {
  const child = spawn(command, words, { stdio: ["pipe", "pipe", "inherit"], env });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const first = await new Promise((resolve, reject) => {
    readline.createInterface(child.stdout).once("line", resolve);
    child.once("exit", () => reject(new Error(`${command} ended`)));
  });
  return { child, ended, url: `http://127.0.0.1:${line.exec(first)[1]}` };
}

/** Runs `use` with a server and a page of it; afterwards nothing may have been asked of another host. */
async function withPage({ replies = [], policy = "default", askMs = 60000, workspace = folder(), options = {}, more = [] }, use) {
  const list = path.join(os.tmpdir(), `replies-${process.pid}.json`);
  fs.writeFileSync(list, JSON.stringify(replies));
  const server = await started(pageServer, [list, workspace, policy, String(askMs), ...more], /listening (\d+)/);
  const context = await browser.newContext({ viewport: { width: 1100, height: 900 }, acceptDownloads: true, ...options });
  const elsewhere = [];
  const complaints = [];
  context.on("request", (request) => request.url().startsWith(server.url) || request.url().startsWith("blob:") || elsewhere.push(request.url()));
  context.on("weberror", (error) => complaints.push(String(error.error())));
  try {
    const page = await context.newPage();
    await page.goto(server.url);
    await page.waitForFunction(() => document.querySelector(".welcome, .run"));
    await use({ page, context, url: server.url, workspace, server });
    assert.deepEqual(elsewhere, [], "the page asked another host");
    assert.deepEqual(complaints, [], "the page's script failed");
  } finally {
    await context.close();
    server.child.stdin.end();
    assert.equal(await server.ended, 0, "the server did not end well");
    if (workspace) fs.rmSync(workspace, { recursive: true, force: true });
    fs.rmSync(list);
  }
}

/** A WAV file with a tone, 16 kHz. */
function tone(seconds) {
  const bytes = Buffer.alloc(44 + seconds * 32000);
  bytes.write("RIFF");
  bytes.writeUInt32LE(bytes.length - 8, 4);
  bytes.write("WAVEfmt ", 8);
  for (const [at, value] of [[16, 16], [24, 16000], [28, 32000]]) bytes.writeUInt32LE(value, at);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) bytes.writeUInt16LE(value, at);
  bytes.write("data", 36);
  bytes.writeUInt32LE(bytes.length - 44, 40);
  for (let i = 0; i < seconds * 16000; ++i) bytes.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 16000)), 44 + 2 * i);
  return bytes;
}

const ask = async (page, text) => {
  await page.getByLabel("What do you want to know or see?").fill(text);
  await page.keyboard.press("Enter");
};
const over = (page, n = 1) => page.waitForFunction((n) => document.querySelectorAll(".steps.over").length >= n, n, { timeout: 60000 });
async function shot(page, name, height = 900) {
  if (!shots) return;
  const before = page.viewportSize();
  await page.setViewportSize({ ...before, height });
  await page.screenshot({ path: path.join(shots, `${name}.png`) });
  await page.setViewportSize(before);
}

async function accessible(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const bad = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  assert.deepEqual(bad.map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 120)).join("; ")}`), []);
}

const tests = {
  async asksAndShowsEachStep() {
    await withPage({ replies: [DRAW, ANSWER] }, async ({ page, context, url }) => {
      // From the key to the first thing that can be seen, in the page's own clock.
      await page.evaluate(() => {
        addEventListener("keydown", () => {
          const begin = performance.now();
          let frames = 0;
          const look = () => (++frames, document.querySelector(".run .state")?.textContent ? (window.feedback = [performance.now() - begin, frames]) : requestAnimationFrame(look));
          requestAnimationFrame(look);
        }, { capture: true });
      });
      await ask(page, "bar chart of the revenue per shop");
      await over(page);
      const [ms, frames] = await page.evaluate(() => window.feedback);
      console.log(`first feedback after ${ms.toFixed(0)} ms, in frame ${frames}`);
      // A busy machine may take long for a frame; the page may not take more than the first.
      assert.ok(ms <= 100 || frames === 1, `${ms} ms, ${frames} frames`);
      const run = page.getByRole("article");
      assert.match(await run.textContent(), /Looked at 1 file/);
      assert.equal(await run.locator(".plan p").textContent(), DRAW.text);
      assert.equal(await run.locator(".call pre code").textContent(), DRAW.code);
      assert.match(await run.locator(".output").textContent(), /46\.75/);
      // Markdown, and nothing of its HTML.
      assert.equal(await run.locator(".answer h4").textContent(), "Revenue");
      assert.deepEqual(await run.locator(".answer > .scroll tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent + ":" + getComputedStyle(cell).textAlign))),
        [["shop:left", "revenue:right"], ["Chur:left", "30:right"], ["Bern:left", "12.5:right"]]);
      assert.match(await run.locator(".answer").textContent(), /<img src="http:\/\/evil\.example/);
      assert.equal(await run.locator(".answer :is(script, iframe)").count(), 0);
      assert.equal(await run.locator("img").count(), 1, "a picture that no chart is");
      assert.equal(await page.evaluate(() => window.hacked), undefined);
      // The chart, its data, and both as files.
      assert.ok(await run.locator("img").evaluate(async (img) => (await img.decode(), img.naturalWidth)) > 100);
      await run.getByText("Data: 3 rows").click();
      assert.deepEqual(await run.locator("figure tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent).join(","))), CSV.trim().split("\n").slice(1));
      for (const [button, check] of [["Download CSV", (bytes) => assert.equal(String(bytes), CSV)], ["Download PNG", (bytes) => assert.equal(bytes.subarray(1, 4).toString(), "PNG")]]) {
        const [download] = await Promise.all([page.waitForEvent("download"), run.getByText(button).click()]);
        check(fs.readFileSync(await download.path()));
      }
      await shot(page, "light", 1850);
      await accessible(page);
      // Another page, and the same one loaded again, show what this one shows.
      const steps = await run.locator(".steps").textContent();
      const other = await context.newPage();
      await other.emulateMedia({ colorScheme: "dark" });
      await other.setViewportSize({ width: 390, height: 844 });
      await other.goto(url);
      await page.reload();
      for (const again of [page, other]) {
        await over(again);
        assert.equal(await again.locator(".steps").textContent(), steps);
        assert.equal(await again.locator("figure img").count(), 1);
      }
      assert.ok(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than a phone");
      await shot(other, "phone-dark", 1400);
      await accessible(other);
    });
  },

  async exploresCharts() {
    // A bar chart, one that zooms, and one whose specification wants out.
    const code = [
      'chart.bar(data.read("shops.csv"), {x="shop", y="revenue", title="Revenue"})',
      'chart.scatter(data.query("SELECT i * 2.5 AS weight, i * i AS price FROM range(30) AS t(i)"), {x="weight", y="price", title="Prices"})',
      `chart.spec([[{"usermeta": {"embedOptions": {"ast": false, "actions": true, "loader": {"baseURL": "http://evil.example/"}}}, "mark": {"type": "point", "href": "http://evil.example/go", "tooltip": {"content": "data"}},
        "encoding": {"x": {"field": "a", "type": "quantitative"}, "y": {"field": "b", "type": "nominal"}},
        "data": {"values": [{"a": 1, "b": "<img src='http://evil.example/t.png' onerror='parent.hacked=1'>", "image": "http://evil.example/i.png"}]}}]])`,
    ].join("\n");
    await withPage({ replies: [{ text: "three charts", code }, { text: "Three charts." }] }, async ({ page, context, url }) => {
      const state = await (await fetch(`${url}/tessera/state`)).json();
      const asked = [];
      context.on("request", (request) => asked.push(new URL(request.url()).pathname));
      await ask(page, "three charts");
      await over(page);
      const figures = page.locator("figure");
      assert.equal(await figures.count(), 3, await page.locator(".run").textContent());
      // As pictures first; as SVG files, drawn by the program alone, with the looks of the picture.
      const run = (await (await fetch(`${url}/tessera/runs`)).json()).runs[0].id;
      for (const [query, status] of [["n=3&format=svg", 404], ["n=x&format=svg", 400], ["n=0&format=pdf", 400], ["format=svg", 400], ["n=18446744073709551616&format=svg", 400]])
        assert.equal((await fetch(`${url}/tessera/runs/${run}/chart?${query}`)).status, status, query);
      const [saved] = await Promise.all([page.waitForEvent("download"), figures.first().getByText("Download SVG").click()]);
      assert.equal(saved.suggestedFilename(), "chart.svg");
      const svg = fs.readFileSync(await saved.path(), "utf8");
      assert.match(svg, /^(<\?xml[^>]*>\s*)?<svg[^>]* width="800(\.0*)?(pt|px)?"/);
      assert.match(svg, /#0072b2|rgb\(0(\.0*)?%?, ?(44|114)/i, "not the picture's blue");
      assert.deepEqual(asked.filter((one) => /vega|chart\.html/.test(one)), [], "loaded before anybody wanted it");
      if (!state.explore) {
        assert.equal(await page.getByRole("button", { name: /^Explore/ }).count(), 0);
        return console.log("the scripts of Vega are not here");
      }
      const explore = async (n) => {
        await figures.nth(n).getByRole("button", { name: /^Explore/ }).click();
        await figures.nth(n).getByText("Point at a mark").waitFor();
        assert.ok(await figures.nth(n).locator("img").isHidden());
        const frame = figures.nth(n).frameLocator("iframe");
        await frame.locator("canvas").waitFor();
        return frame;
      };
      const begin = Date.now();
      const bars = await explore(0);
      console.log(`a chart to explore after ${Date.now() - begin} ms`);
      // Chur's bar, somewhere in the middle of the picture.
      const canvas = bars.locator("canvas");
      const box = await canvas.boundingBox();
      assert.ok(box.width > 700, `${box.width} wide`);
      await canvas.hover({ position: { x: box.width / 2, y: box.height * 0.7 } });
      await bars.locator("#vg-tooltip-element.visible").waitFor();
      assert.match(await bars.locator("#vg-tooltip-element").innerText(), /Chur.*30|30.*Chur/s);
      await shot(page, "explore", 1850);
      await accessible(page);
      // It is a stranger: no code of texts, no request, no way to the page.
      const inside = page.frames().find((one) => one.url().endsWith("/page/chart.html"));
      const tried = await inside.evaluate(async () => {
        await new Promise((resolve) => setTimeout(resolve)); // what is evaluated from outside may do more
        const name = (call) => { try { return String(call()); } catch (error) { return error.name; } };
        const went = (address) => fetch(address).then(() => "went", (error) => error.name);
        return [name(() => eval("1")), name(() => new Function("return 1")()), name(() => parent.document.title), name(() => localStorage.length), await went("/tessera/state"), await went("http://evil.example/")];
      });
      assert.deepEqual(tried, ["EvalError", "EvalError", "SecurityError", "SecurityError", "TypeError", "TypeError"]);
      // The wheel zooms, a double click goes back.
      const points = (await explore(1)).locator("canvas");
      assert.match(await figures.nth(1).textContent(), /The wheel zooms/);
      const look = () => points.screenshot();
      await page.mouse.move(0, 0);
      const before = await look();
      await points.hover();
      await page.mouse.wheel(0, -400);
      await page.waitForTimeout(300);
      assert.ok(!before.equals(await look()), "the wheel did nothing");
      await points.dblclick();
      await page.mouse.move(0, 0);
      for (let tries = 0; !before.equals(await look()); ++tries) assert.ok(tries < 20, "the double click did not go back") || (await page.waitForTimeout(100));
      // What its specification wants is not done.
      const hostile = await explore(2);
      assert.equal(await hostile.locator("details, .vega-actions").count(), 0, "a menu");
      const dot = hostile.locator("canvas");
      const size = await dot.boundingBox();
      for (let x = 0.2; x < 1; x += 0.02) await dot.hover({ position: { x: size.width * x, y: 10 } });
      await dot.click();
      assert.equal(await page.evaluate(() => window.hacked), undefined);
      assert.equal(page.frames().length, 4, "a frame went elsewhere");
      // And back to the picture.
      await figures.first().getByRole("button", { name: /^Explore/ }).click();
      assert.ok(await figures.first().locator("img").isVisible());
      assert.equal(await page.locator("iframe").count(), 2);
      // On a phone.
      const phone = await context.newPage();
      await phone.emulateMedia({ colorScheme: "dark" });
      await phone.setViewportSize({ width: 390, height: 844 });
      await phone.goto(url);
      await over(phone);
      await phone.getByRole("button", { name: /^Explore/ }).first().click();
      await phone.getByText("Point at a mark").first().waitFor();
      assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than a phone");
      assert.ok((await phone.frameLocator("iframe").first().locator("canvas").boundingBox()).width <= 390, "the chart is wider than a phone");
      await phone.locator("figure").first().scrollIntoViewIfNeeded();
      await shot(phone, "explore-phone", 1200);
      // Where the specification cannot be drawn, the picture stays.
      await phone.route(/chart\?n=1&format=vega/, (route) => route.fulfill({ json: { mark: "nonsense" } }));
      await phone.getByRole("button", { name: /^Explore/ }).nth(1).click();
      await phone.getByText(/It cannot be explored: /).waitFor();
      assert.ok(await phone.locator("figure img").nth(1).isVisible());
      // One that never ends does not hold up the page.
      void page.frames().at(-1).evaluate(() => { for (;;); }).catch(() => {});
      await page.waitForTimeout(200);
      const alive = Date.now();
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      assert.ok(Date.now() - alive < 3000, "the page waits for a chart");
    });
  },

  async exploresNothingWithoutVega() {
    await withPage({ replies: [DRAW, ANSWER] }, async ({ page, context, url }) => {
      await context.route("**/tessera/state", async (route) => route.fulfill({ json: { ...(await (await fetch(`${url}/tessera/state`)).json()), explore: false } }));
      await page.reload();
      await ask(page, "a chart");
      await over(page);
      assert.equal(await page.locator("figure img").count(), 1);
      assert.equal(await page.getByRole("button", { name: /Explore/ }).count(), 0);
    });
  },

  async showsTheContextWhileItGoesOn() {
    await withPage({ replies: [{ ...DRAW, prompt_tokens: 3000, completion_tokens: 277 }, { ...ANSWER, delay_ms: 30000 }] }, async ({ page }) => {
      await ask(page, "wait");
      await page.locator(".run .state meter").waitFor();
      assert.match(await page.locator(".run .state").textContent(), /…( \d+ s)? Context: 3,277 of [\d,]+ tokens/);
      await page.getByRole("button", { name: "Stop" }).click();
      await over(page);
    });
  },

  async stops() {
    await withPage({ replies: [{ ...DRAW, delay_ms: 30000 }] }, async ({ page, context, url }) => {
      await ask(page, "wait");
      await page.getByText(/Planning …/).waitFor();
      // A page that comes later sees the run that goes on, and it may be stopped there.
      const other = await context.newPage();
      await other.goto(url);
      await other.getByText(/Planning …/).waitFor();
      const refused = await page.evaluate(async () => (await fetch("/tessera/runs", { method: "POST", body: '{"request":"x"}' })).status);
      assert.equal(refused, 409, "two runs at once");
      await other.getByRole("button", { name: "Stop" }).click();
      await over(page);
      await page.getByText("Stopped. Nothing more is done").waitFor();
      assert.ok(await page.getByRole("button", { name: "Ask", exact: true }).last().isEnabled());
    });
  },

  async asksBeforeItKeepsAnything() {
    for (const [how, kept] of [["Deny", false], ["Allow", true], ["time", false], ["closed", false]]) {
      await withPage({ replies: [SAVE, { text: "It is saved." }], policy: "review", askMs: how === "time" ? 300 : 60000 }, async ({ page, context, url, workspace }) => {
        await ask(page, "save a copy");
        const there = () => fs.existsSync(path.join(workspace, "copy.csv"));
        if (how === "closed") {
          await page.locator(".question").waitFor();
          await page.close();
          const later = await context.newPage();
          await new Promise((resolve) => setTimeout(resolve, 1500));
          await later.goto(url);
          await later.getByText("Denied (no page is open).").waitFor();
        } else {
          const question = page.locator(".question");
          await question.waitFor();
          if (how !== "time") {
            assert.match(await question.textContent(), /copy\.csv/);
            assert.match(await question.locator(".diff .plus").allTextContents().then((all) => all.join("")), /Chur,30/);
            assert.ok(!there(), "kept before the answer");
            if (how === "Deny") {
              await shot(page, "question");
              await accessible(page);
            }
            await page.getByRole("button", { name: how }).click();
          }
          await over(page);
          assert.match(await question.textContent(), how === "time" ? /Denied \(no answer in time\)/ : new RegExp(how === "Deny" ? "Denied" : "Allowed"));
        }
        assert.equal(there(), kept, how);
      });
    }
  },

  async showsChangesAndTakesThemBack() {
    await withPage({ replies: [WRITE, { text: "Done." }] }, async ({ page, workspace }) => {
      const now = () => fs.readFileSync(path.join(workspace, "shops.csv"), "utf8");
      await ask(page, "change it");
      await over(page);
      assert.notEqual(now(), CSV, await page.locator(".run").textContent());
      await page.getByRole("button", { name: "Changes", exact: true }).click();
      await page.locator(".journal summary").first().click();
      await page.locator(".diff").waitFor();
      assert.match(await page.locator(".diff .minus").allTextContents().then((all) => all.join("")), /Chur,30/);
      await shot(page, "changes");
      await accessible(page);
      const changed = now();
      await page.getByRole("button", { name: /^Undo/ }).click();
      await page.getByRole("button", { name: /^Do it again/ }).waitFor();
      assert.equal(now(), CSV);
      await page.getByRole("button", { name: /^Do it again/ }).click();
      await page.getByRole("button", { name: /^Undo/ }).waitFor();
      assert.equal(now(), changed);
      // What a person changed since is not lost.
      fs.writeFileSync(path.join(workspace, "shops.csv"), "mine\n");
      await page.getByRole("button", { name: /^Undo:/ }).click();
      await page.getByRole("button", { name: "Undo, but leave what I have changed since" }).click();
      await page.getByText(/Left as it is: shops\.csv/).waitFor();
      assert.equal(now(), "mine\n");
    });
  },

  async showsAndAddsFiles() {
    await withPage({}, async ({ page, workspace, url }) => {
      await page.getByRole("button", { name: "Files", exact: true }).click();
      await page.getByRole("button", { name: "shops.csv" }).click();
      await page.locator(".shown tbody tr").first().waitFor();
      assert.deepEqual(await page.locator(".shown tbody tr").evaluateAll((rows) => rows.map((row) => [...row.children].map((cell) => cell.textContent).join(","))), CSV.trim().split("\n").slice(1));
      assert.match(await page.locator(".shown thead").textContent(), /shoptext.*revenuenumber/);
      const add = (name, text) => page.locator("#pick").setInputFiles({ name, mimeType: "text/csv", buffer: Buffer.from(text) });
      await add("new.csv", "a\n1\n");
      await page.getByText("new.csv was added.").waitFor();
      assert.equal(fs.readFileSync(path.join(workspace, "new.csv"), "utf8"), "a\n1\n");
      await add("shops.csv", "other\n");
      await page.getByRole("button", { name: "Add as shops-2.csv" }).click();
      await page.getByText("shops-2.csv was added.").waitFor();
      assert.equal(fs.readFileSync(path.join(workspace, "shops.csv"), "utf8"), CSV);
      assert.equal(fs.readFileSync(path.join(workspace, "shops-2.csv"), "utf8"), "other\n");
      await shot(page, "files");
      await accessible(page);
      // Nothing but the workspace's visible files.
      fs.symlinkSync("/etc/passwd", path.join(workspace, "link.csv"));
      fs.mkdirSync(path.join(workspace, ".secret"));
      fs.writeFileSync(path.join(workspace, ".secret/a.csv"), "a\n");
      for (const [asked, status] of [["../x", 400], ["/etc/passwd", 400], [".secret/a.csv", 400], ["link.csv", 404], ["shops.csv", 200]])
        for (const kind of ["file", "table"]) {
          const got = (await fetch(`${url}/tessera/${kind}?path=${encodeURIComponent(asked)}`)).status;
          assert.ok(got === status || (kind === "table" && asked === "link.csv" && got === 400), `${kind} ${asked}: ${got}`);
        }
      for (const name of ["../up.csv", ".hidden", "a/b.csv", ""])
        assert.equal((await fetch(`${url}/tessera/files?name=${encodeURIComponent(name)}`, { method: "POST", body: "x" })).status, 400, name);
    });
  },

  async looksThroughTables() {
    const workspace = folder();
    const names = ["id", 'we"ird', "it's; DROP", "größe"];
    const line = (i) => [i, `"O'Brien ${i % 3}"`, `"50 % <b>${i}</b>"`, i === 7 ? "" : (i * 37) % 250].join(",");
    fs.writeFileSync(path.join(workspace, "big.csv"), ['id,"we""ird",it\'s; DROP,größe', ...Array.from({ length: 250 }, (_, i) => line(i))].join("\n") + "\n");
    await withPage({ workspace }, async ({ page, url }) => {
      await page.getByRole("button", { name: "Files", exact: true }).click();
      await page.getByRole("button", { name: "big.csv", exact: true }).click();
      const rows = page.locator(".shown tbody tr");
      await rows.first().waitFor();
      const ids = () => rows.evaluateAll((all) => all.map((row) => Number(row.firstChild.textContent)));
      const where = (text) => page.locator(".rows").getByText(text, { exact: true }).waitFor();
      const range = (from, to) => Array.from({ length: to - from }, (_, i) => from + i);
      await where("1 to 100 of 250 rows");
      assert.deepEqual(await page.locator(".shown th button").evaluateAll((all) => all.map((one) => one.firstChild.textContent)), names);
      const next = page.getByRole("button", { name: "Next" });
      const previous = page.getByRole("button", { name: "Previous" });
      assert.ok(await previous.isDisabled());
      await next.click();
      await where("101 to 200 of 250 rows");
      assert.deepEqual(await ids(), range(100, 200));
      await next.press("Enter");
      await where("201 to 250 of 250 rows");
      assert.deepEqual(await ids(), range(200, 250));
      assert.ok(await next.isDisabled());
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Previous", "the keyboard is lost");
      // Sorted by a column of a difficult name, up, down and not, by keyboard; no row is on two pages.
      const head = page.getByRole("columnheader").nth(1);
      await head.getByRole("button").focus();
      await page.keyboard.press("Enter");
      await where("1 to 100 of 250 rows");
      await page.waitForFunction(() => document.querySelectorAll(".shown th")[1].getAttribute("aria-sort") === "ascending");
      const seen = await ids();
      for (const text of ["101 to 200 of 250 rows", "201 to 250 of 250 rows"]) {
        await next.click();
        await where(text);
        seen.push(...(await ids()));
      }
      assert.deepEqual(seen, [0, 1, 2].flatMap((rest) => range(0, 250).filter((i) => i % 3 === rest)));
      await page.getByRole("button", { name: /^größe/ }).press("Enter");
      await where("1 to 100 of 250 rows");
      await page.getByRole("button", { name: /^größe/ }).press("Enter");
      await page.waitForFunction(() => document.querySelectorAll(".shown th")[3].getAttribute("aria-sort") === "descending");
      assert.equal((await ids())[0] * 37 % 250, 249);
      assert.match(await page.locator("#progress").textContent(), /1 to 100 of 250 rows/);
      await page.getByRole("button", { name: /^größe/ }).press("Enter");
      await page.waitForFunction(() => !document.querySelector(".shown th[aria-sort]"));
      assert.deepEqual(await ids(), range(0, 100));
      // A filter is a text, whatever it looks like.
      const filter = page.getByLabel("Rows with");
      for (const [text, matches] of [["o'brien 1", 83], ["% <b>24", 11], ["' OR 1=1 --", 0]]) {
        await filter.fill(text);
        await where(matches === 0 ? "0 rows of 250" : `1 to ${matches} of ${matches} rows of 250`);
        assert.equal(await rows.count(), matches);
      }
      await filter.fill("o'brien 1");
      await where("1 to 83 of 83 rows of 250");
      await shot(page, "table");
      await accessible(page);
      await page.setViewportSize({ width: 390, height: 844 });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "wider than a phone");
      await page.getByLabel("Rows with").scrollIntoViewIfNeeded();
      await shot(page, "table-phone", 844);
      const status = async (query) => (await fetch(`${url}/tessera/rows?path=big.csv&${query}`)).status;
      assert.deepEqual([await status("sort=nothing"), await status("sort=1"), await status("offset=-1"), await status(`filter=${"x".repeat(401)}`), await status("offset=1000")], [400, 400, 400, 400, 200]);
      for (const asked of ["../x", "/etc/passwd", ".secret/a.csv"]) assert.equal((await fetch(`${url}/tessera/rows?path=${encodeURIComponent(asked)}`)).status, 400, asked);
    });
  },

  async keepsSettings() {
    const database = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "page-sessions-")), "sessions.db");
    const counted = { text: "Two.", prompt_tokens: 9000, completion_tokens: 830 };
    await withPage({ replies: [counted, { text: "Late.", delay_ms: 1500, code: "print(1)" }, { text: "Later.", delay_ms: 1500, code: "print(2)" }, { text: "Too late." }], more: [database, "0", "free"] }, async ({ page, url }) => {
      const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const light = await ground();
      await page.getByRole("button", { name: "Settings" }).click();
      const panel = page.getByRole("dialog", { name: "Settings" });
      assert.match(await panel.textContent(), /scripted.*\/models\/scripted\.gguf.*5\.0 GB.*32,768 tokens.*hears.*freely/s);
      await panel.getByLabel("Look").selectOption("dark");
      assert.notEqual(await ground(), light);
      await panel.getByLabel("Seconds for a run").fill("99999");
      await panel.getByLabel("Tokens of a reply").fill("500");
      await shot(page, "settings");
      await accessible(page);
      await page.setViewportSize({ width: 390, height: 700 });
      assert.ok(await panel.evaluate((node) => node.getBoundingClientRect().right <= innerWidth && node.scrollWidth <= node.clientWidth), "wider than a phone");
      await shot(page, "settings-phone", 700);
      await page.setViewportSize({ width: 1100, height: 900 });
      await page.keyboard.press("Escape");
      await page.getByLabel("Think before answering").check();
      await page.reload();
      await page.waitForFunction(() => document.querySelector(".welcome, .run"));
      assert.notEqual(await ground(), light, "the look is forgotten");
      const [sent] = await Promise.all([page.waitForRequest((request) => request.method() === "POST" && request.url().endsWith("/tessera/runs")), ask(page, "how many")]);
      assert.deepEqual(sent.postDataJSON(), { request: "how many", thinking: true, seconds: 3600, reply_tokens: 500 });
      await over(page);
      assert.match(await page.locator(".run .state").textContent(), /Context: 9,830 of 32,768 tokens \(30 %\)/);
      assert.equal(await page.locator(".run meter").evaluate((meter) => meter.value / meter.max), 9830 / 32768);
      await shot(page, "meter", 500);
      await accessible(page);
      // The time is the server's to keep; what makes no sense is not taken.
      for (const wrong of ['"seconds":0', '"seconds":3601', '"seconds":"1"', '"seconds":1.5', '"reply_tokens":1', '"reply_tokens":-5'])
        assert.equal((await fetch(`${url}/tessera/runs`, { method: "POST", body: `{"request":"x",${wrong}}` })).status, 400, wrong);
      const told = await (await fetch(`${url}/tessera/runs`, { method: "POST", body: '{"request":"slow","seconds":1}' })).text();
      assert.match(told, /"what":"seconds"/);
      // Going on with it, it has as much time again, and no more.
      const { runs } = await (await fetch(`${url}/tessera/runs`)).json();
      const again = await (await fetch(`${url}/tessera/runs/${runs.at(-1).id}/resume`, { method: "POST", body: "{}" })).text();
      assert.match(again, /"answer":"The time for this request is used up/);
    });
    fs.rmSync(path.dirname(database), { recursive: true });
  },

  async writesDownWhatIsSaid() {
    await withPage({}, async ({ page, context, url }) => {
      assert.match((await fetch(url)).headers.get("permissions-policy"), /microphone=\(self\)/);
      const request = page.getByLabel("What do you want to know or see?");
      const speak = page.locator("#speak");
      const note = (text) => page.locator("#composer").getByText(text).waitFor();
      await context.grantPermissions([], { origin: url });
      await page.getByRole("button", { name: "Settings" }).click();
      await page.getByLabel("Names and words you say").fill("Bern & Thun,\nChur");
      await page.getByRole("button", { name: "Close" }).click();
      await context.grantPermissions(["microphone"], { origin: url });
      // Held by the mouse; the text comes where the cursor is, and nothing is sent by itself.
      await request.fill("total of revenue");
      await request.evaluate((box) => box.setSelectionRange(9, 9));
      await speak.hover();
      await page.mouse.down();
      await note(/Listening/);
      await page.waitForTimeout(1200);
      await shot(page, "speaking", 400);
      const [sent] = await Promise.all([page.waitForRequest("**/tessera/transcript*"), page.mouse.up()]);
      await page.waitForFunction(() => document.querySelector("#request").value !== "total of revenue");
      const hint = "These names and words may be said: Bern & Thun, Chur.";
      assert.equal(await request.inputValue(), `total of hello world ${hint} revenue`);
      assert.equal(await page.locator(".run").count(), 0, "it was sent by itself");
      assert.equal(await page.evaluate(() => document.activeElement.id), "request");
      const wav = sent.postDataBuffer();
      assert.equal(wav.subarray(0, 4).toString() + wav.subarray(8, 16).toString(), "RIFFWAVEfmt ");
      assert.deepEqual([wav.readUInt16LE(22), wav.readUInt32LE(24), wav.readUInt16LE(34), wav.readUInt32LE(40)], [1, 16000, 16, wav.length - 44]);
      const seconds = (wav.length - 44) / 32000;
      assert.ok(seconds > 0.6 && seconds < 10, `${seconds} s`);
      let loudest = 0;
      for (let at = 44; at < wav.length; at += 2) loudest = Math.max(loudest, Math.abs(wav.readInt16LE(at)));
      assert.ok(loudest > 3000, `silence: ${loudest}`);
      // By the space key, held; by two presses; and not at all.
      for (const [how, comes] of [["space", true], ["presses", true], ["escape", false]]) {
        await request.fill("");
        await speak.focus();
        if (how === "space") await page.keyboard.down(" ");
        else if (how === "presses") await page.keyboard.press("Enter");
        else await speak.click();
        await note(/Listening/);
        assert.equal(await speak.getAttribute("aria-pressed"), "true");
        await page.waitForTimeout(700);
        if (how === "space") await page.keyboard.up(" ");
        else if (how === "presses") await speak.click();
        else await page.keyboard.press("Escape");
        if (comes) await page.waitForFunction(() => document.querySelector("#request").value.startsWith("hello world"));
        else await note("Not written down.");
        assert.equal(await speak.getAttribute("aria-pressed"), "false");
      }
      assert.equal(await request.inputValue(), "");
      await accessible(page);
      // The server takes no more than a short recording.
      const post = async (body, query = "") => (await fetch(`${url}/tessera/transcript${query}`, { method: "POST", body })).status;
      assert.deepEqual([await post(""), await post(Buffer.alloc(2 ** 20 + 1)), await post("x", `?words=${"x".repeat(1601)}`), await post("x", "?words=%ff")], [400, 413, 400, 400]);
      // Nobody who may not use the microphone is left waiting.
      await context.clearPermissions();
    });
    await withPage({}, async ({ page, context, url }) => {
      await context.route("**/tessera/state", async (route) => route.fulfill({ json: { ...(await (await fetch(`${url}/tessera/state`)).json()), hears: false } }));
      await page.reload();
      await page.waitForFunction(() => document.querySelector(".welcome"));
      assert.equal(await page.locator("#speak").count(), 0, "a model that does not hear is spoken to");
    });
  },

  async isForItsOwnPageOnly() {
    await withPage({}, async ({ page, url }) => {
      const headers = (await fetch(url)).headers;
      assert.match(headers.get("content-security-policy"), /default-src 'none'.*connect-src 'self'.*frame-ancestors 'none'/);
      assert.doesNotMatch(headers.get("content-security-policy"), /unsafe/);
      assert.match((await fetch(`${url}/page/chart.html`)).headers.get("content-security-policy"), /^default-src 'none'; script-src 'self'; style-src 'self'; .*frame-ancestors 'self'; sandbox allow-scripts$/);
      const { request } = require("node:http");
      const status = (method, path, headers) => new Promise((resolve) => request(url + path, { method, headers }, (answer) => (answer.resume(), resolve(answer.statusCode))).end(method === "POST" ? '{"request":"x"}' : ""));
      for (const [name, value] of [["Origin", "http://127.0.0.1:1"], ["Origin", "null"], ["Origin", "http://evil.example"], ["Host", "evil.example"], ["Sec-Fetch-Site", "cross-site"], ["Sec-Fetch-Site", "same-site"]]) {
        assert.equal(await status("POST", "/tessera/runs", { [name]: value }), 403, `${name}: ${value}`);
        assert.equal(await status("POST", "/tessera/transcript", { [name]: value }), 403, `${name}: ${value}`);
      }
      // The frame of a chart has no origin; what it is made of is all that it gets.
      for (const [name, expected] of [["/page/chart.js", 200], ["/page/chart.html", 403], ["/page/page.js", 403], ["/tessera/state", 403], ["/tessera/runs/x/chart?n=0&format=vega", 403]])
        assert.equal(await status("GET", name, { Origin: "null" }), expected, name);
      assert.deepEqual((await (await fetch(`${url}/tessera/runs`)).json()).runs, []);
      // The browser itself asks nobody else.
      assert.equal(await page.evaluate(() => fetch("http://localhost:1/").then(() => "went", (error) => error.name)), "TypeError");
    });
  },

  async saysWhatWentWrong() {
    const wrong = { text: "a plan", code: 'print(data.read("shops.csv"):sum("revenu"))' };
    await withPage({ replies: [wrong, wrong, wrong, wrong] }, async ({ page, server }) => {
      await ask(page, "total");
      await over(page);
      assert.match(await page.locator(".output.error").first().textContent(), /error: .*revenu/);
      assert.match(await page.getByRole("alert").textContent(), /That did not work.*revenu/);
      server.child.stdin.end();
      await server.ended;
      await ask(page, "again");
      await over(page, 2);
      assert.match(await page.getByRole("alert").last().textContent(), /The server does not answer/);
    });
  },

  async keepsRunsAcrossRestarts() {
    const workspace = folder();
    const database = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "page-sessions-")), "sessions.db");
    const list = path.join(path.dirname(database), "replies.json");
    const serve = (replies, ...more) => (fs.writeFileSync(list, JSON.stringify(replies)), started(pageServer, [list, workspace, "default", "60000", database, ...more], /listening (\d+)/));
    // One run that ends, and one whose process is killed while the model answers.
    let server = await serve([DRAW, { text: "The total is 46.75." }, DRAW, { text: "never", delay_ms: 60000 }]);
    const port = new URL(server.url).port;
    const page = await browser.newPage();
    await page.goto(server.url);
    await ask(page, "total revenue");
    await over(page);
    const before = await page.locator(".run").first().textContent();
    assert.match(before, /Where 1 number of the answer comes from.*46\.75step 1/s);
    await ask(page, "and once more");
    await page.locator(".run").nth(1).locator(".output").first().waitFor();
    server.child.kill("SIGKILL");
    await server.ended;
    // The same page, when there is a server again: the run that was cut off can go on from where it was.
    server = await serve([{ text: "Again 46.75." }], port);
    await page.getByText("The program ended before this was done.").waitFor({ timeout: 40000 });
    await page.getByRole("button", { name: "Go on with it" }).click();
    await page.getByText("Again 46.75.", { exact: true }).waitFor();
    assert.equal(await page.locator(".run").nth(1).locator(".output").count(), 1);
    const both = await page.locator(".run .steps").allTextContents();
    await page.reload();
    await over(page, 2);
    assert.deepEqual(await page.locator(".run .steps").allTextContents(), both, "a reload shows other steps");
    assert.equal(await page.locator("figure img").count(), 2);
    const { runs } = await (await fetch(`${server.url}/tessera/runs`)).json();
    assert.deepEqual(runs.map((run) => [run.request, run.status]), [["total revenue", "ok"], ["and once more", "ok"]]);
    assert.match(await (await fetch(`${server.url}/tessera/runs/${runs[0].id}/chart?n=0&format=svg`)).text(), /<svg/, "a chart of an earlier process");
    const refused = await fetch(`${server.url}/tessera/runs/${runs[0].id}/resume`, { method: "POST", body: "{}" });
    assert.equal(refused.status, 409, "a run that is done goes on");
    assert.equal((await fetch(`${server.url}/tessera/runs/00000000`)).status, 404);
    await page.close();
    server.child.stdin.end();
    await server.ended;
    fs.rmSync(path.dirname(database), { recursive: true });
    fs.rmSync(workspace, { recursive: true });
  },

  async goesOnFromTheLastAnswer() {
    const database = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "page-sessions-")), "sessions.db");
    const echo = { text: "You began with: ", says_first_request: true };
    await withPage({ replies: [echo, echo, echo], more: [database, "0", "free"] }, async ({ page }) => {
      const says = async (n) => (await over(page, n), page.locator(".run").nth(n - 1).locator(".answer").textContent());
      await ask(page, "apples");
      assert.match(await says(1), /You began with: .*apples/s);
      await ask(page, "pears");
      assert.match(await says(2), /You began with: .*apples/s);
      await page.getByLabel("Go on from the last answer").uncheck();
      await ask(page, "plums");
      assert.match(await says(3), /You began with: .*plums/s);
      await accessible(page);
    });
    fs.rmSync(path.dirname(database), { recursive: true });
  },

  async showsAReplyWhileItIsWritten() {
    const words = "Zürich first: I shall add up the revenue of every city, and then say what I found. ".repeat(3).trim();
    const replies = [
      { text: words, piece_ms: 60, code: 'print(data.read("shops.csv"):count())' },
      { text: `It has rows. ${words}`, piece_ms: 60 },
    ];
    await withPage({ replies, more: [path.join(os.tmpdir(), `draft-${process.pid}.db`), "0", "free"] }, async ({ page, url }) => {
      await ask(page, "how many rows?");
      const draft = page.locator(".answer.draft");
      await page.waitForFunction(() => document.querySelector(".answer.draft")?.textContent.startsWith("Zürich first"));
      assert.equal(await page.locator(".steps .plan").count(), 0, "it is no plan yet");
      assert.ok((await draft.textContent()).length < words.length, "all of it at once");
      await shot(page, "draft");
      await page.locator(".steps .plan").waitFor();
      await page.waitForFunction(() => document.querySelector(".answer").textContent.startsWith("It has rows"));
      assert.ok(await page.locator(".answer").getAttribute("class").then((names) => names.includes("draft")), "nobody has said that it is the answer");
      await over(page);
      assert.equal(await page.locator(".answer.draft").count(), 0);
      assert.match(await page.locator(".answer").textContent(), /^It has rows\. Zürich/);
      const { runs } = await (await fetch(`${url}/tessera/runs`)).json();
      const told = (await (await fetch(`${url}/tessera/runs/${runs[0].id}`)).text()).split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)));
      const drafts = told.filter((event) => event.type === "draft");
      assert.ok(drafts.length >= 4 && drafts.length < 60, `${drafts.length} drafts`);
      assert.equal(drafts.map((event) => event.text).join(""), words + `It has rows. ${words}`);
    });
    fs.rmSync(path.join(os.tmpdir(), `draft-${process.pid}.db`), { force: true });
  },

  async saysHowToNameAFolder() {
    await withPage({ workspace: "" }, async ({ page }) => {
      await page.getByText("tessera serve --workspace DIR").waitFor();
      assert.ok(await page.locator("#composer").isHidden());
    });
  },

  async isServedByTheProgram() {
    const workspace = folder();
    const words = ["serve", "--model", path.join(root, "tests/golden/tiny/model"), "--port", "0", "--no-prefix-files", "--workspace", workspace];
    const own = { ...process.env, XDG_STATE_HOME: fs.mkdtempSync(path.join(os.tmpdir(), "page-state-")), TESSERA_VEGA: "/nowhere" };
    const refused = spawnSync(tessera, words, { env: { ...own, TESSERA_API_KEY: "secret" }, encoding: "utf8" });
    assert.equal(refused.status, 2, refused.stderr);
    assert.match(refused.stderr, /--workspace is for the web page/);
    const server = await started(tessera, words, /:(\d+)\/v1/, own);
    try {
      assert.match(await (await fetch(server.url)).text(), /<title>Tessera<\/title>/);
      const state = await (await fetch(`${server.url}/tessera/state`)).json();
      assert.equal(state.workspace, fs.realpathSync(workspace));
      assert.ok(state.hears && state.bytes > 1000 && state.file.endsWith("tiny/model"), JSON.stringify(state));
      assert.deepEqual([state.explore, (await fetch(`${server.url}/page/vega.min.js`)).status], [false, 404]);
      // Random weights hear nothing that makes sense; that they are asked is what matters.
      const heard = await fetch(`${server.url}/tessera/transcript?words=Bern`, { method: "POST", body: tone(1) });
      assert.equal(typeof (await heard.json()).text, "string");
      assert.equal((await fetch(`${server.url}/tessera/transcript`, { method: "POST", body: tone(31) })).status, 400);
      // Random weights: whatever comes of it, the stream ends with a result.
      const text = await (await fetch(`${server.url}/tessera/runs`, { method: "POST", body: '{"request":"total revenue"}' })).text();
      const told = text.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)));
      assert.deepEqual([told[0].type, told[1].type, told.at(-1).type], ["run", "request", "result"], text);
      const { runs } = await (await fetch(`${server.url}/tessera/runs`)).json();
      assert.deepEqual(runs.map((run) => [run.id, run.request]), [[told[0].id, "total revenue"]]);
      const kept = spawnSync(tessera, ["sessions", "--json"], { env: own, encoding: "utf8" });
      assert.deepEqual(JSON.parse(kept.stdout).map((one) => one.id), [told[0].id]);
    } finally {
      server.child.kill("SIGTERM");
      await server.ended;
      fs.rmSync(workspace, { recursive: true, force: true });
      fs.rmSync(own.XDG_STATE_HOME, { recursive: true });
    }
  },
};

// Chromium refuses to run as root with its sandbox; what it opens here is ours.
const voice = path.join(os.tmpdir(), `voice-${process.pid}.wav`);
fs.writeFileSync(voice, tone(5));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", `--use-file-for-fake-audio-capture=${voice}`] });
let failed = 0;
const only = process.env.ONLY;
for (const [name, test] of Object.entries(tests)) {
  if (only && only !== name) continue;
  try {
    await test();
    console.log("ok", name);
  } catch (error) {
    failed++;
    console.log("FAILED", name, "-", error.stack);
  }
}
await browser.close();
fs.rmSync(voice);
console.log(`${Object.keys(tests).length - failed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
