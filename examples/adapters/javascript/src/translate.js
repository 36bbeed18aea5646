/**
 * Translates media buys into Signpost's objects, without network. Plans show these objects,
 * requests send them, and an update is the difference between two of them.
 */
import { Problems, decimal, pointer, word } from 'flightdeck-adapter';

/** Signpost's limits, from its reference. */
const MAX_NAME = 120;
const MAX_GOAL = 1_000_000_000;
const MAX_PIXELS = 10_000;
const MAX_SECONDS = 120;
const PLACES = 4;
const CURRENCIES = ['USD', 'EUR'];
const PACING = { even: 'even', asap: 'asap' };
const DEVICES = ['mobile', 'desktop'];

const support = (dimension, values, note) => ({
  dimension: { tag: dimension },
  operators: ['any-of'],
  values,
  note,
  extensions: [],
});

/** What Signpost can do. It must not depend on anything but this file. */
export function describe() {
  return {
    platform: 'signpost',
    title: 'Signpost',
    adapterVersion: '1.0.0',
    formats: [{ tag: 'image' }, { tag: 'video' }],
    targeting: [support('geo-country', [], 'ISO 3166-1 codes such as US'), support('device-type', DEVICES, '')],
    dayparting: null,
    frequencyCap: null,
    pacing: [{ tag: 'even' }, { tag: 'asap' }],
    priceModels: [{ tag: 'cpm' }],
    updates: [
      'active',
      'total-budget',
      'end-date',
      'targeting',
      'pacing',
      'daily-budget',
      'budget',
      'impressions',
      'price',
      'creative-assignments',
    ].map((tag) => ({ tag })),
    settingsSchema: JSON.stringify({ type: 'object', properties: {}, additionalProperties: false }),
    productSettingsSchema: JSON.stringify({
      type: 'object',
      properties: {
        countries: {
          description: 'Where the product runs, if the buyer does not say. Buyers can choose only among these.',
          type: 'array',
          items: { type: 'string', pattern: '^[A-Z]{2}$' },
        },
      },
      additionalProperties: false,
    }),
    readRequests: [],
    writeRequests: [],
    lookupLagMs: 1000,
    batchSize: 25,
    cancel: { tag: 'stops' },
    deliveryCounting: { tag: 'daily' },
    extensions: [],
  };
}

/** The order and the lines of a buy. Adds everything that Signpost can't do to the problems. */
export function translate(buy, advertiserId, problems) {
  if (!CURRENCIES.includes(buy.currency)) {
    problems.unsupported(
      'unsupported_currency',
      '/currency',
      buy.currency,
      'Signpost sells in USD and EUR.',
      CURRENCIES,
    );
  }
  if (buy.dailyBudget !== null) {
    const message = 'Signpost has daily budgets of lines only: set one in each package.';
    problems.unsupported('unsupported_daily_budget', '/daily_budget', decimal(buy.dailyBudget), message);
  }
  const order = {
    name: short(buy.name),
    advertiser_id: advertiserId,
    currency: buy.currency,
    // At once: a line without a creative delivers nothing, and creatives come later.
    state: 'live',
    // Where a cancel finds an order whose id was never learned.
    memo: buy.mediaBuyId,
  };
  return { order, lines: buy.packages.map((one) => line(buy, one, problems)) };
}

/** The buyer's field for the price: the last part of the pointer of a refusal. */
function priceField(one) {
  const model = word(one.price.model);
  return model === 'flat' ? 'flat_price' : model;
}

