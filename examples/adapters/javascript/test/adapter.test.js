import assert from 'node:assert/strict';
import test from 'node:test';
import { CRASHED, FakeHost } from 'flightdeck-adapter/testing';
import { adServer } from '../src/adapter.js';
import { FakeSignpost } from './signpost.js';

const targeting = (rules = []) => ({ rules, dayparting: null, frequencyCap: null, custom: null, extensions: [] });
const countries = (...values) => ({ dimension: { tag: 'geo-country' }, operator: 'any-of', values });

const item = (packageId, changes = {}) => ({
  packageId,
  name: `News ${packageId}`,
  active: true,
  budget: 250_000_000,
  impressions: 20_000,
  price: { model: { tag: 'cpm' }, rate: 12_500_000 },
  pacing: { tag: 'even' },
  dailyBudget: null,
  dailyImpressions: null,
  start: '2026-12-01T00:00:00Z',
  end: '2026-12-31T00:00:00Z',
  targeting: targeting([countries('US', 'CA')]),
  formats: [{ tag: 'image' }],
  creativeIds: [],
  productSettings: '{}',
  extensions: [],
  ...changes,
});

const media = (packages = [item('a'), item('b')], changes = {}) => ({
  mediaBuyId: 'signpost-1',
  name: 'Spring',
  poNumber: null,
  currency: 'USD',
  active: true,
  totalBudget: 500_000_000,
  dailyBudget: null,
  start: '2026-12-01T00:00:00Z',
  end: '2026-12-31T00:00:00Z',
  packages,
  extensions: [],
  ...changes,
});

const banner = (changes = {}) => ({
  creativeId: 'banner',
  name: 'Banner',
  format: { tag: 'image' },
  mediaUrl: 'https://cdn.example.com/b.png',
  clickUrl: null,
  durationMs: null,
  width: 300,
  height: 250,
  templateId: null,
  templateValues: null,
  packageIds: ['a', 'b'],
  extensions: [],
  ...changes,
});

const context = (host) => ({
  operationId: 'op',
  platform: 'signpost',
  settings: '{}',
  endpoint: 'https://signpost.example',
  advertiserId: '701',
  remote: host ? [...host.remote] : [],
  deadline: '2026-12-01T00:00:00Z',
  extensions: [],
});

const house = () => {
  const signpost = new FakeSignpost();
  const host = new FakeHost(signpost.respond);
  const call = (name, ...args) => host.run(() => adServer[name](context(host), ...args));
  return { signpost, host, call };
};

/** A house in which the buy exists. */
const booked = (buy = media()) => {
  const all = house();
  all.call('createMediaBuy', buy);
  return all;
};

const update = (current, desired, creatives = []) => ({
  current,
  desired,
  creatives,
  touched: desired.packages.map(({ packageId }) => packageId),
  extensions: [],
});

const planned = (tag, val) => adServer.plan(context(), { tag, val }).changes;

const failure = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

/** Interrupts a call at every point, runs it again, and checks what is left. */
const atEveryPoint = (prepare, run, check) => {
  for (let point = 1; ; point += 1) {
    const all = prepare();
    all.host.crashAt(point);
    const survived = run(all) !== CRASHED;
    run(all);
    check(all, `point ${point}`);
    if (survived) return assert.ok(point > 2);
  }
};

test('a plan shows the order, its lines, and what they are made of', () => {
  const changes = planned('create', media());
  assert.deepEqual(
    changes.map(({ action, remoteType, packageId }) => [action.tag, remoteType, packageId]),
    [
      ['create', 'Order', null],
      ['create', 'Line', 'a'],
      ['create', 'Line', 'b'],
    ],
  );
  const fields = Object.fromEntries(changes[1].fields.map(({ field, after }) => [field, after]));
  assert.deepEqual([fields.rate, fields.countries, fields.goal_impressions], ['12.50', '["CA","US"]', '20000']);
  assert.deepEqual(planned('create', media()), changes, 'equal input, equal plan');
});

