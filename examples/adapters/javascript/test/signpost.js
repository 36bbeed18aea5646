/** A stand-in for Signpost in memory: what the adapter's tests need of it. */

const ok = (body) => ({ status: 200, body });
const refusal = (status, code, message) => ({ status, body: { errors: [{ code, field: null, message }] } });

export class FakeSignpost {
  objects = { orders: [], lines: [], creatives: [], assignments: [] };
  #last = 0;

  /** What `FakeHost` calls for each request. */
  respond = (method, path, body) => {
    const url = new URL(path, 'https://signpost.example');
    const query = Object.fromEntries(url.searchParams);
    const [, , kind, id, below] = url.pathname.split('/');
    if (kind === 'status') return this.#status(query);
    if (kind === 'report') return this.#report(query);
    if (method === 'PATCH') return this.#change(kind, id, body);
    const [list, parent] = below
      ? { lines: ['lines', { order_id: id }], creatives: ['assignments', { line_id: id }] }[below]
      : [kind, {}];
    return method === 'POST' ? this.#create(list, { ...body, ...parent }) : this.#list(list, { ...query, ...parent });
  };

  #create(kind, fields) {
    if (kind === 'creatives' && fields.width === 1) return refusal(422, 'invalid', 'width is too small');
    const known = this.objects.assignments.find(
      (one) => one.line_id === fields.line_id && one.creative_id === fields.creative_id,
    );
    if (kind === 'assignments' && known) return ok(Object.assign(known, { active: true }));
    this.#last += 1;
    const made = {
      state: 'draft',
      active: true,
      ...fields,
      id: String(this.#last),
      created_at: '2026-11-01T00:00:00Z',
    };
    this.objects[kind].push(made);
    return { status: 201, body: made };
  }

  #list(kind, { cursor, ...filter }) {
    const fits = (one) => Object.entries(filter).every(([name, value]) => one[name] === value);
    // Pages of one object, so that a test notices an adapter that reads only the first.
    const items = this.objects[kind].filter(fits);
    const at = Number(cursor ?? 0);
    return ok({ items: items.slice(at, at + 1), next_cursor: at + 1 < items.length ? String(at + 1) : null });
  }

  #change(kind, id, fields) {
    const one = this.objects[kind].find((object) => object.id === id);
    if (!one) return refusal(404, 'not_found', `there is no ${kind} ${id}`);
    if (one.state === 'archived') return refusal(409, 'order_archived', `order ${id} is archived`);
    return ok(Object.assign(one, fields));
  }

  #status({ line_ids: ids }) {
    const lines = this.objects.lines.filter(({ id }) => ids.split(',').includes(id));
    return ok({ lines: lines.map(({ id }) => ({ line_id: id, state: 'delivering', impressions: 250 })) });
  }

  #report({ from, line_ids: ids }) {
    const row = (id) => ({ line_id: id, day: from, impressions: 200, clicks: 1, spend: '2.5' });
    return ok({ rows: ids.split(',').map(row), as_of: '2026-12-02T00:00:00Z' });
  }
}
