/**
 * Helpers for flightdeck adapters in JavaScript. They do what the Rust SDK does, with the same
 * names: what you learn in one language holds in the others.
 *
 * - `step.js`: a change made exactly once, even across crashes: `step(name).find(…).create(…)`.
 * - `failure.js`: constructors of failures, and `Problems`, which collects everything that is wrong.
 * - `http.js`: a JSON client. An unsuccessful answer is thrown as a failure of the right kind.
 * - `cache.js`: values that outlive a call.
 * - `plan.js`: the planned changes that a reviewer reads.
 * - `text.js`: UTF-8.
 * - `money.js`: micros and decimal text, without floats.
 * - `answers.js`: outcomes, and the states of buys.
 * - `adapter.js`: the object that a component exports.
 * - `host.js`: what the host offers; `testing.js` has a stand-in for tests.
 *
 * QuickJS, the engine inside the component, has no `fetch`, `console`, `URL` or `TextEncoder`. An
 * exception that is no failure ends the call; its message and stack are in the host's log.
 */
export { step, stepName, seen, inOrder } from './step.js';
export {
  Failure,
  Problems,
  invalid,
  notFound,
  permission,
  pointer,
  rejected,
  unavailable,
  unsupported,
  word,
} from './failure.js';
export { Api, pages, segment } from './http.js';
export { kept } from './cache.js';
export { Plan, changedFields } from './plan.js';
export { decimal, micros } from './money.js';
export { outcome, buyState, assetStatus, inChunks, idOf, madeObjects } from './answers.js';
export { adapter } from './adapter.js';