test('everything that is impossible is refused at once, by its field', () => {
  const devices = { dimension: { tag: 'device-type' }, operator: 'none-of', values: ['ctv'] };
  const wrong = item('a', {
    pacing: { tag: 'front-loaded' },
    price: { model: { tag: 'cpc' }, rate: 1_000_001 },
    dailyImpressions: 5,
    targeting: targeting([countries('US'), devices]),
    productSettings: '{"countries":["DE"]}',
  });
  const { kind, items } = failure(() => planned('create', media([wrong], { currency: 'GBP' })));
  assert.equal(kind, 'unsupported');
  assert.deepEqual(
    items.map(({ field }) => field),
    [
      '/currency',
      '/packages/a/cpc',
      '/packages/a/pacing',
      '/packages/a/daily_impressions',
      '/packages/a/cpc',
      '/packages/a/targeting_overlay/geo_country_any_of',
      '/packages/a/targeting_overlay/device_type_none_of',
    ],
  );
  assert.deepEqual([items[2].value, items[5].supported], ['front_loaded', ['DE']]);
});

test('a buy is created once, whatever is lost', () => {
  const run = ({ call }) => call('createMediaBuy', media());
  atEveryPoint(house, run, ({ signpost, host }, point) => {
    const { orders, lines } = signpost.objects;
    assert.deepEqual([orders.length, lines.length, orders[0].state], [1, 2, 'live'], point);
    assert.deepEqual(
      host.remote.map(({ kind, key, id }) => [kind.tag, key, id]),
      [
        ['order', '', orders[0].id],
        ['package', 'a', lines[0].id],
        ['package', 'b', lines[1].id],
      ],
    );
  });
});

test('creatives are uploaded and assigned once, whatever is lost', () => {
  const run = ({ call }) => call('addCreativeAssets', { mediaBuy: media(), assets: [banner()], extensions: [] });
  atEveryPoint(booked, run, ({ signpost }, point) => {
    assert.deepEqual([signpost.objects.creatives.length, signpost.objects.assignments.length], [1, 2], point);
  });
});

test('a creative that is refused is reported, and the others go on', () => {
  const { signpost, call } = booked();
  const assets = [
    banner({ creativeId: 'small', width: 1 }),
    banner({ creativeId: 'audio', format: { tag: 'audio' } }),
    banner(),
  ];
  const statuses = call('addCreativeAssets', { mediaBuy: media(), assets, extensions: [] }).assets;
  assert.deepEqual(
    statuses.map(({ state, feedback }) => [state.tag, feedback]),
    [
      ['rejected', 'width is too small'],
      ['rejected', 'Signpost runs images and videos.'],
      ['approved', null],
    ],
  );
  assert.equal(signpost.objects.creatives.length, 1);
});

test('an update sends the differences, once for each package, whatever is lost', () => {
  const desired = media([item('a', { creativeIds: ['banner'], impressions: 30_000 }), item('b')]);
  const request = update(media(), desired, [banner()]);
  const fields = planned('update', request).map(({ remoteType, fields: [{ field, after }] }) => [
    remoteType,
    field,
    after,
  ]);
  assert.deepEqual(fields, [
    ['Line', 'goal_impressions', '30000'],
    ['Creative', 'advertiser_id', '701'],
    ['Assignment', 'creative', 'banner'],
  ]);
  atEveryPoint(
    booked,
    ({ call }) => call('updateMediaBuy', request),
    ({ signpost, call }, point) => {
      const { lines, creatives, assignments } = signpost.objects;
      assert.deepEqual([lines[0].goal_impressions, lines[1].goal_impressions], [30_000, 20_000], point);
      assert.deepEqual([creatives.length, assignments.length], [1, 1], point);
      assert.deepEqual(call('updateMediaBuy', request).affectedPackages, ['a']);
    },
  );
});

test('a pause is one field of each line, and a creative can be taken away', () => {
  const withBanner = media([item('a', { creativeIds: ['banner'] }), item('b')]);
  const { signpost, host, call } = booked();
  call('addCreativeAssets', { mediaBuy: withBanner, assets: [banner({ packageIds: ['a'] })], extensions: [] });
  host.requests.length = 0;
  const answer = call('updateMediaBuy', update(withBanner, media(undefined, { active: false }), [banner()]));
  assert.deepEqual(answer.affectedPackages, ['a', 'b']);
  assert.deepEqual(
    signpost.objects.lines.map(({ active }) => active),
    [false, false],
  );
  assert.equal(signpost.objects.assignments[0].active, false);
  assert.equal(host.requests.filter((request) => !request.startsWith('GET')).length, 3);
});

test('the first package that is refused ends an update and is named', () => {
  const { signpost, call } = booked();
  signpost.objects.lines = signpost.objects.lines.slice(1);
  const answer = call(
    'updateMediaBuy',
    update(media(), media([item('a', { active: false }), item('b', { active: false })])),
  );
  assert.deepEqual(
    [answer.failed.packageId, answer.failed.failure.kind, answer.affectedPackages],
    ['a', 'not-found', []],
  );
  assert.equal(signpost.objects.lines[0].active, true);
});

