import assert from 'node:assert/strict';
import test from 'node:test';
import {
  Api,
  Plan,
  Problems,
  buyState,
  decimal,
  inOrder,
  kept,
  micros,
  pages,
  pointer,
  seen,
  step,
  stepName,
  word,
} from '../src/index.js';
import { decode, encode } from '../src/text.js';
import { CRASHED, FakeHost } from '../src/testing.js';

const failure = (run) => {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
};

test('a value is kept for its time', () => {
  const host = new FakeHost(() => null);
  let made = 0;
  const read = () => host.run(() => kept('zone', 60, () => ({ zone: 'Europe/Berlin', made: (made += 1) })));
  assert.deepEqual([read(), read()], [{ zone: 'Europe/Berlin', made: 1 }, { zone: 'Europe/Berlin', made: 1 }]);
  host.now = 60;
  assert.equal(read().made, 2);
});

test('money is decimal text and back, digit by digit', () => {
  for (const [amount, text] of [
    [12_500_000, '12.50'],
    [7_000_000, '7.00'],
    [1, '0.000001'],
    [-500_000, '-0.50'],
    [0, '0.00'],
  ]) {
    assert.equal(decimal(amount), text);
    assert.equal(micros(text), amount);
  }
  assert.equal(decimal(9_007_199_254_740_991), '9007199254.740991');
  assert.equal(decimal(12_345_600, 4), '12.3456');
  assert.equal(decimal(12_345_670, 4), null);
  assert.equal(micros('3'), 3_000_000);
  for (const text of ['', '1.', '1e3', '0.1234567', '9007199254.740992', ' 1'])
    assert.throws(() => micros(text), RangeError);
  assert.throws(() => decimal(2 ** 53), RangeError);
});

test('text is UTF-8 in both directions', () => {
  for (const text of ['', 'plain', 'Größe 50 %', '🎧\u0800\uffff\u{10000}', 'é'.repeat(10_000)]) {
    assert.deepEqual(encode(text), new TextEncoder().encode(text));
    assert.equal(decode(encode(text)), text);
  }
  assert.deepEqual(encode('\ud800'), new TextEncoder().encode('\ufffd'));
  for (const bytes of [
    [0xff, 0x41],
    [0xc3],
    [0xe2, 0x82, 0x41],
    [0xed, 0xa0, 0x80],
    [0xc0, 0x80],
    [0xf5, 0x80, 0x80, 0x80],
  ]) {
    const text = decode(Uint8Array.from(bytes));
    assert.ok(text.startsWith('\ufffd'), bytes.join());
    assert.equal(text.endsWith('A'), bytes.includes(0x41));
  }
});

test('names of steps that are cut stay apart', () => {
  assert.equal(stepName('line', 'news'), 'line/news');
  const [one, other] = ['a', 'b'].map((end) => stepName('line', 'é'.repeat(200), end));
  assert.ok(encode(one).length <= 200);
  assert.notEqual(one, other);
});

test('what was made first comes first, and then the smallest id', () => {
  const at = (id, madeAt = null) => seen(id, { madeAt });
  const ids = (list) => inOrder(list).map(({ id }) => id);
  assert.deepEqual(ids([at('9', '2026-11-01T00:00:01Z'), at('10', '2026-11-01T00:00:00Z')]), ['10', '9']);
  assert.deepEqual(ids([at('10'), at('9', '2026-11-01T00:00:00Z')]), ['9', '10']);
});

test('a step creates once, whatever is lost', () => {
  for (let point = 1; ; point += 1) {
    const made = [];
    const host = new FakeHost((method, _path, body) => {
      if (method === 'POST') made.push(body.ref);
      return { status: 200, body: { id: '7', made } };
    });
    const api = new Api('https://ads.example');
    const run = () =>
      step('order')
        .remember('order', '')
        .find((reference) =>
          api
            .get('/x')
            .made.filter((ref) => ref === reference)
            .map(() => seen('7')),
        )
        .create((ref) => api.post('/x', { ref }).id);
    host.crashAt(point);
    const survived = host.run(run) !== CRASHED;
    assert.equal(host.run(run), '7');
    assert.equal(made.length, 1, `point ${point}`);
    assert.deepEqual(host.remote, [{ kind: { tag: 'order' }, key: '', id: '7' }]);
    if (survived) return;
  }
});

