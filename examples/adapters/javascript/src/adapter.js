/** The functions of the contract, for Signpost: orders, lines, creatives and their assignments. */
import {
  Plan,
  Problems,
  adapter,
  assetStatus,
  buyState,
  changedFields,
  idOf,
  madeObjects,
  micros,
  notFound,
  outcome,
  rejected,
  seen,
  step,
  stepName,
} from 'flightdeck-adapter';
import { Signpost } from './api.js';
import { describe, translate, translateCreative } from './translate.js';

const STATES = {
  awaiting_creatives: 'awaiting-creatives',
  scheduled: 'scheduled',
  delivering: 'delivering',
  paused: 'paused',
  completed: 'completed',
  archived: 'canceled',
};
/** By how many millionths a package must differ from its baseline before it is worth a word. */
const NOTABLE = 100_000;

// ---- plans ----

function plan(ctx, { tag, val }) {
  switch (tag) {
    case 'create':
      return planCreate(ctx, val);
    case 'add-creatives':
      return planCreatives(ctx, val);
    case 'update':
      return planUpdate(ctx, val);
    case 'cancel':
      return planCancel(ctx, val);
    // Signpost has no performance index: a person is advised, nothing changes.
    default:
      return new Plan().note('Signpost has no performance index. Nothing changes there.').record;
  }
}

function planCreate(ctx, buy) {
  const { order, lines } = possible(ctx, buy);
  const plan = new Plan().create('Order', order.name, order);
  for (const line of lines) plan.create('Line', line.fields.name, line.fields, { packageId: line.packageId });
  return plan.record;
}

/** A translated buy, or a failure with everything that Signpost can't do. */
function possible(ctx, buy) {
  const problems = new Problems();
  const translated = translate(buy, ctx.advertiserId, problems);
  problems.check();
  return translated;
}

function planCreatives(ctx, { assets }) {
  const plan = new Plan();
  for (const creative of assets) {
    const fields = translateCreative(creative, ctx.advertiserId);
    plan.create('Creative', fields.name, fields);
    for (const packageId of creative.packageIds) planAssignment(plan, packageId, creative.creativeId, true);
  }
  return plan.record;
}

function planAssignment(plan, packageId, creativeId, active) {
  const name = `${packageId}/${creativeId}`;
  if (active) plan.associate('Assignment', name, { creative: creativeId }, { packageId });
  else plan.update('Assignment', name, { active: true }, { active: false }, { packageId });
}

function planUpdate(ctx, request) {
  const { order, changes } = differences(ctx, request);
  const plan = new Plan().update('Order', order.after.name, order.before, order.after, {
    remoteId: idOf(ctx.remote, 'order'),
  });
  const planned = new Set();
  for (const { before, after, added, removed } of changes) {
    const ids = { packageId: after.packageId, remoteId: idOf(ctx.remote, 'package', after.packageId) };
    plan.update('Line', after.fields.name, before.fields, after.fields, ids);
    for (const creativeId of added) {
      const creative = request.creatives.find((one) => one.creativeId === creativeId);
      if (!idOf(ctx.remote, 'creative', creativeId) && creative && !planned.has(creativeId)) {
        const fields = translateCreative(creative, ctx.advertiserId);
        plan.create('Creative', fields.name, fields);
        planned.add(creativeId);
      }
      planAssignment(plan, after.packageId, creativeId, true);
    }
    for (const creativeId of removed) planAssignment(plan, after.packageId, creativeId, false);
  }
  return plan.record;
}

function planCancel(ctx, { name }) {
  return new Plan().update('Order', name, {}, { state: 'archived' }, { remoteId: idOf(ctx.remote, 'order') }).record;
}

// ---- creating ----

function createMediaBuy(ctx, buy) {
  const signpost = new Signpost(ctx.endpoint);
  const { order, lines } = possible(ctx, buy);
  const orderId = step('order')
    .remember('order', '')
    .find((reference) => signpost.ordersWith(reference))
    .create((reference) => signpost.createOrder(order, reference));
  for (const line of lines) {
    step(stepName('line', line.packageId))
      .remember('package', line.packageId)
      .find((reference) => signpost.linesWith(orderId, reference))
      .create((reference) => signpost.createLine(orderId, line.fields, reference));
  }
  return outcome();
}

function addCreativeAssets(ctx, { assets }) {
  const signpost = new Signpost(ctx.endpoint);
  const statuses = assets.map((creative) => {
    const uploaded = upload(ctx, signpost, creative);
    if (uploaded.refused) return refusedAsset(creative, uploaded.refused);
    const refused = creative.packageIds
      .map((packageId) => assign(ctx, signpost, packageId, creative.creativeId, uploaded.ok))
      .find(Boolean);
    return refused
      ? refusedAsset(creative, refused, uploaded.ok)
      : assetStatus(creative.creativeId, 'approved', uploaded.ok);
  });
  return { assets: statuses, notes: [], extensions: [] };
}