test('what was accepted once can be paused, whatever the settings say now', () => {
  const settings = { productSettings: '{"countries":["DE"]}' };
  const { signpost, call } = booked();
  const [current, desired] = [true, false].map((active) =>
    media([item('a', { ...settings, active }), item('b', settings)]),
  );
  assert.deepEqual(call('updateMediaBuy', update(current, desired)).affectedPackages, ['a']);
  assert.equal(signpost.objects.lines[0].active, false);
});

test('values can be set again without creating anything', () => {
  const desired = media([item('a', { creativeIds: ['banner'] }), item('b')]);
  const { signpost, host, call } = booked();
  const request = update(media(), desired, [banner()]);
  call('updateMediaBuy', request);
  ['creative/banner', 'assignment/a/banner'].forEach((name) => host.doubt(name));
  call('updateMediaBuy', request);
  assert.deepEqual([signpost.objects.creatives.length, signpost.objects.assignments.length], [1, 1]);
});

test('a cancel archives the order, even one whose id was never learned', () => {
  for (const forgotten of [false, true]) {
    const { signpost, host, call } = booked();
    if (forgotten) host.remote = [];
    call('cancelMediaBuy', media());
    assert.equal(signpost.objects.orders[0].state, 'archived');
  }
  assert.deepEqual(house().call('cancelMediaBuy', media()).notes, ['There was nothing on Signpost.']);
});

test('the status of many buys is read at once', () => {
  const { signpost, host, call } = booked();
  signpost.objects.lines.pop();
  const buy = {
    mediaBuyId: 'signpost-1',
    advertiserId: '701',
    remote: host.remote,
    start: '',
    end: '',
    extensions: [],
  };
  const [first, second] = call('checkStatus', [buy, { ...buy, mediaBuyId: 'signpost-2', remote: [] }]);
  const { state, detail, packages } = first.status.val;
  assert.deepEqual([state.tag, detail], ['delivering', 'no longer on Signpost: b']);
  assert.deepEqual(
    packages.map((one) => one.impressionsDelivered),
    [250, null],
  );
  assert.equal(second.status.val.state.tag, 'missing');
});

test('delivery comes by day, with exact spend', () => {
  const { host, call } = booked();
  const buy = {
    mediaBuyId: 'signpost-1',
    advertiserId: '701',
    remote: host.remote,
    start: '',
    end: '',
    extensions: [],
  };
  const [{ delivery }] = call('getDelivery', [buy], { first: '2026-12-01', last: '2027-03-03' });
  // 93 days are two reports.
  assert.deepEqual(
    delivery.val.rows.map(({ packageId, day, spend }) => [packageId, day, spend]),
    [
      ['a', '2026-12-01', 2_500_000],
      ['a', '2027-03-03', 2_500_000],
      ['b', '2026-12-01', 2_500_000],
      ['b', '2027-03-03', 2_500_000],
    ],
  );
});

test('everything that a step made is found, and a surplus object is stopped', () => {
  const { signpost, host, call } = booked();
  signpost.objects.lines.push({ ...signpost.objects.lines[0], id: '99' });
  const made = call('findMade', host.madeStep('line/a'));
  assert.deepEqual(
    made.map(({ object }) => [object.key, object.id]),
    [
      ['a', signpost.objects.lines[0].id],
      ['a', '99'],
    ],
  );
  call('stopMade', made[1]);
  assert.deepEqual(
    signpost.objects.lines.map(({ active }) => active),
    [true, true, false],
  );
  assert.deepEqual(call('findMade', { name: 'change/line/a', reference: 'ref1', extensions: [] }), []);
  assert.equal(call('findMade', host.madeStep('order')).length, 1);
});

test('performance is advice for a person', () => {
  const of = (performanceIndex) => ({
    packageId: 'a',
    performanceIndex,
    confidence: null,
    feedback: null,
    extensions: [],
  });
  const update = { mediaBuy: media(), performance: [of(1_200_000), of(1_000_000)], extensions: [] };
  const { actions } = adServer.applyPerformanceIndex(context(), update);
  assert.deepEqual(
    actions.map(({ kind, action }) => [kind.tag, action]),
    [
      ['advised', 'raise_budget'],
      ['unnecessary', 'none'],
    ],
  );
});
