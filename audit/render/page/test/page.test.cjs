// Tests of the HTML report in headless Chromium. PAGES is the folder of the pages, SCREENS where pictures go, CHROMIUM the browser.
"use strict";
const test = require("node:test");
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { pathToFileURL } = require("node:url");
const puppeteer = require("puppeteer-core");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const pages = path.resolve(process.env.PAGES), screens = path.resolve(process.env.SCREENS);
const url = (name) => pathToFileURL(path.join(pages, name + ".html")).href;
const widths = [360, 768, 1280], schemes = ["light", "dark"];
const names = ["incident", "clean", "few", "remembered", "medium", "hostile", "empty"];

let browser;
test.before(async () => {
  fs.mkdirSync(screens, { recursive: true });
  browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"], protocolTimeout: 120000 });
});
test.after(() => browser.close());

// open opens a page, and fails the test at its end where anything was said, asked for or thrown.
async function open(t, name, o = {}) {
  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (m) => wrong.push("console: " + m.text()));
  page.on("pageerror", (e) => wrong.push("error: " + e));
  page.on("dialog", (d) => { wrong.push("dialog: " + d.message()); d.dismiss(); });
  page.on("request", (r) => { if (r.url().split("#")[0] !== url(name)) wrong.push("request: " + r.url()); });
  if (o.script === false) await page.setJavaScriptEnabled(false);
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: o.scheme || "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await page.setViewport({ width: o.width || 1280, height: o.height || 900 });
  await page.goto(url(name) + (o.fragment || ""), { waitUntil: "load", timeout: 60000 });
  t.after(async () => { await page.close(); assert.deepEqual(wrong, []); });
  return page;
}

// unfold opens all that is folded, for axe looks at what is shown alone.
const unfold = (page) => page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));

for (const name of names) {
  for (const scheme of schemes) {
    for (const width of widths) {
      test(`${name}, ${scheme}, ${width} px: fits, and axe finds no violation`, async (t) => {
        const page = await open(t, name, { scheme, width });
        if (["incident", "few", "remembered"].includes(name)) {
          await page.setViewport({ width, height: 2400 });
          await page.screenshot({ path: path.join(screens, `${name}-${scheme}-${width}.png`) });
        }
        if (name !== "medium") await unfold(page);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth) <= width, "it is wider than the screen");
        if (name === "medium" && width !== 360) return; // the same elements, many times
        // the policy of the page keeps scripts out, so that axe comes by the debugger
        await page.evaluate(axe);
        const found = await page.evaluate(async () => (await window.axe.run(document, { resultTypes: ["violations"] })).violations
          .map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.target + " " + n.failureSummary).join(" | ")));
        assert.deepEqual(found, []);
      });
    }
  }
}

test("hostile names stay text", async (t) => {
  const page = await open(t, "hostile");
  const seen = await page.evaluate(() => ({ title: document.title, scripts: document.querySelectorAll("script").length, images: document.querySelectorAll("img").length,
    text: document.body.textContent.includes("<img src=x onerror=alert(1)>"), handlers: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => a.name.startsWith("on"))).length }));
  assert.match(seen.title, /^FAIL: feature audit as of 2026-11-23/);
  assert.deepEqual({ ...seen, title: "" }, { title: "", scripts: 1, images: 0, text: true, handlers: 0 });
});

test("without scripts everything is there", async (t) => {
  const page = await open(t, "few", { script: false });
  const text = await page.$eval("body", (b) => b.textContent);
  for (const word of ["feature_view_0001", "dt=2026-11-21", "read_parquet", "features/a.yaml:27", "feature_view_0049", "featureaudit run --view feature_view_0000 --check duplicate-keys"]) assert.ok(text.includes(word), word);
  assert.equal(await page.$eval(".tools", (f) => getComputedStyle(f).display), "none");
  assert.ok(await page.$eval("#view\\.feature_view_0001", (d) => d.open));
});

test("a link to a finding unfolds it", async (t) => {
  const id = "finding.feature_view_0001-duplicate-keys-1";
  const page = await open(t, "few", { fragment: "#" + id });
  await page.waitForFunction((id) => { const r = document.getElementById(id).getBoundingClientRect(); return r.height > 0 && r.top >= 0 && r.bottom <= innerHeight; }, { timeout: 5000 }, id);
  // and from within the page
  await page.evaluate(() => { location.hash = "#finding.feature_view_0000-stale-rows-0"; });
  await page.waitForFunction(() => document.getElementById("finding.feature_view_0000-stale-rows-0").getBoundingClientRect().height > 0, { timeout: 5000 });
});

