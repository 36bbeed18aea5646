/** Buys through flightdeck over MCP, and waits as long as the publisher's people need. ../README.md says how it is run. */
import { createHash, randomUUID } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ErrorCode, McpError } from "@modelcontextprotocol/sdk/types.js";
import { Webhook } from "standardwebhooks";

type Json = Record<string, any>;
/** A change of a media buy: stored before it is sent, and again with everything that is learned of it. */
type Change = { digest: string; key: string; preparedAt: number; buy?: string; operation?: string; task?: string; outcome?: string; reason?: string };
type State = { changes: Record<string, Change>; events: Record<string, number> };

const HOUR = 3_600_000;
const KEY_LIFETIME = 23 * HOUR; // flightdeck remembers a key for 24 hours at least; one less, for clocks that differ
const EVENTS_KEPT = 31 * 24 * HOUR; // flightdeck may send an event again for 30 days
const RETRIED = new Set([408, 425, 429, "OPERATION_IN_PROGRESS", "RATE_LIMITED", "PLATFORM_UNAVAILABLE", "ADAPTER_UNAVAILABLE"]);
/** These say nothing about the request itself: it may have been accepted before. */
const UNDECIDED = new Set(["AUTHENTICATION_REQUIRED", "PERMISSION_DENIED", "IDEMPOTENCY_CONFLICT", "PROTOCOL_ERROR"]);

/** Nothing is known of the call, or it is not possible now: the same call, with the same key, may be sent again. */
class Unavailable extends Error {
  constructor(message: string, readonly retryAfter = 0) { super(message); }
}
/** The call is wrong, or a person or the ad server said no: the same again would be refused again. */
class Refused extends Error {
  constructor(readonly code: string, message: string) { super(`${code}: ${message}`); }
}
/** Not an error: the next run goes on where this one stopped. */
class StillWaiting extends Error {}

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string", default: "http://127.0.0.1:8080" }, state: { type: "string", default: "orchestrator.json" },
    webhooks: { type: "string", default: "127.0.0.1:8090" }, patience: { type: "string", default: String(30 * 86_400) },
    answer: { type: "string" }, "first-pause": { type: "string", default: "2" }, "longest-pause": { type: "string", default: "300" },
  },
});

const state: State = existsSync(options.state) ? JSON.parse(readFileSync(options.state, "utf8")) : { changes: {}, events: {} };

/** A crash leaves the file as it was before, or as it is after: never half of it. */
function save(): void {
  const file = openSync(`${options.state}.new`, "w");
  writeSync(file, JSON.stringify(state, null, 2));
  fsyncSync(file);
  closeSync(file);
  renameSync(`${options.state}.new`, options.state);
}

function note(change: Change, news: Partial<Change>): Change {
  Object.assign(change, news);
  save();
  return change;
}

/** Calls a tool once, on a connection of its own: minutes lie between two calls, and a restart of the host. */
async function call(tool: string, args: Json): Promise<Json> {
  let last: Response | undefined;
  const transport = new StreamableHTTPClientTransport(new URL("/mcp", options.url), {
    requestInit: { headers: { Authorization: `Bearer ${process.env.FLIGHTDECK_TOKEN}` } },
    // The answer to the first message that fails is kept for its status and its Retry-After.
    fetch: async (url, init) => {
      const answer = await fetch(url, init);
      if (init?.method === "POST" && (last?.ok ?? true)) last = answer;
      return answer;
    },
  });
  const client = new Client({ name: "flightdeck-orchestrator", version: "1.0.0" });
  try {
    await client.connect(transport);
    const result = await client.callTool({ name: tool, arguments: args });
    const content = (result.structuredContent ?? {}) as Json;
    if (!result.isError) return content;
    const { code, message, suggestion, retry_after: wait } = content.error;
    if (RETRIED.has(code) || wait != null) throw new Unavailable(`${code}: ${message}`, wait ?? 0);
    throw new Refused(code, suggestion ? `${message} (${suggestion})` : message);
  } catch (error) {
    if (error instanceof Refused || error instanceof Unavailable) throw error;
    const status = last?.ok === false ? last.status : undefined;
    if (status && status < 500 && !RETRIED.has(status)) throw new Refused(status === 401 ? "AUTHENTICATION_REQUIRED" : "PROTOCOL_ERROR", `HTTP status ${status}`);
    const silent = [ErrorCode.RequestTimeout, ErrorCode.ConnectionClosed];
    if (error instanceof McpError && !status && !silent.includes(error.code)) throw new Refused("PROTOCOL_ERROR", error.message);
    throw new Unavailable(`${tool}: ${error}`, status ? seconds(last?.headers.get("retry-after")) : 0);
  } finally {
    await client.close();
  }
}

