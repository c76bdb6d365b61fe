// Takes the README's picture: PAGE is the page of the incident, PICTURE the file, CHROMIUM the browser.
"use strict";
const puppeteer = require("puppeteer-core");
const { pathToFileURL } = require("node:url");

(async () => {
  const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
  const page = await browser.newPage();
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
  await page.setViewport({ width: 880, height: 612 });
  await page.goto(pathToFileURL(process.env.PAGE).href + "#view.transactions");
  await page.screenshot({ path: process.env.PICTURE });
  await browser.close();
})();
