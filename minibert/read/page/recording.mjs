// What was recorded, in the order in which it ran: calls of functions, visits of lines, arrays.

/** Base64 of deflated byte planes -> numbers. */
async function inflate(base64, wide) {
  const text = atob(base64);
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const width = wide ? 8 : 4;
  const count = planes.length / width;
  const bytes = new Uint8Array(planes.length);
  for (let plane = 0; plane < width; plane++) {
    for (let i = 0; i < count; i++) bytes[i * width + plane] = planes[plane * count + i];
  }
  return wide ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
}

export class Recording {
  constructor(raw) {
    Object.assign(this, raw);
    this.calls = raw.calls.map(([chapter, number, parent, given, returned]) => ({
      chapter, number, parent, given, returned, visits: [], function: raw.chapters[chapter].functions[number],
    }));
    this.visits = raw.visits.map(([call, line, made, end], i) => {
      this.calls[call].visits.push(i);
      return { call, line, made, end, calls: [] };
    });
    this.roots = [];
    this.calls.forEach((call, i) => (call.parent === null ? this.roots : this.visits[call.parent].calls).push(i));
    this.calls.forEach((call) => this.number(call));
    this.steps = [];
    this.stepOf = new Map();
    this.walk(0, this.visits.length);
    this.waiting = new Map();
  }

  /** A call that is one of several from the same line of one call has a number, from 0: the layers. */
  number(call) {
    if (call.parent === null) return;
    const { call: owner, line } = this.visits[call.parent];
    const like = this.calls[owner].visits.filter((v) => this.visits[v].line === line)
      .flatMap((v) => this.visits[v].calls).filter((c) => this.calls[c].function === call.function);
    if (like.length < 2) return;
    call.index = like.indexOf(this.calls.indexOf(call));
    call.like = like;
  }

  /** The steps: each visit when it begins, and once more when it is back from the functions it called. */
  walk(from, to) {
    for (let i = from; i < to; ) {
      this.stepOf.set(i, this.steps.length);
      this.steps.push({ visit: i, back: false });
      const end = Math.max(i + 1, this.visits[i].end);
      if (end > i + 1) {
        this.walk(i + 1, end);
        this.steps.push({ visit: i, back: true });
      }
      i = end;
    }
  }

  /** The calls one is in, the outermost first. */
  path(call) {
    const path = [];
    for (let at = call; at !== undefined && at !== null; ) {
      path.unshift(at);
      const { parent } = this.calls[at];
      at = parent === null ? null : this.visits[parent].call;
    }
    return path;
  }

  /** The name of a call: "encoder layer 2"; of a function called for many reasons, what it was called for. */
  label(call) {
    const { function: { name }, index, parent } = this.calls[call];
    const plain = name.split(".").pop().replace(/^_+/u, "").replaceAll("_", " ").trim() || name;
    if (index !== undefined) return `${plain} ${index}`;
    if (parent === null) return plain;
    const again = this.children(this.visits[parent].call).filter((c) => this.calls[c].function.name === name).length > 1;
    const made = Object.keys(this.visits[parent].made).filter((n) => !n.startsWith("returned"));
    return again && made.length && made.length < 3 ? `${plain} for ${made.join(", ")}` : plain;
  }

  /** The same call below another of the calls that `ancestor` is one of: the same place of another layer. */
  twin(call, ancestor, other) {
    let at = other;
    const path = this.path(call);
    for (const next of path.slice(path.indexOf(ancestor) + 1)) {
      const here = this.children(path[path.indexOf(next) - 1]);
      at = this.children(at)[here.indexOf(next)] ?? at;
    }
    return at;
  }

  children(call) {
    return this.calls[call].visits.flatMap((v) => this.visits[v].calls);
  }

  /** What a name was bound to when a visit began: [number of an array], a scalar, or undefined. */
  bound(call, name, before) {
    const { visits, given } = this.calls[call];
    for (let i = visits.length - 1; i >= 0; i--) {
      const { made } = this.visits[visits[i]];
      if (visits[i] < before && Object.hasOwn(made, name)) return { value: made[name], visit: visits[i] };
    }
    return Object.hasOwn(given, name) ? { value: given[name], visit: null } : undefined;
  }

  /** What a statement computes, as a tree; undefined where it makes no array. */
  statement(visit) {
    const { call, line } = this.visits[visit];
    return this.chapters[this.calls[call].chapter].statements[line];
  }

  sourceLine(chapter, line) {
    return this.chapters[chapter].lines[line - 1].map(([, text]) => text).join("");
  }

  /** The numbers of an array, unpacked when they are first asked for. */
  numbers(i) {
    if (!this.waiting.has(i)) {
      this.waiting.set(i, inflate(this.arrays[i].data, this.arrays[i].wide).then((numbers) => {
        this.arrays[i].numbers = numbers;
        return numbers;
      }));
    }
    return this.waiting.get(i);
  }
}
