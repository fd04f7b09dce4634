// A headless Chromium on the page of a running server whose model has routers and writes slowly enough to be stopped:
//   npm install && node browser.mjs http://127.0.0.1:8080/ SCREENSHOT TEXT TEXT TEXT TEXT
// The texts are what is said, such as the model goes on with.
import assert from "node:assert/strict";
import chromium from "@sparticuz/chromium";
import puppeteer from "puppeteer-core";

const [url, screenshot, ...texts] = process.argv.slice(2);
const browser = await puppeteer.launch({ args: [...chromium.args, "--no-sandbox"], executablePath: await chromium.executablePath(),
  headless: "shell", defaultViewport: { width: 1280, height: 800 } });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(120000);
  const problems = [];
  page.on("pageerror", e => problems.push(e.message));
  page.on("requestfailed", r => { if (r.failure()?.errorText !== "net::ERR_ABORTED") problems.push(r.url()); });
  page.on("request", r => { if (!r.url().startsWith(url) && !r.url().startsWith("data:")) problems.push("from elsewhere: " + r.url()); });
  const idle = () => page.waitForFunction(() => document.getElementById("stop").disabled && !document.getElementById("send").disabled);
  const text = id => page.$eval("#" + id, e => e.textContent);
  const answers = () => page.$$eval(".assistant", all => all.map(e => e.textContent));
  const set = (id, value) => page.$eval("#" + id, (e, v) => { e.value = v; e.dispatchEvent(new Event("input")); }, value);
  const say = async words => { await page.type("#input", words); await page.keyboard.press("Enter"); };
  const shares = () => page.$$eval("#heat .cell[data-share]", all => all.map(e => Number(e.dataset.share)));

  await page.goto(url);
  await page.waitForFunction(() => !document.getElementById("tau").disabled);

  await set("maxTokens", 40);
  await say(texts[0]);
  await page.waitForFunction(() => document.querySelector(".assistant")?.textContent.length > 0);
  assert.equal(await page.$eval("#stop", e => e.disabled), false, "streams while it writes");
  await idle();
  const before = { rate: await text("rate"), skipped: await text("skipped"), shares: await shares() };
  assert.match(before.rate, /^[0-9.]+$/);
  assert.ok(before.shares.length > 0, "the heat map has a column");
  console.log("ok type and stream", before.rate, "tokens/s,", before.skipped, "skipped");

  await set("tau", 0.9);
  assert.equal(await text("tauValue"), "0.90");
  await say(texts[1]);
  await idle();
  const sparser = await shares();
  assert.equal(sparser.length, 2 * before.shares.length, "one column more");
  assert.notEqual(await text("skipped"), before.skipped, "the dial changes what is skipped");
  assert.notEqual(await text("rate"), before.rate, "tokens/s is told anew");
  console.log("ok dial", await text("rate"), "tokens/s,", await text("skipped"), "skipped");

  await set("maxTokens", 130);
  await set("temperature", 1.8);
  let stopped = "";
  // A small model may end by itself before anybody can stop it.
  for (let attempt = 0; attempt < 8 && !stopped.endsWith("stopped"); attempt++) {
    const count = (await answers()).length;
    await say(texts[2]);
    await page.waitForFunction(n => document.querySelectorAll(".assistant")[n]?.textContent.length > 2, {}, count);
    await page.$eval("#stop", e => e.click());
    await idle();
    stopped = (await answers()).at(-1);
  }
  assert.match(stopped, /stopped$/);
  await new Promise(done => setTimeout(done, 1000));
  assert.equal((await answers()).at(-1), stopped, "nothing comes after the stop");
  console.log("ok stop");

  await set("maxTokens", 30);
  await set("tau", 0.3);
  await set("temperature", 0.7);
  await say(texts[3]);
  await idle();
  await page.screenshot({ path: screenshot });
  assert.deepEqual(problems, []);
  console.log("ok nothing failed, nothing came from elsewhere");
} finally {
  await browser.close();
}
