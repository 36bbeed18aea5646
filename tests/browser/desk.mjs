// Scenarios of the review desk in a real browser. A test of the system starts the host and calls
//   node desk.mjs SCENARIO
// with DESK (the host's address), REVIEWER, REVIEWER_2 and OPERATOR (tokens), and SHOTS (a folder).
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { chromium } from "playwright-core";
import { AxeBuilder } from "@axe-core/playwright";

const { DESK, REVIEWER, REVIEWER_2, OPERATOR, SHOTS, CHROMIUM = "/usr/bin/chromium" } = process.env;
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });

async function signedIn(token, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on("pageerror", (error) => { throw error; });
  await page.goto(`${DESK}/admin`);
  await page.fill("#token", token);
  await page.click("button.primary");
  await page.waitForURL("**/admin/queue*");
  return page;
}

// What a page must have in every state: nothing for axe to find, nothing that scrolls sideways.
async function sound(page, name, axe = true, old = false) {
  const { violations } = axe ? await new AxeBuilder({ page }).analyze() : { violations: [] };
  assert.deepEqual(violations.map((one) => [one.id, one.nodes.map((node) => node.html)]), [], name);
  assert.equal(await page.isVisible("#news"), old, `${name}: says that something changed`);
  const [wide, shown] = await page.evaluate(() => [document.scrollingElement.scrollWidth, innerWidth]);
  assert.ok(wide <= shown, `${name}: ${wide} pixels wide, of ${shown}`);
}

// Pages with tables or plans, which scroll inside of themselves on a phone.
const SCROLLS = new Set(["task-open", "operation", "adapters", "buyers-open", "webhook", "audit", "try-planned"]);

// Pages of somebody who is signed in, one for each width, and a function that looks at what is shown.
async function looks(token) {
  mkdirSync(SHOTS, { recursive: true });
  const colorScheme = process.env.SCHEME;
  return Promise.all([1280, 640, 390].map(async (width) => {
    const page = await signedIn(token, { colorScheme, viewport: { width, height: 900 } });
    const look = async (name, path) => {
      if (path) await page.goto(DESK + path);
      // axe takes a second. Colours depend on the scheme; the width matters where something scrolls by itself.
      const axe = width === 1280 || (width === 390 && colorScheme === "light" && SCROLLS.has(name));
      await sound(page, `${name} ${colorScheme} ${width}`, axe);
      await page.screenshot({ path: `${SHOTS}/${name}-${colorScheme}-${width}.png`, fullPage: true });
    };
    return [page, look];
  }));
}