const refusedAsset = ({ creativeId }, { platform, message }, id = null) =>
  assetStatus(creativeId, 'rejected', id, platform?.message || message);

/** Uploads a creative once. The step runs whether or not the creative is known: steps must not differ from run to run. */
function upload(ctx, signpost, creative) {
  const known = idOf(ctx.remote, 'creative', creative.creativeId);
  return step(stepName('creative', creative.creativeId))
    .remember('creative', creative.creativeId)
    .find((reference) => (known ? [seen(known)] : signpost.creativesWith(reference)))
    .tryCreate(
      (reference) => known ?? signpost.createCreative(translateCreative(creative, ctx.advertiserId), reference),
    );
}

/** Assigns a creative to a package's line. Returns the refusal, if there is one. */
function assign(ctx, signpost, packageId, creativeId, id) {
  return step(stepName('assignment', packageId, creativeId))
    .remember('association', `${packageId}/${creativeId}`)
    .trySet(() => signpost.assign(lineOf(ctx, packageId), id)).refused;
}

function lineOf(ctx, packageId) {
  const id = idOf(ctx.remote, 'package', packageId);
  if (!id)
    throw notFound('line_missing', `The package ${packageId} has no line on Signpost: it was not created there.`);
  return id;
}

// ---- updating ----

function differences(ctx, { current, desired, touched }) {
  const [accepted, problems] = [new Problems(), new Problems()];
  const before = translate(current, ctx.advertiserId, accepted);
  const after = translate(desired, ctx.advertiserId, problems);
  // What is on Signpost was accepted, whatever this release says now: a buy can always be paused.
  problems.leaveOut(accepted);
  problems.check();
  const find = ({ lines }, packageId) => lines.find((line) => line.packageId === packageId);
  const changes = touched.map((packageId) => {
    const [old, next] = [find(before, packageId), find(after, packageId)];
    return {
      before: old,
      after: next,
      added: next.creativeIds.filter((id) => !old.creativeIds.includes(id)),
      removed: old.creativeIds.filter((id) => !next.creativeIds.includes(id)),
    };
  });
  const differs = ({ before: old, after: next, added, removed }) =>
    Object.keys(changedFields(old.fields, next.fields)).length + added.length + removed.length > 0;
  return { order: { before: before.order, after: after.order }, changes: changes.filter(differs) };
}

function updateMediaBuy(ctx, request) {
  const signpost = new Signpost(ctx.endpoint);
  const { order, changes } = differences(ctx, request);
  const renamed = changedFields(order.before, order.after);
  if (Object.keys(renamed).length > 0) {
    step('change/order').set(() => signpost.changeOrder(idOf(ctx.remote, 'order'), renamed));
  }
  const answer = { effective: null, affectedPackages: [], failed: null, notes: [], extensions: [] };
  const uploaded = new Map();
  for (const change of changes) {
    const refused = updatePackage(ctx, signpost, request, change, uploaded);
    if (refused) {
      answer.failed = { packageId: change.after.packageId, failure: refused.record };
      break;
    }
    answer.affectedPackages.push(change.after.packageId);
  }
  return answer;
}

/** Changes one package. Returns the first refusal, if there is one. */
function updatePackage(ctx, signpost, request, { before, after, added, removed }, uploaded) {
  const { packageId } = after;
  const fields = changedFields(before.fields, after.fields);
  if (Object.keys(fields).length > 0) {
    const { refused } = step(stepName('change/line', packageId)).trySet(() =>
      signpost.changeLine(lineOf(ctx, packageId), fields),
    );
    if (refused) return refused;
  }
  for (const creativeId of added) {
    if (!uploaded.has(creativeId)) {
      const creative = request.creatives.find((one) => one.creativeId === creativeId);
      if (!creative) return notFound('creative_missing', `The buy has no creative ${creativeId}.`);
      uploaded.set(creativeId, upload(ctx, signpost, creative));
    }
    const { ok, refused } = uploaded.get(creativeId);
    const failed = refused ?? assign(ctx, signpost, packageId, creativeId, ok);
    if (failed) return failed;
  }
  for (const creativeId of removed) {
    const { refused } = step(stepName('unassign', packageId, creativeId)).trySet(() => {
      const id = idOf(ctx.remote, 'creative', creativeId);
      if (id) signpost.unassign(lineOf(ctx, packageId), id);
    });
    if (refused) return refused;
  }
  return null;
}

// ---- stopping ----