function line(buy, one, problems) {
  const at = pointer('packages', one.packageId);
  if (one.price.model.tag !== 'cpm') {
    const message = 'Signpost has prices per thousand impressions only.';
    problems.unsupported('unsupported_price_model', `${at}/${priceField(one)}`, word(one.price.model), message, ['cpm']);
  }
  if (!PACING[one.pacing.tag]) {
    const message = 'Signpost paces evenly or as fast as possible.';
    problems.unsupported('unsupported_pacing', `${at}/pacing`, word(one.pacing), message, Object.keys(PACING));
  }
  if (one.impressions > MAX_GOAL) {
    problems.invalid('goal_too_large', `${at}/impressions`, one.impressions, `A line's goal is at most ${MAX_GOAL}.`);
  }
  if (one.dailyImpressions !== null) {
    const message = 'Signpost caps the budget of a day, not its impressions.';
    problems.unsupported('unsupported_daily_impressions', `${at}/daily_impressions`, one.dailyImpressions, message);
  }
  return {
    packageId: one.packageId,
    creativeIds: one.creativeIds,
    fields: {
      name: short(one.name),
      goal_impressions: one.impressions,
      rate: amount(one.price.rate, `${at}/${priceField(one)}`, problems),
      rate_type: 'cpm',
      start: one.start,
      end: one.end,
      pacing: PACING[one.pacing.tag],
      active: buy.active && one.active,
      daily_budget: one.dailyBudget === null ? null : amount(one.dailyBudget, `${at}/daily_budget`, problems),
      ...targeting(one, at, problems),
    },
  };
}

function amount(micros, field, problems) {
  const text = decimal(micros, PLACES);
  if (text === null) {
    problems.invalid('too_exact', field, decimal(micros), `Signpost's amounts have at most ${PLACES} decimal places.`);
  }
  return text;
}

function targeting(one, at, problems) {
  const { rules, dayparting, frequencyCap, custom } = one.targeting;
  const sold = JSON.parse(one.productSettings).countries ?? [];
  const chosen = { countries: sold, devices: [] };
  const refuse = (name, value, message, supported = []) =>
    problems.unsupported('unsupported_targeting', `${at}/targeting_overlay/${name}`, value, message, supported);
  for (const { dimension, operator, values } of rules) {
    const name = `${word(dimension)}_${word({ tag: operator })}`;
    if (operator !== 'any-of' || !['geo-country', 'device-type'].includes(dimension.tag)) {
      refuse(name, values.join(', '), 'Signpost can only include countries and devices.');
      continue;
    }
    const accepts = dimension.tag === 'device-type' ? DEVICES : sold;
    for (const value of values.filter((value) => accepts.length > 0 && !accepts.includes(value))) {
      refuse(name, value, `This product does not run on or in ${value}.`, accepts);
    }
    chosen[dimension.tag === 'device-type' ? 'devices' : 'countries'] = values;
  }
  if (dayparting) refuse('dayparting', dayparting.timezone, 'Signpost has no day parts.');
  if (frequencyCap) refuse('frequency_cap', frequencyCap.suppressMinutes, 'Signpost has no frequency caps.');
  if (custom) refuse('custom', custom, 'Signpost has no targeting of its own.');
  // Sorted as Signpost keeps them, so that an order of words is no difference.
  return { countries: [...chosen.countries].sort(), devices: [...chosen.devices].sort() };
}

/** A creative as Signpost takes it. Throws a failure that says what is missing. */
export function translateCreative(creative, advertiserId) {
  const problems = new Problems();
  const at = pointer('assets', creative.creativeId);
  const fields = {
    advertiser_id: advertiserId,
    name: short(creative.name),
    format: creative.format.tag,
    url: creative.mediaUrl,
  };
  if (creative.clickUrl !== null) fields.click_url = creative.clickUrl;
  if (!creative.mediaUrl)
    problems.invalid('missing_media_url', `${at}/media_url`, '', 'Signpost needs the URL of the asset.');
  if (creative.format.tag === 'image') {
    for (const side of ['width', 'height']) fields[side] = size(creative[side], `${at}/${side}`, MAX_PIXELS, problems);
  } else if (creative.format.tag === 'video') {
    // Whole seconds: a started second counts.
    const seconds = Math.ceil((creative.durationMs ?? 0) / 1000);
    fields.duration_seconds = size(seconds, `${at}/duration_ms`, MAX_SECONDS, problems);
  } else {
    problems.unsupported(
      'unsupported_format',
      `${at}/format`,
      word(creative.format),
      'Signpost runs images and videos.',
      ['image', 'video'],
    );
  }
  problems.check();
  return fields;
}

function size(value, field, most, problems) {
  if (!value || value > most)
    problems.invalid('invalid_size', field, value ?? '', `Signpost needs a value of 1 to ${most}.`);
  return value;
}

const short = (name) => [...name].slice(0, MAX_NAME).join('');
