/**
 * A host for tests. It keeps steps like the real one, refuses what the real one refuses, and can
 * interrupt a call at every point at which a crash makes a difference:
 *
 *     for (let point = 1; ; point += 1) {
 *       const host = new FakeHost(platform);
 *       host.crashAt(point);
 *       const survived = host.run(() => adServer.createMediaBuy(ctx, buy)) !== CRASHED;
 *       host.run(() => adServer.createMediaBuy(ctx, buy));
 *       // count what was made on the platform
 *       if (survived) break;
 *     }
 */
import { NoAnswer, useHost } from './host.js';

/** What `run` returns for a call that was interrupted. */
export const CRASHED = Symbol('crashed');

class Crash extends Error {}

export class FakeHost {
  /** What `remember` recorded. @type {{kind: {tag: string}, key: string, id: string}[]} */
  remote = [];
  /** Every request, as `POST /v1/orders`. @type {string[]} */
  requests = [];
  /** The clock of the cache, in seconds. */
  now = 0;
  #steps = new Map();
  #cache = new Map();
  #respond;
  #open = null;
  #used = new Set();
  #points = 0;
  #crashAt = 0;
  #references = 0;

  /**
   * @param {(method: string, path: string, body: any) => {status: number, body?: any, headers?: [string, string][]}}
   *   respond The platform: acts on a request and returns its answer.
   */
  constructor(respond) {
    this.#respond = respond;
  }

  /** Interrupts the next call at its n-th point: a lost request, a lost answer, or before a step's end. */
  crashAt(point) {
    this.#crashAt = point;
    this.#points = 0;
  }

  /** Runs one call on this host. A crash is returned, a failure is thrown. */
  run(call) {
    useHost(this.#interface());
    this.#open = null;
    this.#used.clear();
    try {
      return call();
    } catch (error) {
      if (error instanceof Crash) return CRASHED;
      throw error;
    } finally {
      this.#crashAt = 0;
      useHost(null);
    }
  }

  /** A step as `find-made` receives it. */
  madeStep(name) {
    return { name, reference: this.#steps.get(name).reference, extensions: [] };
  }

  /** Puts a step that was done in doubt, as the host does when it asks for values to be set again. */
  doubt(name) {
    this.#steps.get(name).state = 'in-doubt';
  }

  #point() {
    this.#points += 1;
    if (this.#points === this.#crashAt) throw new Crash();
  }

  #interface() {
    return {
      begin: (name) => this.#begin(name),
      absent: (name) => {
        const step = this.#opened(name);
        if (step.state !== 'in-doubt') throw new Error(`${name} was not in doubt`);
        step.state = 'fresh';
      },
      finish: (name, outcome) => {
        const step = this.#opened(name);
        this.#point();
        Object.assign(step, { state: 'done', outcome });
        this.#open = null;
      },
      remember: (object) => {
        this.#forget(object);
        this.remote.push(object);
      },
      forget: (object) => this.#forget(object),
      cached: (key) => {
        const known = this.#cache.get(key);
        return known && known.until > this.now ? known.value : undefined;
      },
      cache: (key, value, seconds) => this.#cache.set(key, { value, until: this.now + seconds }),
      send: (request) => this.#send(request),
    };
  }

  #begin(name) {
    if (this.#open) throw new Error(`${name} begins while ${this.#open} is open`);
    if (this.#used.has(name)) throw new Error(`${name} begins twice`);
    if (!this.#steps.has(name)) {
      this.#references += 1;
      this.#steps.set(name, { reference: `ref${this.#references}`, state: 'fresh' });
    }
    this.#used.add(name);
    this.#open = name;
    const { state, reference, outcome } = this.#steps.get(name);
    if (state === 'done') {
      this.#open = null;
      return { tag: 'done', val: outcome };
    }
    return { tag: state, val: reference };
  }

  #opened(name) {
    if (this.#open !== name) throw new Error(`${name} is not open`);
    return this.#steps.get(name);
  }

  #forget({ kind, key }) {
    this.remote = this.remote.filter((known) => known.kind.tag !== kind.tag || known.key !== key);
  }

  #send({ method, url, body }) {
    const path = url.replace(/^https?:\/\/[^/]+/, '');
    this.requests.push(`${method} ${path.split('?')[0]}`);
    const writes = method !== 'GET';
    const step = writes ? this.#opened(this.#open ?? `a step for ${method} ${path}`) : null;
    if (step) {
      step.state = 'in-doubt';
      this.#point();
    }
    const answer = this.#respond(method, path, body === null ? null : JSON.parse(body));
    if (!answer) throw new NoAnswer('the connection was closed');
    if (step) {
      this.#point();
      if (answer.status >= 400 && answer.status < 500) step.state = 'fresh';
    }
    const text = answer.body === undefined ? '' : JSON.stringify(answer.body);
    return { status: answer.status, headers: answer.headers ?? [], body: text };
  }
}