const scenarios = {
  // The pages of a reviewer in one scheme (SCHEME), on a desk and on a phone, and at 200 % zoom.
  async pages() {
    for (const [page, look] of await looks(REVIEWER)) {
      await look("queue");
      await page.click("a.row");
      await page.waitForSelector(".decide");
      await look("task");
      await page.click(".card details summary");
      await page.click("#reject > summary");
      await look("task-open");
      await look("queue-empty", "/admin/queue?view=escalated");
      await look("media-buys", "/admin/media-buys");
      await page.click("a.row");
      await page.waitForSelector("dl");
      await look("media-buy");
      await look("media-buys-empty", "/admin/media-buys?q=nothing-of-this-name");
      await page.goBack();
      await page.goto(`${DESK}/admin/queue?view=completed`);
      await page.click("a.row");
      await page.waitForSelector(".history");
      await look("task-done");
      await page.click("a[href^='/admin/operations/']");
      await page.waitForSelector("table");
      await look("operation");
      await look("not-found", "/admin/tasks/no-such-task");
      await look("no-permission", "/admin/audit");
      await look("activity", "/admin/activity");
      await look("products", "/admin/products");
      await look("setup", "/admin/setup");
      await look("try", "/admin/try");
      await page.click("main button.primary");
      await page.waitForSelector("#outcome");
      await look("try-planned");
      await page.fill("#request", "{}");
      await page.click("main button.primary");
      await page.waitForSelector(".notice.bad");
      await look("try-refused");
      await page.context().clearCookies();
      await look("sign-in", "/admin/queue");
      await page.context().close();
    }
  },

  // What operators have besides, in one scheme.
  async operators() {
    for (const [page, look] of await looks(OPERATOR)) {
      await look("adapters", "/admin/adapters");
      await look("buyers", "/admin/buyers");
      await page.locator("td summary").first().click();
      await look("buyers-open");
      await look("webhooks", "/admin/webhooks");
      await page.click("a.row");
      await page.waitForSelector("nav[aria-label='Which deliveries']");
      await look("webhook");
      await look("audit", "/admin/audit");
      await look("audit-empty", "/admin/audit?actor=nobody");
      await look("audit-mistaken", "/admin/audit?from=yesterday");
      await page.goto(`${DESK}/admin/media-buys`);
      await page.locator("a.row", { hasText: "PO-1" }).click();
      await page.click("text=Chart and days");
      await page.waitForSelector("h1");
      await look("delivery");
      await page.context().close();
    }
  },

  // A reviewer who never touches the mouse.
  async keyboard() {
    const page = await signedIn(REVIEWER);
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".decide");
    await page.keyboard.press("?");
    assert.ok(await page.isVisible("#keys"));
    await page.keyboard.press("Escape");
    assert.ok(!(await page.isVisible("#keys")));
    await page.keyboard.press("q");
    await page.keyboard.type("which brand? r is a letter here");
    assert.equal(await page.inputValue("#question"), "which brand? r is a letter here");
    await page.keyboard.press("Escape");
    await page.keyboard.press("r");
    assert.ok(await page.isVisible("#why"));
    await page.keyboard.press("Escape");
    await page.keyboard.press("a");
    await page.keyboard.press("Enter");
    await page.waitForURL("**done=approved");
    assert.match(await page.innerText(".notice.good"), /You approved it/);
  },

  // Several rows are selected by keyboard and rejected together; a page on which something is selected is
  // left alone by news.
  async together() {
    const page = await signedIn(REVIEWER);
    for (let row = 0; row < 2; row += 1) {
      await page.keyboard.press("j");
      await page.keyboard.press("x");
    }
    assert.equal(await page.locator("li.pick input:checked").count(), 2);
    const other = await signedIn(REVIEWER_2);
    await other.locator("a.row").last().click();
    await other.click("#ask > summary");
    await other.fill("#question", "which brand?");
    await other.click("#ask button");
    await other.waitForURL("**done=asked");
    await page.waitForSelector("#news:not([hidden])");
    assert.equal(await page.locator("li.pick input:checked").count(), 2);
    await page.click("#bulk summary");
    await page.fill("#why", "sold out");
    await sound(page, "queue with a selection", true, true);
    await page.click("#bulk button.danger");
    await page.waitForSelector("h1:has-text('2 tasks rejected')");
    await sound(page, "decided together");
  },

  // Two reviewers have the page open; the slower one learns what happened meanwhile.
  async stale() {
    const [first, second] = [await signedIn(REVIEWER), await signedIn(REVIEWER_2)];
    for (const page of [first, second]) {
      // Pages that hear nothing, so that the second one is as old as it can be.
      await page.route("**/admin/events", (route) => route.abort());
      await page.click("a.row");
      await page.waitForSelector("#reject");
    }
    await first.click("#reject > summary");
    await first.fill("#why", "wrong season");
    await first.click("#reject button");
    await first.waitForURL("**done=rejected");
    await second.click("#approve");
    await second.waitForSelector(".notice.bad");
    assert.match(await second.innerText(".notice.bad"), /Nothing was changed/);
    assert.match(await second.innerText(".history"), /wrong season/);
    assert.equal(await second.locator("#approve").count(), 0);
  },

  // What one reviewer does appears on the other's page, unless that one is writing.
  async live() {
    const [first, second, writer] = [await signedIn(REVIEWER), await signedIn(REVIEWER_2), await signedIn(REVIEWER_2)];
    for (const page of [first, writer]) {
      await page.click("a.row");
      await page.waitForSelector("#reject");
    }
    await writer.click("#escalate > summary");
    await writer.fill("#because", "I am writing");
    await second.waitForLoadState("load");
    await first.click("#reject > summary");
    await first.fill("#why", "wrong season");
    await first.click("#reject button");
    await first.waitForURL("**done=rejected");
    await second.waitForSelector(".empty");
    assert.equal(await second.innerText("#waiting"), "0");
    await writer.waitForSelector("#news:not([hidden])");
    assert.equal(await writer.inputValue("#because"), "I am writing");
  },

  // An operator swaps an adapter: RELEASE is the digest of one that is installed and does not serve.
  async swap() {
    const { RELEASE } = process.env;
    const reviewer = await signedIn(REVIEWER);
    await reviewer.goto(`${DESK}/admin/adapters`);
    assert.equal(await reviewer.locator("form[action*='/activate']").count(), 0);
    const page = await signedIn(OPERATOR);
    // The host may still learn something of its adapters, and the form below is about one state.
    await page.route("**/admin/events", (route) => route.abort());
    await page.click("text=Adapters");
    const row = page.locator("tr", { hasText: RELEASE.slice(0, 12) });
    await row.locator("summary").click();
    await row.locator("input[name=reason]").fill("try the new one");
    await sound(page, "adapters with an open form");
    await row.locator("button").click();
    await page.waitForURL("**done=activated");
    assert.match(await page.locator("tr", { hasText: RELEASE.slice(0, 12) }).innerText(), /serves/);
    assert.match(await page.locator(".history").first().textContent(), /try the new one/);
  },

  // A person without a token, in a browser without JavaScript, goes to the provider and comes back from another site.
  async provider() {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${DESK}/admin/audit`);
    await page.click("text=Sign in with");
    await page.waitForURL(`${DESK}/admin/audit`);
    assert.match(await page.innerText("body"), /anna@acme\.example/);
    await page.click(".rail button");
    await page.waitForURL("**/admin/sign-in");
    const seeing = await (await browser.newContext({ viewport: { width: 390, height: 900 } })).newPage();
    await seeing.goto(`${DESK}/admin/sign-in`);
    const { violations } = await new AxeBuilder({ page: seeing }).analyze();
    assert.deepEqual(violations.map((one) => [one.id, one.nodes.map((node) => node.html)]), []);
    mkdirSync(SHOTS, { recursive: true });
    await seeing.screenshot({ path: `${SHOTS}/sign-in-provider-390.png`, fullPage: true });
  },

  // Without JavaScript, every decision is still there.
  async plain() {
    const page = await signedIn(REVIEWER, { javaScriptEnabled: false });
    await page.click("a.row");
    await page.click("#take");
    await page.waitForURL("**done=taken");
    await page.fill("#comment", "asking sales");
    await page.click("form[action$='/comment'] button");
    await page.waitForURL("**done=commented");
    assert.match(await page.innerText(".history"), /asking sales/);
    await page.click("#escalate > summary");
    await page.fill("#to", "sales lead");
    await page.fill("#because", "above my limit");
    await page.click("#escalate button");
    await page.waitForURL("**done=escalated");
    await page.click("#reject > summary");
    await page.fill("#why", "no");
    await page.click("#reject button");
    await page.waitForURL("**done=rejected");
    await page.click(".rail button");
    await page.waitForURL("**/admin/sign-in");
    await page.goto(`${DESK}/admin/queue`);
    assert.match(page.url(), /sign-in/);
  },
};

try {
  await scenarios[process.argv[2]]();
} finally {
  await browser.close();
}
