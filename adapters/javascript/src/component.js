/**
 * The host of a component: the contract's `steps` and `cache`, and WASI's HTTP. Import this module in the entry
 * point of a component, and nowhere else: only `flightdeck-componentize` knows the modules below.
 *
 * `host:` stands for `wasi:`; `componentize.mjs` says why.
 */
import cache from 'flightdeck:ad-server/cache@1.1.0';
import steps from 'flightdeck:ad-server/steps@1.1.0';
import handler from 'host:http/outgoing-handler@0.2.11';
import types from 'host:http/types@0.2.11';
import { NoAnswer, useHost } from './host.js';
import { decode, encode } from './text.js';

/** The most bytes that one blocking write accepts. */
const WRITE_SIZE = 4096;
/** The number of bytes requested per read of a response. */
const READ_SIZE = 65536;
/** The most bytes of a response: far more than a page of any list. Its JSON takes many times as much memory. */
const RESPONSE_LIMIT = 4 * 1024 * 1024;

const drop = (resource) => resource[Symbol.dispose]();

function send({ method, url, headers, body }) {
  const outgoing = build(method, url, headers, body === null ? null : encode(body));
  const answer = attempt(() => handler.handle(outgoing.request, null));
  // Written only after the request was handed over: before that, nothing reads it.
  try {
    write(outgoing.body, outgoing.bytes);
  } catch (error) {
    // A server may answer before it has read the whole body. Then its answer counts.
    if (!(error instanceof NoAnswer)) throw error;
  }
  const ready = answer.subscribe();
  ready.block();
  drop(ready);
  const result = answer.get();
  drop(answer);
  const response = unwrap(unwrap(result));
  const read = response.headers();
  const found = read.entries().map(([name, value]) => [name.toLowerCase(), decode(value)]);
  drop(read);
  const status = response.status();
  const text = decode(readAll(response.consume()));
  drop(response);
  return { status, headers: found, body: text };
}

function build(method, url, headers, bytes) {
  const parts = /^(https?):\/\/([^/?#]+)([^#]*)$/.exec(url);
  if (!parts) throw new NoAnswer(`${url} is not an address: correct the platform's endpoint`);
  const [, scheme, authority, path] = parts;
  const fields = new types.Fields();
  const all = bytes ? [...headers, ['content-length', String(bytes.length)]] : headers;
  for (const [name, value] of all) {
    attempt(() => fields.append(name, encode(value)));
  }
  const request = new types.OutgoingRequest(fields);
  request.setMethod({ tag: method.toLowerCase() });
  request.setScheme({ tag: scheme.toUpperCase() });
  request.setAuthority(authority);
  request.setPathWithQuery(path.startsWith('/') ? path : `/${path}`);
  return { request, body: request.body(), bytes };
}

function write(body, bytes) {
  attempt(() => {
    if (bytes) {
      const stream = body.write();
      for (let at = 0; at < bytes.length; at += WRITE_SIZE) {
        stream.blockingWriteAndFlush(bytes.slice(at, at + WRITE_SIZE));
      }
      // The stream must be dropped before its body is finished.
      drop(stream);
    }
    types.OutgoingBody.finish(body, null);
  });
}

function readAll(body) {
  const stream = body.stream();
  const chunks = [];
  let length = 0;
  for (;;) {
    let chunk;
    try {
      chunk = stream.blockingRead(READ_SIZE);
    } catch (error) {
      if (error.payload?.tag !== 'closed') throw new NoAnswer('the answer broke off');
      break;
    }
    chunks.push(chunk);
    length += chunk.length;
    if (length > RESPONSE_LIMIT) throw new NoAnswer(`the answer is larger than ${RESPONSE_LIMIT} bytes`);
  }
  drop(stream);
  drop(body);
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Runs a function of WASI. What it returns as an error, the engine throws with it as `payload`. */
function attempt(run) {
  try {
    return run();
  } catch (error) {
    throw 'payload' in error ? noAnswer(error.payload) : error;
  }
}

/** The value of a result within a value, which the engine does not throw. */
function unwrap(result) {
  if (result?.tag === 'ok') return result.val;
  throw noAnswer(result?.val);
}

function noAnswer(code) {
  const why = typeof code?.val === 'string' ? code.val : (code?.tag ?? 'the request failed');
  return new NoAnswer(why, code?.tag === 'HTTP-request-denied');
}

useHost({ ...steps, cached: cache.get, cache: cache.put, send });
