/**
 * Failures: what went wrong, and therefore what the host does next. Throw one to end the call.
 */

/** The most characters of a platform's own words that are passed on. */
const WORDS_LIMIT = 500;

/** The kinds that neither a retry nor a person's decision changes. */
const FINAL = ['invalid', 'unsupported', 'rejected', 'not-found'];

/** A failure of the contract. It extends `Error` for its stack in tests. */
export class Failure extends Error {
  /**
   * @param {string} kind A case of the contract's `failure-kind`, such as `not-found`.
   * @param {string} code A stable lower-case word.
   * @param {string} message A sentence that says what to do next.
   */
  constructor(kind, code, message, { items = [], retryAfterMs = null, platform = null } = {}) {
    super(message);
    Object.assign(this, { kind, code, items, retryAfterMs, platform });
  }

  /** Adds the platform's own words. */
  said(status, code, words) {
    this.platform = {
      status,
      code: String(code ?? '').slice(0, 200),
      message: String(words ?? '').slice(0, WORDS_LIMIT),
    };
    return this;
  }

  /** Whether the failure is final, so that a step may record it. */
  get isFinal() {
    return FINAL.includes(this.kind);
  }

  /** The contract's record. It also is what a step records of a refusal. */
  get record() {
    const { kind, code, message, items, retryAfterMs, platform } = this;
    return { kind, code, message, items, retryAfterMs, platform, extensions: [] };
  }

  /** A failure from its record. */
  static of({ kind, code, message, items, retryAfterMs, platform }) {
    return new Failure(kind, code, message, { items, retryAfterMs, platform });
  }
}

const constructor = (kind) => (code, message) => new Failure(kind, code, message);

/** The request makes no sense for this platform. */
export const invalid = constructor('invalid');
/** The platform can't do what the request asks for. */
export const unsupported = constructor('unsupported');
/** The account lacks a permission; the operation waits. */
export const permission = constructor('permission');
/** The platform refused for good. */
export const rejected = constructor('rejected');
/** The request may succeed later. */
export const unavailable = constructor('unavailable');
/** The object of the change is not on the platform. */
export const notFound = constructor('not-found');

/** A JSON pointer into the buyer's request (RFC 6901): `pointer('packages', 'news', 'pacing')`. */
export function pointer(...segments) {
  return segments.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The buyer's word for a case of a variant: `front_loaded` for `front-loaded`. */
export function word({ tag, val }) {
  return tag === 'other' ? val : tag.replaceAll('-', '_');
}

/** Collects everything that is wrong with a request, so that a buyer sees all of it at once. */
export class Problems {
  #items = [];

  /** Adds something that the platform can't do. `field` is a JSON pointer into the request. */
  unsupported(code, field, value, message, supported = []) {
    this.#add('unsupported', code, field, value, message, supported);
  }

  /** Adds something that makes no sense. */
  invalid(code, field, value, message) {
    this.#add('invalid', code, field, value, message, []);
  }

  #add(kind, code, field, value, message, supported) {
    this.#items.push({ kind, code, item: { field, value: String(value), message, supported, extensions: [] } });
  }

  /**
   * Drops the problems that `accepted` has too. For updates: an adapter may have become stricter since it accepted a
   * buy, and that buy must still be pausable.
   */
  leaveOut(accepted) {
    const same = (one) => (other) =>
      one.code === other.code && one.item.field === other.item.field && one.item.value === other.item.value;
    this.#items = this.#items.filter((one) => !accepted.#items.some(same(one)));
  }

  /** Throws one failure with every problem, if there is any. */
  check() {
    const first = this.#items[0];
    if (!first) return;
    const any = this.#items.some(({ kind }) => kind === 'unsupported');
    const agreed = this.#items.every(({ code }) => code === first.code);
    const kind = any ? 'unsupported' : first.kind;
    const count = this.#items.length;
    const message =
      count === 1 ? first.item.message : `${count} things can't be done as asked; the first: ${first.item.message}`;
    throw new Failure(kind, agreed ? first.code : kind, message, { items: this.#items.map(({ item }) => item) });
  }
}
