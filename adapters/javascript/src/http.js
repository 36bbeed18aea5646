/**
 * A small JSON client for a platform's API. The host adds the credentials after a request has left
 * the component. The client does not retry and follows no redirect. An unsuccessful answer is thrown:
 *
 * | answer | failure |
 * |---|---|
 * | 3xx | `rejected`, code `redirected` |
 * | 401, 403 | `permission` |
 * | 404, 410 | `not-found` |
 * | 408, 425, 429, 5xx, none | `unavailable`, with the delay of `Retry-After` |
 * | any other 4xx | `rejected` |
 */
import { Failure, unavailable } from './failure.js';
import { NoAnswer, host } from './host.js';

const MEANS = {
  permission: 'the account may not do this',
  'not-found': 'there is no such thing',
  unavailable: 'it asks to wait or has a problem of its own',
  rejected: 'it refused',
};

/** The segment of a path, percent-encoded. */
export const segment = (text) => encodeURIComponent(text);

export class Api {
  #endpoint;
  #explain;

  /**
   * @param {string} endpoint `ctx.endpoint`.
   * @param {(body: any) => {code?: string, message?: string}} explain Reads the platform's own code and
   *   words from the JSON body of a refusal.
   */
  constructor(endpoint, explain = () => ({})) {
    this.#endpoint = endpoint.replace(/\/+$/, '');
    this.#explain = explain;
  }

  /** @param {Record<string, unknown>} query Parameters; those without a value are left out. */
  get(path, query = {}) {
    const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
    const text = pairs.map(([name, value]) => `${segment(name)}=${segment(String(value))}`).join('&');
    return this.#send('GET', text ? `${path}?${text}` : path, null);
  }

  post(path, body) {
    return this.#send('POST', path, body);
  }

  patch(path, body) {
    return this.#send('PATCH', path, body);
  }

  put(path, body) {
    return this.#send('PUT', path, body);
  }

  delete(path) {
    return this.#send('DELETE', path, null);
  }

  #send(method, path, body) {
    const what = `${method} ${path.split('?')[0]}`;
    const headers = [['accept', 'application/json']];
    if (body !== null) headers.push(['content-type', 'application/json']);
    const text = body === null ? null : JSON.stringify(body);
    let answer;
    try {
      answer = host().send({ method, url: `${this.#endpoint}${path}`, headers, body: text });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      // The platform never saw a denied request, so a step must not record it as a refusal.
      if (error.denied) throw unavailable('egress_refused', `flightdeck did not let ${what} out: ${error.message}.`);
      throw unavailable('no_answer', `The platform did not answer ${what}: ${error.message}.`);
    }
    if (answer.status >= 200 && answer.status < 300) return this.#parse(what, answer);
    throw this.#failure(what, answer);
  }

  #parse(what, { status, body }) {
    // Nothing to tell. Any other answer without a body is one that got lost on its way: the ad server
    // may have acted, and the step stays in doubt.
    if (status === 204 || status === 205) return null;
    if (body === '') throw unavailable('unreadable_answer', `The answer to ${what} has no body.`).said(status, '', '');
    try {
      return JSON.parse(body);
    } catch {
      throw unavailable('unreadable_answer', `The answer to ${what} is not JSON.`).said(status, '', body);
    }
  }

  #failure(what, { status, headers, body }) {
    if (status >= 300 && status < 400) {
      const message = `The platform redirected ${what} (${status}). Redirects are not followed: correct its endpoint.`;
      return new Failure('rejected', 'redirected', message).said(status, '', 'It redirected the request.');
    }
    let kind = 'rejected';
    if (status === 401 || status === 403) kind = 'permission';
    else if (status === 404 || status === 410) kind = 'not-found';
    else if (status === 408 || status === 425 || status === 429 || status >= 500) kind = 'unavailable';
    const { code = '', message = plain(body) } = this.#explained(body);
    const words = message ? ` It said: ${message}` : '';
    const text = `The platform answered ${status} to ${what}: ${MEANS[kind]}.${words}`;
    const failure = new Failure(kind, kind.replace('-', '_'), text).said(status, code, message);
    if (kind === 'unavailable') failure.retryAfterMs = delay(headers);
    return failure;
  }

  #explained(body) {
    try {
      return this.#explain(JSON.parse(body)) ?? {};
    } catch {
      // A proxy's page instead of the platform's JSON.
      return {};
    }
  }
}

/** Reads all pages of a list. `read` gets a cursor (null for the first page) and returns {items, next}. */
export function pages(read) {
  const items = [];
  const known = new Set();
  for (let cursor = null; ;) {
    const page = read(cursor);
    items.push(...page.items);
    // The end is where the platform says so: a page without items may have pages after it.
    if (!page.next) return items;
    if (known.has(page.next)) throw unavailable('endless_list', `The platform's list repeats its page ${page.next}.`);
    known.add(page.next);
    cursor = page.next;
  }
}

/** The words of a page, without its tags. */
function plain(body) {
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 300);
}

/** `Retry-After` in milliseconds: seconds, or a date. */
function delay(headers) {
  const text = headers.find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  if (!text) return null;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isSafeInteger(wait) && wait > 0 ? wait : null;
}