test("filters and sorting", async (t) => {
  const page = await open(t, "medium");
  const shown = () => page.$eval("#shown", (o) => o.textContent);
  const first = () => page.$$eval("#views > details:not([hidden]) h3", (all) => all[0] && all[0].textContent);
  const choose = async (id, text) => {
    const value = await page.$eval("#" + id, (s, text) => [...s.options].find((o) => o.textContent === text).value, text);
    await page.select("#" + id, value);
    await new Promise((r) => setTimeout(r, 50));
  };
  assert.equal(await shown(), "250 findings in 50 views");
  await choose("owner", "growth");
  assert.equal(await shown(), "50 of 250 findings, in 10 views");
  await choose("check", "stale-rows");
  assert.equal(await shown(), "10 of 250 findings, in 10 views");
  await choose("view", "feature_view_0006");
  assert.equal(await shown(), "1 of 250 findings, in 1 view");
  await choose("state", "fail");
  assert.equal(await shown(), "1 of 250 findings, in 1 view");
  await page.click(".foot button");
  await new Promise((r) => setTimeout(r, 50));
  assert.equal(await shown(), "250 findings in 50 views");
  await page.type("#q", "view_0049");
  await page.waitForFunction(() => document.getElementById("shown").textContent === "5 of 250 findings, in 1 view", { timeout: 5000 });
  await page.type("#q", " nowhere");
  await page.waitForFunction(() => !document.getElementById("nothing").hidden, { timeout: 5000 });
  await page.click("#clear");
  await choose("sort", "by owner");
  assert.equal(await first(), "feature_view_0000", "fraud comes first");
  await choose("sort", "by view");
  assert.equal(await first(), "feature_view_0000");
});

test("what is new since earlier runs can be filtered", async (t) => {
  const page = await open(t, "remembered");
  const kinds = await page.$$eval(".changes .stat", (all) => all.map((s) => s.textContent.trim().replace(/\s+/g, " ")));
  assert.deepEqual(kinds, ["5 new", "5 worse", "1 resolved", "5 continuing", "5 better"]);
  await page.select("#state", "new");
  await new Promise((r) => setTimeout(r, 50));
  assert.match(await page.$eval("#shown", (o) => o.textContent), /^[1-9][0-9]* of 10 findings, in [12] views?$/);
});

test("by keyboard: skip, fold, filter", async (t) => {
  const page = await open(t, "few");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the findings");
  await page.focus("#view\\.feature_view_0000 > summary");
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval("#view\\.feature_view_0000", (d) => d.open), false);
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval("#view\\.feature_view_0000", (d) => d.open), true);
  assert.ok(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== "none"), "the focus can be seen");
});

test("copy buttons copy", async (t) => {
  const page = await open(t, "few");
  await browser.defaultBrowserContext().overridePermissions("file://", ["clipboard-read", "clipboard-write"]).catch(() => {});
  await unfold(page);
  const button = await page.$(".copy button");
  await button.scrollIntoView();
  await button.click();
  await page.waitForFunction(() => document.querySelector(".copy button").textContent !== "copy", { timeout: 5000 });
  assert.equal(await page.$eval(".copy button", (b) => b.textContent), "copied");
});

test("it works in the sandboxed frame of another page", async (t) => {
  const page = await browser.newPage();
  const wrong = [];
  page.on("console", (m) => wrong.push(m.text()));
  page.on("pageerror", (e) => wrong.push("" + e));
  const outer = path.join(pages, "frame.html");
  fs.writeFileSync(outer, `<!doctype html><iframe sandbox="allow-scripts" width="1000" height="700" src="few.html"></iframe>`);
  await page.goto(pathToFileURL(outer).href, { waitUntil: "load" });
  const frame = page.frames().find((f) => f.url().endsWith("few.html"));
  await frame.waitForFunction(() => document.getElementById("shown").textContent === "10 findings in 2 views", { timeout: 5000 });
  await page.close();
  assert.deepEqual(wrong, []);
});

test("on paper everything is unfolded", async (t) => {
  const page = await open(t, "few");
  const folded = await page.evaluate(() => {
    window.dispatchEvent(new Event("beforeprint"));
    const n = document.querySelectorAll("details:not([open])").length;
    window.dispatchEvent(new Event("afterprint"));
    return [n, document.querySelectorAll("details:not([open])").length > 0];
  });
  assert.deepEqual(folded, [0, true]);
  const pdf = await page.pdf({ path: path.join(screens, "few.pdf"), format: "A4" });
  assert.ok(pdf.length > 20000, "the print is empty");
});

test("the largest report opens and filters in under two seconds", async (t) => {
  const before = Date.now();
  const page = await open(t, "large");
  await page.waitForFunction(() => document.getElementById("shown").textContent === "2500 findings in 500 views", { timeout: 60000 });
  const opened = Date.now() - before;
  const filtered = await page.evaluate(() => new Promise((done) => {
    const box = document.getElementById("q"), from = performance.now();
    box.value = "view_0499";
    box.dispatchEvent(new Event("input", { bubbles: true }));
    (function wait() {
      if (document.getElementById("shown").textContent !== "5 of 2500 findings, in 1 view") return requestAnimationFrame(wait);
      requestAnimationFrame(() => done(performance.now() - from));
    })();
  }));
  // Two seconds are those of a machine that does nothing else: of one that shares its processors it takes as much longer.
  const shared = Math.max(1, os.loadavg()[0] / os.cpus().length), limit = 2000 * shared;
  t.diagnostic(`opened in ${opened} ms, filtered in ${Math.round(filtered)} ms, with ${shared.toFixed(1)} programs a processor`);
  assert.ok(filtered < limit, `filtered in ${filtered} ms, want under ${limit}`);
  assert.ok(opened < limit, `opened in ${opened} ms, want under ${limit}`);
});
