/** Plans: the changes that a reviewer reads. Build them from the objects that are sent. */

/** A field's value as a reviewer reads it; null if it has none. */
function text(value) {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The fields of `after` that differ from `before`. An update sends exactly these. */
export function changedFields(before, after) {
  const differs = ([name, value]) => JSON.stringify(value ?? null) !== JSON.stringify(before[name] ?? null);
  return Object.fromEntries(Object.entries(after).filter(differs));
}

export class Plan {
  #changes = [];
  #notes = [];

  /** Plans a new object. */
  create(remoteType, name, fields, ids = {}) {
    this.#push('create', remoteType, name, {}, fields, ids);
    return this;
  }

  /** Plans a change of some fields; nothing if none differs. */
  update(remoteType, name, before, after, ids = {}) {
    const changed = changedFields(before, after);
    if (Object.keys(changed).length > 0) this.#push('update', remoteType, name, before, changed, ids);
    return this;
  }

  /** Plans the connection of two objects. */
  associate(remoteType, name, fields, ids = {}) {
    this.#push('associate', remoteType, name, {}, fields, ids);
    return this;
  }

  #push(action, remoteType, name, before, after, { remoteId = null, packageId = null }) {
    const fields = Object.keys(after)
      .map((field) => ({ field, before: text(before[field]), after: text(after[field]) }))
      .filter((change) => change.before !== change.after);
    this.#changes.push({ action: { tag: action }, remoteType, name, remoteId, packageId, fields, extensions: [] });
  }

  /** Adds information for the reviewer. */
  note(...notes) {
    this.#notes.push(...notes);
    return this;
  }

  /** The contract's record. */
  get record() {
    return { changes: this.#changes, notes: this.#notes, extensions: [] };
  }
}