/** A Retry-After: seconds, or an HTTP date. */
function seconds(retryAfter: string | null | undefined): number {
  const wait = Number(retryAfter ?? 0);
  return Math.max(0, Number.isNaN(wait) ? (Date.parse(retryAfter!) - Date.now()) / 1_000 || 0 : wait);
}

/** Who waits for news of a media buy. An event only ends a pause early: what is true is asked from the host. */
const waiting = new Map<string, () => void>();

/** Asks until there is an answer, with growing pauses. Half of each is random, so that many orders don't poll at once. */
async function until<T>(po: string, buy: string | undefined, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + Number(options.patience) * 1_000;
  let pause = Number(options["first-pause"]);
  while (Date.now() < deadline) {
    const news = new AbortController();
    if (buy) waiting.set(buy, () => news.abort()); // before the question, so that nothing is missed between the two
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      console.log(`${po}: trying again: ${error.message}`);
      await sleep(Math.min(error.retryAfter * 1_000, deadline - Date.now())); // not ended by news: the host said when
    }
    const left = Math.max(0, deadline - Date.now());
    await sleep(Math.min(pause * (0.5 + Math.random() / 2) * 1_000, left), undefined, { signal: news.signal }).catch(() => {});
    pause = news.signal.aborted ? Number(options["first-pause"]) : Math.min(pause * 2, Number(options["longest-pause"]));
  }
  throw new StillWaiting("waits longer than this run: start it again to go on");
}

/** Has one change made, exactly once, and waits until it is carried out. */
async function change(po: string, tool: string, args: Json): Promise<Change> {
  const id = `${po} ${tool}`, digest = createHash("sha256").update(JSON.stringify(args)).digest("hex");
  // What was refused had no effect, and the buy waits for other creatives if these were rejected: a corrected order may take their place.
  const old = state.changes[id], replaceable = tool === "add_creative_assets" && old?.outcome === "failed" && old.digest !== digest;
  if (!old || old.outcome === "refused" || replaceable) state.changes[id] = { digest, key: randomUUID(), preparedAt: Date.now(), buy: args.media_buy_id };
  const one = note(state.changes[id], {});
  if (one.digest !== digest) throw new Refused("ALTERED", `${tool} was sent already, with other content: a changed order needs a new po_number`);
  if (!one.outcome && !one.operation) await until(po, one.buy, () => send(po, tool, args, one));
  if (!one.outcome) await until(po, one.buy, () => ended(po, tool, one));
  if (one.outcome !== "succeeded") throw new Refused(`${tool} ${one.outcome}`, one.reason ?? "");
  console.log(`${po}: ${tool} is done (${one.buy})`);
  return one;
}

async function send(po: string, tool: string, args: Json, one: Change): Promise<Change> {
  if (tool === "create_media_buy" && Date.now() - one.preparedAt > KEY_LIFETIME) {
    // Its answer never came, and its key may be forgotten: the PO number tells whether it happened.
    const { media_buys: found } = await call("list_media_buys", { po_number: po });
    if (found.length > 1) throw new Refused("AMBIGUOUS", `${found.length} media buys have this po_number: a person must look`);
    if (found.length === 1) {
      const buy = found[0].media_buy_id, status = await call("check_media_buy_status", { media_buy_id: buy });
      const pending = status.pending_operations.find((operation: Json) => operation.operation === tool);
      if (pending) return note(one, { buy, operation: pending.operation_id });
      return note(one, { buy, outcome: status.status === "failed" ? "failed" : "succeeded", reason: status.detail });
    }
    note(one, { preparedAt: Date.now() });
  }
  try {
    const answer = await call(tool, { ...args, idempotency_key: one.key });
    return note(one, { buy: answer.media_buy_id ?? one.buy, operation: answer.operation_id, task: answer.task_id });
  } catch (error) {
    if (error instanceof Refused && !UNDECIDED.has(error.code)) note(one, { outcome: "refused", reason: error.message });
    throw error;
  }
}

const told = new Set<string>();
function tell(id: string, words: string): void {
  if (!told.has(id)) console.log(words);
  told.add(id);
}

