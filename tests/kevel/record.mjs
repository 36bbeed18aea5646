// Plays with Kevel's own client the life of a buy that our adapter plays, and writes down what the client puts on the wire.
//
// The client is `@adzerk/management-sdk`, and takes Kevel's OpenAPI documents. It is in no registry, so this is run by hand, against
// an emulator, when one of the two has a new release; `witness.json` beside this file is what it wrote, and a test of the adapter
// compares its own requests with that. README.md says where the client comes from, and how this is run.
//
// The client talks through a listener, which notes each request as it arrives and passes it on.

import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { resolve } from "node:path";

const [sdk, documents, emulator, output] = process.argv.slice(2);
if (!output) {
  console.error("usage: node record.mjs CLIENT DOCUMENTS http://127.0.0.1:9101 witness.json");
  process.exit(2);
}
const { buildClient, fetchSpecifications, buildFullSpecificationList } = createRequire(import.meta.url)(resolve(sdk));

const heard = [];
const warnings = [];
let part = "";

async function passOn(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const headers = { "X-Adzerk-ApiKey": request.headers["x-adzerk-apikey"] };
  if (text) headers["content-type"] = request.headers["content-type"];
  const answer = await fetch(emulator + request.url, { method: request.method, headers, body: text || undefined });
  const body = await answer.text();
  if (answer.status >= 300) console.error(request.method, request.url, text, answer.status, body);
  const type = text ? { "content-type": request.headers["content-type"] } : {};
  heard.push({ part, method: request.method, path: request.url, ...type, body: text ? JSON.parse(text) : null });
  response.writeHead(answer.status, { "content-type": "application/json" }).end(body);
}

// The client knows no `allOf`: it would send the names of such an object's fields as a caller writes them, in camel case. So what
// is in it is moved into the object, which means the same. Its own check of what is sent takes a field that is left out for null,
// so each may be null for it, and the objects that it can't do without are not there: Kevel is the one to refuse.
function prepare(node, seen = new Set()) {
  if (typeof node !== "object" || node === null || seen.has(node)) return;
  seen.add(node);
  for (const inner of Object.values(node)) prepare(inner, seen);
  for (const part of Array.isArray(node.allOf) ? node.allOf : []) {
    node.type ??= part.type;
    node.properties = { ...node.properties, ...part.properties };
  }
  delete node.allOf;
  for (const name of ["BehavioralTargeting", "AttributionSettings"]) delete node.properties?.[name];
  for (const property of Object.values(node.properties ?? {})) property.nullable = true;
}

async function clock(now) {
  await fetch(`${emulator}/__control/clock`, { method: "PUT", body: JSON.stringify({ now }) });
}

const custom = (facts) => JSON.stringify({ flightdeck: facts });
const created = "2026-12-01T00:00:00Z";

