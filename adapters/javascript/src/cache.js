/**
 * Values that outlive a call: a report that took minutes and serves many buys, or the network's time
 * zone. The host may drop a value at any time. The values are shared by all buyers of the platform:
 * the key must tell apart what must not be mixed. `plan` has no cache.
 */
import { host } from './host.js';
import { decode, encode } from './text.js';

/** The most bytes of a value. A larger one is not kept. */
const VALUE_BYTES = 4 * 1024 * 1024;

/**
 * Returns the value under `key`, or makes it and keeps it for at most so many seconds. The value is
 * kept as JSON.
 *
 * @template T
 * @param {string} key 1 to 200 bytes.
 * @param {number} seconds
 * @param {() => T} make
 * @returns {T}
 */
export function kept(key, seconds, make) {
  const known = host().cached(key);
  if (known) return JSON.parse(decode(known));
  const made = make();
  const bytes = encode(JSON.stringify(made));
  if (bytes.length <= VALUE_BYTES) host().cache(key, bytes, seconds);
  return made;
}
