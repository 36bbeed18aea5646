/**
 * What the host offers: the contract's `steps` and `cache`, and HTTP. The component's entry point installs the
 * real one (`component.js`), a test installs `FakeHost`. So an adapter is plain JavaScript, which
 * runs in Node as well.
 *
 * @typedef {object} Host
 * @property {(name: string) => {tag: 'fresh' | 'in-doubt', val: string} | {tag: 'done', val: Uint8Array}} begin
 * @property {(name: string) => void} absent
 * @property {(name: string, outcome: Uint8Array) => void} finish
 * @property {(object: {kind: {tag: string}, key: string, id: string}) => void} remember
 * @property {(object: {kind: {tag: string}, key: string, id: string}) => void} forget
 * @property {(key: string) => Uint8Array | undefined} cached
 * @property {(key: string, value: Uint8Array, seconds: number) => void} cache
 * @property {(request: Request) => Response} send Throws `NoAnswer` if there is no response.
 *
 * @typedef {{method: string, url: string, headers: [string, string][], body: string | null}} Request
 * @typedef {{status: number, headers: [string, string][], body: string}} Response
 */

let current = null;

/** Installs a host. @param {Host | null} host */
export function useHost(host) {
  current = host;
}

/** Returns the installed host. @returns {Host} */
export function host() {
  if (!current)
    throw new Error("no host is installed: import 'flightdeck-adapter/component', or use FakeHost in a test");
  return current;
}

/** The request got no response. `denied` says that the host did not let it out. */
export class NoAnswer extends Error {
  constructor(why, denied = false) {
    super(why);
    this.denied = denied;
  }
}