async function play(run) {
  await clock("2026-11-01T00:00:00Z");
  part = "create";
  const campaign = await run("campaign", "create", {
    advertiserId: 1001,
    name: "Spring [fd2x0001]",
    isActive: true,
    capType: 4,
    dailyCapAmount: 1000,
    customFieldsJson: custom({ media_buy_id: "kevel_12345", po_number: "PO-2024-001", reference: "fd2x0001" }),
  });
  const common = {
    campaignId: campaign.id,
    startDateIso: created,
    endDateIso: "2026-12-30T23:59:59Z",
    isActive: true,
    priorityId: 3002,
    rateType: 2,
    price: 12.5,
  };
  const news = await run("flight", "create", {
    ...common,
    name: "Package news [fd2x0002]",
    goalType: 1,
    impressions: 1000000,
    capType: 4,
    dailyCapAmountDecimal: 500,
    lifetimeCapAmountDecimal: 12500,
    isFreqCap: true,
    freqCap: 1,
    freqCapDuration: 7,
    freqCapType: 2,
    customTargeting:
      '($device.formFactor contains "mobile" or $device.formFactor contains "desktop") and not ($location.city = "Los Angeles" and ' +
      '$location.countryCode = "US" and $location.regionCode = "CA") and ($language like "en*")',
    timeZone: "America/New_York",
    geoTargeting: [
      { countryCode: "US", region: "CA", isExclude: false },
      { countryCode: "US", region: "NY", isExclude: false },
      { countryCode: "US", metroCode: 501, isExclude: true },
    ],
    customFieldsJson: custom({ media_buy_id: "kevel_12345", package_id: "news", reference: "fd2x0002" }),
  });
  for (const [startTime, endTime, weekDays] of [
    ["06:00:00", "10:00:00", ["MO", "FR"]],
    ["18:00:00", "00:00:00", ["SU"]],
  ]) {
    await run("dayPart", "create", { flightId: news.id, startTime, endTime, weekDays });
  }
  const sports = await run("flight", "create", {
    ...common,
    name: "Package sports [fd2x0005]",
    goalType: 2,
    impressions: 100,
    capType: 1,
    lifetimeCapAmount: 1000000,
    isFreqCap: false,
    keywords: "sport\nlive game",
    siteZoneTargeting: [{ siteId: 2002 }],
    customFieldsJson: custom({ media_buy_id: "kevel_12345", package_id: "sports", reference: "fd2x0005" }),
  });

  part = "upload";
  await run("adType", "list", { page: 1, pageSize: 200 });
  const creative = (title, adTypeId, fields) =>
    run("creative", "create", {
      advertiserId: 1001,
      title,
      adTypeId,
      isActive: true,
      url: "https://example.com/landing",
      ...fields,
    });
  const banner = await creative("Creative banner [fd3x0001]", 5, {
    imageLink: "https://cdn.example.com/banner.jpg",
    alt: "Creative banner",
  });
  const spot = await creative("Creative spot [fd3x0002]", 163, {
    templateId: 5002,
    templateValues: JSON.stringify({
      ctMediaFile: "https://cdn.example.com/spot.mp4",
      ctMediaType: "video/mp4",
      ctDuration: "00:00:15",
      ctClickThrough: "https://example.com/landing",
    }),
  });
  const native = await creative("Creative native [fd3x0003]", 240, {
    templateId: 5001,
    templateValues: JSON.stringify({
      ctHeadline: "Hi",
      ctImage: "https://cdn.example.com/i.png",
      ctLink: "https://example.com",
    }),
  });
  let at = 4;
  for (const [flight, made] of [
    [news, banner],
    [sports, spot],
    [news, native],
    [sports, native],
  ]) {
    await run("ad", "create", {
      flightId: flight.id,
      creative: { id: made.id },
      isActive: true,
      externalMetadata: custom({ reference: `fd3x000${at++}` }),
    });
  }

  part = "status";
  await clock("2026-12-04T00:00:00Z");
  await run("campaign", "get", { id: campaign.id });
  await run("flight", "listForCampaign", { campaignId: campaign.id });
  await run("realTimeReport", "bulk", { flights: [news.id, sports.id] });

  part = "change";
  const days = { startDateIso: created, endDateIso: "2026-12-30T23:59:59Z" };
  await run("flight", "update", { id: news.id, price: 14.25, ...days });
  const later = { ...days, endDateIso: "2027-01-09T23:59:59Z" };
  const caps = { capType: 1, dailyCapAmount: null, lifetimeCapAmount: 2000000 };
  await run("flight", "update", { id: sports.id, ...caps, ...later });

  part = "pause";
  await run("campaign", "update", { id: campaign.id, isActive: false });
  part = "resume";
  await run("campaign", "update", { id: campaign.id, isActive: true });

  part = "report";
  const report = await run("queuedReport", "create", {
    startDateIso: created,
    endDateIso: "2026-12-03T00:00:00Z",
    groupBy: ["day", "flightId"],
    parameters: [{ campaignId: campaign.id }],
    timeZone: "UTC",
  });
  for (let done = false; !done; ) {
    const answer = await run("queuedReport", "poll", { id: report.id });
    done = answer.status === 2;
  }

  part = "cancel";
  const over = { isActive: false, isArchived: true };
  await run("flight", "update", { id: news.id, ...over, ...days });
  await run("flight", "update", { id: sports.id, ...over, ...later });
  await run("campaign", "update", { id: campaign.id, ...over });
}

// The client writes times in its own zone. UTC, so that they can be compared.
process.env.TZ = "UTC";
const listener = createServer((request, response) =>
  passOn(request, response).catch((error) => response.writeHead(500).end(String(error))),
);
listener.listen(0, "127.0.0.1", async () => {
  try {
    const basePath = resolve(documents);
    const specifications = await fetchSpecifications(buildFullSpecificationList({ basePath }));
    prepare(specifications);
    const client = await buildClient({
      apiKey: "demo-key",
      specifications,
      protocol: "http",
      host: "127.0.0.1",
      port: listener.address().port,
      logger: (level, message, facts) => {
        if (level === "warn") warnings.push(`${part}: ${facts?.schema}.${facts?.operation}: ${message}`);
        if (level === "error") console.error(part, message, facts);
      },
    });
    await play((...call) => client.run(...call));
    if (warnings.length > 0) throw new Error(warnings.join("\n"));
    const lines = heard.map((request) => `  ${JSON.stringify(request)}`);
    writeFileSync(output, `[\n${lines.join(",\n")}\n]\n`);
    console.log(`${heard.length} requests are in ${output}`);
  } catch (error) {
    console.error(error);
    console.error(warnings);
    process.exitCode = 1;
  }
  listener.close();
  listener.closeAllConnections();
});