test('an idempotent step repeats its write and looks nothing up', () => {
  const host = new FakeHost(() => ({ status: 200, body: { id: '7' } }));
  const run = () => step('line').idempotent((key) => new Api('https://ads.example').post('/x', { key }).id);
  host.crashAt(2);
  assert.equal(host.run(run), CRASHED);
  assert.equal(host.run(run), '7');
  assert.deepEqual(host.requests, ['POST /x', 'POST /x']);
});

test('a refusal is recorded where it should not end the operation', () => {
  let status = 422;
  const host = new FakeHost(() => ({ status, body: { why: 'too wide' } }));
  const api = new Api('https://ads.example', ({ why }) => ({ code: 'size', message: why }));
  const run = () => step('creative').trySet(() => api.post('/x', {}));
  assert.equal(host.run(run).refused.platform.message, 'too wide');
  status = 200;
  assert.equal(host.run(run).refused.kind, 'rejected');
  assert.equal(host.requests.length, 1);
});

test('the host refuses a write outside of a step and a second step of one name', () => {
  const host = new FakeHost(() => ({ status: 200 }));
  assert.throws(() => host.run(() => new Api('https://ads.example').post('/x', {})), /not open/);
  const twice = () => [step('a').set(() => null), step('a').set(() => null)];
  assert.throws(() => host.run(twice), /twice/);
});

test('an unsuccessful answer is a failure of the right kind', () => {
  const of = (answer) => failure(() => new FakeHost(() => answer).run(() => new Api('https://ads.example/').get('/x')));
  const kinds = {
    302: 'rejected',
    400: 'rejected',
    401: 'permission',
    403: 'permission',
    404: 'not-found',
    409: 'rejected',
    422: 'rejected',
    429: 'unavailable',
    500: 'unavailable',
  };
  for (const [status, kind] of Object.entries(kinds)) assert.equal(of({ status: Number(status) }).kind, kind, status);
  assert.equal(of({ status: 429, headers: [['Retry-After', '3']] }).retryAfterMs, 3000);
  assert.equal(of(null).code, 'no_answer');
  assert.equal(of({ status: 302 }).code, 'redirected');
});

test('a list is read to its end, and a loop is found', () => {
  const list = { null: { items: [1], next: 'a' }, a: { items: [], next: 'b' }, b: { items: [2], next: null } };
  assert.deepEqual(
    pages((cursor) => list[cursor]),
    [1, 2],
  );
  assert.equal(failure(() => pages(() => ({ items: [], next: 'a' }))).code, 'endless_list');
});

test('problems are one failure with every item', () => {
  const problems = new Problems();
  problems.check();
  problems.invalid('invalid_rate', '/packages/a/price', 1, 'Too exact.');
  problems.unsupported('unsupported_pacing', '/packages/a/pacing', 'x', 'None.', ['even']);
  const { kind, code, items } = failure(() => problems.check());
  assert.deepEqual([kind, code, items.length], ['unsupported', 'unsupported', 2]);
});

test('a plan shows what changes and nothing else', () => {
  const plan = new Plan()
    .update('Line', 'News', { a: 1, b: 2 }, { a: 1, b: 3 })
    .update('Line', 'Same', { a: 1 }, { a: 1 });
  assert.deepEqual(
    plan.record.changes.map(({ name, fields }) => [name, fields]),
    [['News', [{ field: 'b', before: '2', after: '3' }]]],
  );
});

test('a buy is in the first state that any of its packages is in', () => {
  const of = (...tags) => buyState(tags.map((tag) => ({ state: { tag } }))).tag;
  assert.deepEqual([of('paused', 'delivering'), of('canceled'), of()], ['delivering', 'canceled', 'missing']);
});

test("pointers escape what ids may contain, and words are the buyer's", () => {
  assert.equal(pointer('assets', 'a/b~c', 'width'), '/assets/a~1b~0c/width');
  assert.deepEqual([word({ tag: 'front-loaded' }), word({ tag: 'other', val: 'new' })], ['front_loaded', 'new']);
});
