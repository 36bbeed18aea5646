/** Signpost's API: one function for each request. */
import { Api, inChunks, pages, seen, segment } from 'flightdeck-adapter';

/** The most lines in one query, and the most days of one report. */
const MAX_LINES = 50;
const MAX_DAYS = 92;
const DAY = 86_400_000;

export class Signpost {
  #api;

  constructor(endpoint) {
    this.#api = new Api(endpoint, ({ errors: [error] }) => ({ code: error.code, message: error.message }));
  }

  // ---- orders ----

  createOrder(fields, reference) {
    return this.#create('/v1/orders', fields, reference);
  }

  changeOrder(id, fields) {
    this.#api.patch(`/v1/orders/${segment(id)}`, fields);
  }

  /** All orders with a reference. */
  ordersWith(reference) {
    const list = this.#list('/v1/orders', { external_ref: reference });
    return list.map((order) => found(order, order.state !== 'archived'));
  }

  /** The ids of all orders of a media buy that are not archived. */
  ordersOf(advertiserId, mediaBuyId) {
    const list = this.#list('/v1/orders', { advertiser_id: advertiserId });
    return list.filter(({ memo, state }) => memo === mediaBuyId && state !== 'archived').map(({ id }) => id);
  }

  // ---- lines ----

  createLine(orderId, fields, reference) {
    return this.#create(`/v1/orders/${segment(orderId)}/lines`, fields, reference);
  }

  changeLine(id, fields) {
    this.#api.patch(`/v1/lines/${segment(id)}`, fields);
  }

  linesWith(orderId, reference) {
    const list = this.#list(`/v1/orders/${segment(orderId)}/lines`, { external_ref: reference });
    return list.map((line) => found(line, line.active && line.state !== 'archived'));
  }

  // ---- creatives ----

  createCreative(fields, reference) {
    return this.#create('/v1/creatives', fields, reference);
  }

  changeCreative(id, fields) {
    this.#api.patch(`/v1/creatives/${segment(id)}`, fields);
  }

  creativesWith(reference) {
    return this.#list('/v1/creatives', { external_ref: reference }).map((creative) => found(creative, creative.active));
  }

  /** Assigns a creative to a line. Signpost keeps one assignment of each, so a repeat changes nothing. */
  assign(lineId, creativeId) {
    return this.#api.post(`/v1/lines/${segment(lineId)}/creatives`, { creative_id: creativeId }).id;
  }

  /** Ends the assignments of a creative in a line. */
  unassign(lineId, creativeId) {
    const list = this.#list(`/v1/lines/${segment(lineId)}/creatives`);
    for (const { id } of list.filter((one) => one.creative_id === creativeId && one.active)) {
      this.#api.patch(`/v1/assignments/${segment(id)}`, { active: false });
    }
  }

  // ---- reading ----

  /** The state of each line, by id. A line that is gone is not in the map. */
  status(lineIds) {
    const read = (ids) => this.#api.get('/v1/status', { line_ids: ids.join(',') }).lines;
    return new Map(
      inChunks(lineIds, MAX_LINES)
        .flatMap(read)
        .map((line) => [line.line_id, line]),
    );
  }

  /** What lines delivered by day, and until when it was counted. */
  report(lineIds, first, last) {
    const rows = [];
    let asOf = null;
    for (const [from, to] of ranges(first, last)) {
      for (const ids of inChunks(lineIds, MAX_LINES)) {
        const report = this.#api.get('/v1/report', { from, to, line_ids: ids.join(',') });
        rows.push(...report.rows);
        asOf = report.as_of;
      }
    }
    return { rows, asOf };
  }

  #create(path, fields, reference) {
    return this.#api.post(path, { ...fields, external_ref: reference }).id;
  }

  #list(path, query = {}) {
    return pages((cursor) => {
      const { items, next_cursor: next } = this.#api.get(path, { ...query, cursor });
      return { items, next };
    });
  }
}

function found({ id, name, created_at: madeAt }, active) {
  return seen(id, { name, active, madeAt });
}

/** Splits a range of days into ranges that one report takes. */
function ranges(first, last) {
  const days = [];
  for (let day = Date.parse(first); day <= Date.parse(last); day += DAY)
    days.push(new Date(day).toISOString().slice(0, 10));
  return inChunks(days, MAX_DAYS).map((part) => [part[0], part[part.length - 1]]);
}
