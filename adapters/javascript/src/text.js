/** Text as UTF-8: QuickJS has neither `TextEncoder` nor `TextDecoder`. */

/** How many code units become a string at a time: few enough for the engine's stack of arguments. */
const AT_ONCE = 4096;
const REPLACEMENT = 0xfffd;

/** The UTF-8 bytes of a text. A lone surrogate, which UTF-8 does not have, becomes U+FFFD. */
export function encode(text) {
  const bytes = [];
  for (const character of text) {
    const point = character.codePointAt(0);
    const code = point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return Uint8Array.from(bytes);
}

const tail = (bits) => 0x80 | (bits & 0x3f);

/** The text of UTF-8 bytes. Bytes that are none become U+FFFD, so that a platform's error page stays readable. */
export function decode(bytes) {
  const parts = [];
  let units = [];
  for (let at = 0; at < bytes.length;) {
    const [code, length] = character(bytes, at);
    at += length;
    if (code < 0x10000) units.push(code);
    else units.push(0xd7c0 + (code >> 10), 0xdc00 | (code & 0x3ff));
    if (units.length >= AT_ONCE) {
      parts.push(String.fromCharCode(...units));
      units = [];
    }
  }
  parts.push(String.fromCharCode(...units));
  return parts.join('');
}

/** The character at a place, and the number of its bytes. */
function character(bytes, at) {
  const first = bytes[at];
  if (first < 0x80) return [first, 1];
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  let code = first & (0x7f >> length);
  for (let next = 1; next < length; next += 1) {
    const byte = bytes[at + next];
    if ((byte & 0xc0) !== 0x80) return [REPLACEMENT, next];
    code = (code << 6) | (byte & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length];
  const valid =
    first >= 0xc2 && first <= 0xf4 && code >= least && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return valid ? [code, length] : [REPLACEMENT, length];
}
