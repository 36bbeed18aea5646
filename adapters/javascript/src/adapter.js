import { Failure } from './failure.js';

const FUNCTIONS = [
  'plan',
  'createMediaBuy',
  'addCreativeAssets',
  'updateMediaBuy',
  'cancelMediaBuy',
  'checkStatus',
  'getDelivery',
  'applyPerformanceIndex',
  'findMade',
  'stopMade',
];

/**
 * Makes the object that a component exports as `adServer`. A thrown `Failure` becomes the contract's
 * record. Everything else is a bug and stays one: the call ends, and the host logs message and stack.
 */
export function adapter(functions) {
  const wrapped = { describe: functions.describe };
  for (const name of FUNCTIONS) {
    const run = functions[name];
    // Said while the component is built, not when a buyer first needs the function.
    if (typeof run !== 'function') throw new TypeError(`the adapter has no function ${name}`);
    wrapped[name] = (...args) => {
      try {
        return run(...args);
      } catch (error) {
        throw error instanceof Failure ? error.record : error;
      }
    };
  }
  return wrapped;
}
