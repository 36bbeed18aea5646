#!/usr/bin/env node
/**
 * Builds a component from a JavaScript module:
 *
 *     flightdeck-componentize src/component.js -o adapter.wasm --wit wit/v1.1 --wasi adapters/wasi-wit
 *
 * `--wit` is the folder of the contract, `--wasi` that of WASI's HTTP.
 *
 * It runs `jco componentize` with the QuickJS backend, and spares you three things:
 *
 * 1. jco takes one folder of WIT. This script puts the contract and WASI's HTTP into one.
 * 2. The host offers no asynchronous functions of the component model, so jco is told to use none.
 * 3. jco runs your module once while it builds, with real implementations of `wasi:io` and traps for
 *    the imports that it does not know, such as `wasi:http`. Their resource types do not fit
 *    together, and the build fails. So your module imports the same interfaces under the name
 *    `host:`, which is as long, and the names of the imports are put right at the end. The version is
 *    another one than that of the engine's own imports, because a component can't import one name
 *    twice; hosts of WASI 0.2 treat its versions as one.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ALIAS_VERSION = '0.2.11';
const alias = (text) => text.replaceAll('wasi:', 'host:').replaceAll('@0.2.12', `@${ALIAS_VERSION}`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { output: { type: 'string', short: 'o' }, wit: { type: 'string' }, wasi: { type: 'string' } },
});
if (positionals.length !== 1 || !values.output || !values.wit || !values.wasi) {
  console.error('usage: flightdeck-componentize ENTRY.js -o ADAPTER.wasm --wit CONTRACT --wasi WASI');
  process.exit(2);
}
const [contract, wasi] = [resolve(values.wit), resolve(values.wasi)];
const work = mkdtempSync(join(tmpdir(), 'flightdeck-componentize-'));
try {
  const wit = join(work, 'wit');
  cpSync(contract, join(wit, 'deps/flightdeck-ad-server'), { recursive: true });
  writeFileSync(join(wit, 'world.wit'), alias(readFileSync(join(wasi, 'http-adapter.wit'), 'utf8')));
  for (const name of readdirSync(join(wasi, 'deps'))) {
    writeFileSync(join(wit, 'deps', name), alias(readFileSync(join(wasi, 'deps', name), 'utf8')));
  }
  const built = join(work, 'built.wasm');
  const options = ['--backend', 'quickjs', '--backend-qjs-disable-async'];
  const args = [
    'componentize',
    resolve(positionals[0]),
    '--cwd',
    process.cwd(),
    '--wit',
    wit,
    '-n',
    'http-adapter',
    ...options,
    '-o',
    built,
  ];
  const { status } = spawnSync(resolve('node_modules/.bin/jco'), args, { stdio: 'inherit' });
  // jco has said why.
  if (status !== 0) throw new Error('jco componentize failed');
  const component = named(readFileSync(built));
  mkdirSync(dirname(resolve(values.output)), { recursive: true });
  writeFileSync(values.output, component);
  console.log(`${values.output}: ${component.length} bytes`);
} catch (error) {
  console.error(`flightdeck-componentize: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Gives the component's imports their real names. Only the sections that hold imports are touched. */
function named(component) {
  const IMPORTS = 10;
  const [HOST, WASI] = ['host:', 'wasi:'].map((text) => Buffer.from(text));
  // After the preamble of 8 bytes, a component is a sequence of sections: an id, a length, the content.
  for (let at = 8; at < component.length;) {
    const id = component[at];
    let [length, shift] = [0, 0];
    do {
      at += 1;
      length += (component[at] & 0x7f) * 2 ** shift;
      shift += 7;
    } while (component[at] & 0x80);
    at += 1;
    const end = at + length;
    if (id === IMPORTS) {
      for (
        let found = component.indexOf(HOST, at);
        found !== -1 && found < end;
        found = component.indexOf(HOST, found)
      ) {
        WASI.copy(component, found);
      }
    }
    at = end;
  }
  return component;
}