/** Asks once whether a change has ended. One that waits for a person is as normal as one that runs. */
async function ended(po: string, tool: string, one: Change): Promise<Change | undefined> {
  const operation = await call("get_operation", { operation_id: one.operation });
  const id = operation.task_id;
  if (operation.waits_for_task) {
    note(one, { task: id });
    const task = await call("get_task", { task_id: id });
    tell(id, `${po}: ${tool} waits for a ${task.task_type.replace("_", " ")} (${id}, due by ${task.due_by}): ${task.error_detail}`);
    const asked = task.questions.find((question: Json) => question.answer === null && task.decision === null);
    if (asked) tell(`${id} ${asked.question}`, `${po}: ${asked.by} asks: ${asked.question}${options.answer ? "" : "; start again with --answer"}`);
    if (asked && options.answer) {
      await call("answer_task", { task_id: id, answer: options.answer }); // sent twice, as after a crash, it is one answer
      console.log(`${po}: answered: ${options.answer}`);
      options.answer = undefined;
    }
  }
  if (operation.state === "succeeded") return note(one, { outcome: "succeeded" });
  if (operation.state === "failed") return note(one, { outcome: "failed", reason: `${operation.error.code}: ${operation.error.message}` });
}

/** Buys, uploads the creatives, waits until the buy is active, and reads what it delivered. After a crash, all of it runs again. */
async function carryOut({ media_buy: request, creatives = [] }: Json): Promise<number> {
  const po = request.po_number;
  try {
    const created = await change(po, "create_media_buy", request);
    const buy = { media_buy_id: created.buy };
    if (creatives.length) await change(po, "add_creative_assets", { ...buy, assets: creatives });
    let said = "";
    await until(po, created.buy, async () => {
      const { status, detail, creative_statuses: shown } = await call("check_media_buy_status", buy);
      const words = detail ? `${created.buy} is ${status}: ${detail}` : `${created.buy} is ${status}`;
      if (words !== said) console.log(`${po}: ${(said = words)}`);
      if (status === "active" || status === "completed") return true;
      if (status === "failed") throw new Refused("failed", detail);
      const rejected = shown.find((creative: Json) => creative.status === "rejected");
      if (rejected) throw new Refused("rejected", `${rejected.creative_id}: ${rejected.review_feedback}`);
    });
    const day = (moment: number) => new Date(moment).toISOString().slice(0, 10);
    const period = { start_date: day(created.preparedAt), end_date: day(Date.now()) };
    const { totals, currency, as_of } = await until(po, created.buy, () => call("get_media_buy_delivery", { ...buy, ...period }));
    console.log(`${po}: delivered ${totals.impressions} impressions, ${totals.spend} ${currency} spent, as of ${as_of}`);
    return 0;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StillWaiting)) throw error;
    console.log(`${po}: ${error instanceof Refused ? "stopped: " : ""}${error.message}`);
    return error instanceof Refused ? 1 : 75;
  }
}

const receiver = createServer(async (request, response) => {
  try {
    const parts: Buffer[] = [];
    let size = 0;
    for await (const part of request) {
      if ((size += part.length) > 65_536) throw new Error("too long"); // events have a few hundred bytes
      parts.push(part);
    }
    // Checks the signature, and that the timestamp is not older than five minutes.
    const event = new Webhook(process.env.WEBHOOK_SECRET!).verify(Buffer.concat(parts), request.headers as Record<string, string>) as Json;
    const id = request.headers["webhook-id"] as string;
    if (!(id in state.events)) { // one that came before is confirmed and ignored
      console.log(`webhook ${event.type} (${id})`);
      waiting.get(event.data.media_buy_id)?.();
    }
    const recent = Object.entries(state.events).filter(([, at]) => Date.now() - at < EVENTS_KEPT);
    state.events = { ...Object.fromEntries(recent), [id]: state.events[id] ?? Date.now() };
    save();
    response.writeHead(204).end();
  } catch (error) {
    response.writeHead(401).end(`not a webhook of ours: ${error}\n`);
  }
});
if (process.env.WEBHOOK_SECRET) {
  const [, host, port] = options.webhooks.match(/^(.*):(\d+)$/)!;
  await new Promise<void>((listening) => receiver.listen(Number(port), host, listening));
  console.log(`webhooks are received at http://${host}:${(receiver.address() as AddressInfo).port}/`);
}
const codes = await Promise.all(files.map((file) => carryOut(JSON.parse(readFileSync(file, "utf8")))));
receiver.close();
receiver.closeAllConnections();
process.exitCode = Math.max(0, ...codes);
