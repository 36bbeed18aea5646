/**
 * Money without floats. The contract's micros are integers below 2^53; QuickJS hands an `s64` to
 * JavaScript as a number, which is exact up to there. Decimal text is made and read digit by digit.
 */

/** Micros as decimal text with 2 to `places` decimal places, or null if that can't be exact. */
export function decimal(micros, places = 6) {
  if (!Number.isSafeInteger(micros)) throw new RangeError(`${micros} is no amount in micros`);
  const digits = String(Math.abs(micros)).padStart(7, '0');
  const units = digits.slice(0, -6);
  const fraction = digits.slice(-6);
  if (/[1-9]/.test(fraction.slice(places))) return null;
  const shown = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${micros < 0 ? '-' : ''}${units}.${shown}`;
}

/** Decimal text as micros. */
export function micros(text) {
  const match = /^(-?)(\d+)(?:\.(\d{1,6})0*)?$/.exec(text);
  const value = match ? Number(`${match[1]}${match[2]}${(match[3] ?? '').padEnd(6, '0')}`) : NaN;
  if (!Number.isSafeInteger(value)) throw new RangeError(`${text} is no amount with at most six decimal places`);
  return value === 0 ? 0 : value;
}
