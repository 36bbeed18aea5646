/** Records of the contract that every adapter returns. */
import { inOrder } from './step.js';

/** The result of a change that takes effect now. */
export const outcome = (...notes) => ({ effective: null, notes, extensions: [] });

/** The id under which an object of the buy is remembered; undefined if it is not. */
export function idOf(remote, kind, key = '') {
  return remote.find((object) => object.kind.tag === kind && object.key === key)?.id;
}

/** The status of a creative after an upload. */
export function assetStatus(creativeId, state, remoteId = null, feedback = null) {
  return { creativeId, state: { tag: state }, remoteId, feedback, extensions: [] };
}

const PRECEDENCE = [
  'delivering',
  'pending-approval',
  'awaiting-creatives',
  'scheduled',
  'paused',
  'completed',
  'canceled',
  'missing',
];

/** The state of a buy: the first of these that any of its packages is in. */
export function buyState(packages) {
  const tag = PRECEDENCE.find((state) => packages.some((one) => one.state.tag === state));
  return tag ? { tag } : (packages[0]?.state ?? { tag: 'missing' });
}

/** Splits a list into parts of at most `size`, for requests that take so many ids. */
export function inChunks(list, size) {
  const chunks = [];
  for (let at = 0; at < list.length; at += size) chunks.push(list.slice(at, at + size));
  return chunks;
}

/** What `find-made` returns for what a step's own lookup has seen. */
export function madeObjects(list, remoteType, kind, key) {
  return inOrder(list).map(({ id, name, active, madeAt }) => ({
    object: { kind: { tag: kind }, key, id },
    remoteType,
    name,
    active,
    madeAt,
    extensions: [],
  }));
}
