/**
 * Steps: how a change is made exactly once, even across crashes.
 *
 * | the step is | `find` … `create` | `idempotent` | `set` |
 * |---|---|---|---|
 * | fresh | creates | creates with a key | changes |
 * | in doubt | looks it up, and creates it if it is not found | creates with the same key | changes again |
 * | done | returns the recorded outcome | the same | the same |
 *
 * Only one step is open at a time, and each name is used once per operation. Derive names from the
 * request alone, never from `ctx.remote`, which grows from run to run: read `remote` inside the step.
 *
 * An outcome is a JSON value, usually the id of what was made. A step that remembers an object has its
 * id as its outcome.
 *
 * `tryCreate`, `trySet` and `tryIdempotent` also record a refusal: they return `{ok}` or `{refused}`,
 * and the operation goes on.
 */
import { Failure } from './failure.js';
import { host } from './host.js';
import { decode, encode } from './text.js';

/** The longest name of a step, in bytes, as the contract defines it. */
const STEP_LIMIT = 200;

/** Begins the description of a step. Nothing happens until its change is given. */
export function step(name) {
  return new Step(name);
}

/** Joins the name of a step from its parts. A name that is too long is cut and ends with its hash. */
export function stepName(...parts) {
  const name = parts.join('/');
  const bytes = encode(name);
  if (bytes.length <= STEP_LIMIT) return name;
  // FNV-1a, 64 bits, so that names that are cut stay different.
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  let cut = name;
  while (encode(cut).length > STEP_LIMIT - 17) cut = [...cut].slice(0, -1).join('');
  return `${cut}#${hash.toString(16).padStart(16, '0')}`;
}

class Step {
  #name;
  #memory = null;
  #find = null;

  constructor(name) {
    this.#name = name;
  }

  /** Remembers the step's outcome as the id of an object of the buy. */
  remember(kind, key) {
    this.#memory = { kind: { tag: kind }, key };
    return this;
  }

  /** Sets the lookup: it returns all objects that carry the reference, as `seen` objects. */
  find(find) {
    this.#find = find;
    return this;
  }

  /** Makes the change, unless an earlier run did. Put the reference where `find` looks for it. */
  create(create) {
    return this.#run(this.#lookUp(), create);
  }

  tryCreate(create) {
    return this.#try(this.#lookUp(), create);
  }

  /** Makes a change that is safe to repeat by its nature. */
  set(change) {
    return this.#run(null, change);
  }

  trySet(change) {
    return this.#try(null, change);
  }

  /** Makes a write under an idempotency key, which is the reference. The platform keeps the key. */
  idempotent(write) {
    return this.#run(null, write);
  }

  tryIdempotent(write) {
    return this.#try(null, write);
  }

  #lookUp() {
    if (!this.#find) throw new Error(`step ${this.#name} creates without a lookup: call find first`);
    return (reference) => inOrder(this.#find(reference))[0];
  }

  #run(lookUp, change, note = (outcome) => this.#note(outcome)) {
    const state = host().begin(this.#name);
    if (state.tag === 'done') {
      const outcome = JSON.parse(decode(state.val));
      note(outcome);
      return outcome;
    }
    const reference = state.val;
    let outcome;
    const found = state.tag === 'in-doubt' && lookUp ? lookUp(reference) : null;
    if (found) {
      outcome = found.id;
    } else {
      // Only after a lookup: an idempotent change is repeated without a word.
      if (state.tag === 'in-doubt' && lookUp) host().absent(this.#name);
      outcome = change(reference);
    }
    // Remember first: if the host stops between the two, a cancel still knows the object.
    note(outcome);
    host().finish(this.#name, encode(JSON.stringify(outcome ?? null)));
    return outcome ?? null;
  }

  #try(lookUp, change) {
    // A recorded verdict is {ok} or {refused: record}.
    const verdict = this.#run(
      lookUp &&
        ((reference) => {
          const found = lookUp(reference);
          return found && { ...found, id: { ok: found.id } };
        }),
      (reference) => {
        try {
          return { ok: change(reference) ?? null };
        } catch (failure) {
          if (failure instanceof Failure && failure.isFinal) return { refused: failure.record };
          throw failure;
        }
      },
      (recorded) => {
        if (!recorded.refused) this.#note(recorded.ok);
      },
    );
    return verdict.refused ? { refused: Failure.of(verdict.refused) } : verdict;
  }

  #note(id) {
    if (this.#memory) host().remember({ ...this.#memory, id: String(id) });
  }
}

/** One object that carries a step's reference. `active` says whether it may deliver. */
export function seen(id, { name = '', active = true, madeAt = null } = {}) {
  return { id: String(id), name, active, madeAt };
}

/** Sorts what was seen: the earliest first, and then by id, so that every run takes the same one. */
export function inOrder(list) {
  const timed = list.every(({ madeAt }) => madeAt);
  const byTime = (one, other) => (timed ? Date.parse(one.madeAt) - Date.parse(other.madeAt) : 0);
  const byId = (one, other) => one.length - other.length || (one < other ? -1 : Number(one > other));
  return [...list].sort((one, other) => byTime(one, other) || byId(one.id, other.id));
}