function cancelMediaBuy(ctx, buy) {
  const signpost = new Signpost(ctx.endpoint);
  const stopped = step('archive').set(() => {
    const known = idOf(ctx.remote, 'order');
    // The answer to the order's request may have been lost, so its id was never learned.
    const orders = known ? [known] : signpost.ordersOf(ctx.advertiserId, buy.mediaBuyId);
    orders.forEach((id) => stop(() => signpost.changeOrder(id, { state: 'archived' })));
    return orders.length;
  });
  return stopped === 0 ? outcome('There was nothing on Signpost.') : outcome();
}

/** Stops an object. One that is gone or archived is stopped already. */
function stop(change) {
  try {
    change();
  } catch (failure) {
    if (failure.kind !== 'not-found' && failure.platform?.code !== 'order_archived') throw failure;
  }
}

function findMade(ctx, { name, reference }) {
  const signpost = new Signpost(ctx.endpoint);
  const [what, key = ''] = [name.split('/')[0], name.split('/').slice(1).join('/')];
  const orderId = idOf(ctx.remote, 'order');
  if (name === 'order') return madeObjects(signpost.ordersWith(reference), 'Order', 'order', '');
  if (what === 'line' && orderId) return madeObjects(signpost.linesWith(orderId, reference), 'Line', 'package', key);
  if (what === 'creative') return madeObjects(signpost.creativesWith(reference), 'Creative', 'creative', key);
  // The other steps make nothing that carries a reference.
  return [];
}

function stopMade(ctx, { object, remoteType }) {
  const signpost = new Signpost(ctx.endpoint);
  const stops = {
    order: () => signpost.changeOrder(object.id, { state: 'archived' }),
    package: () => signpost.changeLine(object.id, { active: false }),
    creative: () => signpost.changeCreative(object.id, { active: false }),
  };
  const change = stops[object.kind.tag];
  if (!change)
    throw rejected(
      'unknown_object',
      `${remoteType} ${object.id} is nothing that this adapter makes. Look at it on Signpost.`,
    );
  step(stepName('stop', remoteType, object.id)).set(() => stop(change));
  return outcome();
}

// ---- reading ----

const packagesOf = ({ remote }) => remote.filter(({ kind }) => kind.tag === 'package');
const linesOf = (buys) => buys.flatMap((buy) => packagesOf(buy).map(({ id }) => id));

function checkStatus(ctx, buys) {
  const lines = new Signpost(ctx.endpoint).status(linesOf(buys));
  return buys.map((buy) => {
    const packages = packagesOf(buy).map(({ key, id }) => {
      const line = lines.get(id);
      const tag = line ? STATES[line.state] : 'missing';
      const state = tag ? { tag } : { tag: 'other', val: line.state };
      return { packageId: key, state, impressionsDelivered: line?.impressions ?? null, extensions: [] };
    });
    const detail = packages
      .filter(({ state }) => state.tag === 'missing')
      .map(({ packageId }) => packageId)
      .join(', ');
    const status = {
      mediaBuyId: buy.mediaBuyId,
      state: buyState(packages),
      detail: detail && `no longer on Signpost: ${detail}`.slice(0, 500),
      packages,
      assets: [],
      extensions: [],
    };
    return { mediaBuyId: buy.mediaBuyId, status: { tag: 'ok', val: status } };
  });
}

function getDelivery(ctx, buys, { first, last }) {
  const { rows, asOf } = new Signpost(ctx.endpoint).report(linesOf(buys), first, last);
  return buys.map((buy) => {
    const delivered = packagesOf(buy).flatMap(({ key, id }) =>
      rows
        .filter((row) => row.line_id === id)
        .map((row) => ({
          packageId: key,
          day: row.day,
          impressions: row.impressions,
          spend: micros(row.spend),
          clicks: row.clicks,
          videoCompletions: null,
          extensions: [],
        })),
    );
    const val = { mediaBuyId: buy.mediaBuyId, rows: delivered, totals: [], asOf, extensions: [] };
    return { mediaBuyId: buy.mediaBuyId, delivery: { tag: 'ok', val } };
  });
}

function applyPerformanceIndex(_ctx, { performance }) {
  const actions = performance.map(({ packageId, performanceIndex }) => {
    const above = performanceIndex > 1_000_000;
    const notable = Math.abs(performanceIndex - 1_000_000) > NOTABLE;
    const action = above ? 'raise_budget' : 'review_creatives';
    const reason = `The package performs ${above ? 'above' : 'below'} its baseline. Signpost has no performance index.`;
    return notable
      ? { packageId, kind: { tag: 'advised' }, action, reason, extensions: [] }
      : {
          packageId,
          kind: { tag: 'unnecessary' },
          action: 'none',
          reason: 'The package performs as expected.',
          extensions: [],
        };
  });
  return { actions, extensions: [] };
}

export const adServer = adapter({
  describe,
  plan,
  createMediaBuy,
  addCreativeAssets,
  updateMediaBuy,
  cancelMediaBuy,
  checkStatus,
  getDelivery,
  applyPerformanceIndex,
  findMade,
  stopMade,
});
