/* Bytes of the map's frames into integer columns: the mirror of control_room/frames.py and columns.py.
 *
 * The format stands in docs/live-protocol.md. Typed arrays are kept between frames and grow by half as
 * much again, so that a wall which runs for months makes no garbage a frame. All sums wrap with `| 0`,
 * as numpy's int32 does.
 */
"use strict";

(function (scope) {
  const KEY = 1, DELTA = 2;
  const STEP_LIMIT = 1 << 20;
  const ZERO = 0, SPARSE = 1, BYTES = 2, PLANES = 3, MOVED = 4;
  const SLOPES = Int32Array.from({ length: 8 }, (_, k) => Math.round(1024 * Math.tan((k + 0.5) * 2 * Math.PI / 64)));
  const HELD = ["t", "x", "y", "heading", "look", "dt", "dx", "dy"];
  const text = new TextDecoder();

  class FrameError extends Error {}

  /** Heading in 1/64 turns plus 1 of a step; the step is not (0, 0). */
  function headingOf(dx, dy) {
    const east = Math.abs(dx), north = Math.abs(dy);
    const low = Math.min(east, north), high = Math.max(east, north);
    const slope = Math.floor(low * 1024 / high);
    let part = 0;
    while (part < 8 && SLOPES[part] <= slope) part++;
    const quarter = east <= north ? part : 16 - part;
    const turn = dy <= 0 ? (dx >= 0 ? quarter : -quarter) : (dx >= 0 ? 32 - quarter : 32 + quarter);
    return (turn & 63) + 1;
  }

  /** Reads coded columns one after another into arrays that are reused. */
  class Reader {
    constructor() { this.gaps = new Int32Array(0); this.values = new Int32Array(0); }

    open(bytes, at) {
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.at = at;
    }

    /** Bytes to step over, after making sure that they are there. */
    take(count) {
      const at = this.at;
      if (at + count > this.bytes.length) throw new FrameError("a column is cut short");
      this.at = at + count;
      return at;
    }

    /** The next residual into `out[0 … n-1]`; `moved` holds the slots whose time changed, `rows` of them. */
    column(out, n, moved, rows) {
      const mode = this.bytes[this.take(1)];
      if (mode === ZERO) { out.fill(0, 0, n); return; }
      if (mode === SPARSE) {
        const count = this.view.getUint32(this.take(4), true);
        if (count > n) throw new FrameError("a column names more slots than there are");
        if (this.gaps.length < count) { this.gaps = new Int32Array(n); this.values = new Int32Array(n); }
        this.dense(this.gaps, count);
        this.dense(this.values, count);
        out.fill(0, 0, n);
        for (let i = 0, slot = 0; i < count; i++) {
          slot += this.gaps[i];
          if (slot < 0 || slot >= n) throw new FrameError("a column names a slot that is not there");
          out[slot] = this.values[i];
        }
        return;
      }
      if (mode === MOVED && moved) {
        if (this.values.length < rows) { this.gaps = new Int32Array(n); this.values = new Int32Array(n); }
        this.dense(this.values, rows);
        out.fill(0, 0, n);
        for (let i = 0; i < rows; i++) out[moved[i]] = this.values[i];
        return;
      }
      this.dense(out, n, mode);
    }

    dense(out, count, mode = this.bytes[this.take(1)]) {
      const bytes = this.bytes;
      if (mode === BYTES) {
        const at = this.take(count);
        const large = this.view.getUint32(this.take(4), true);
        let next = this.take(4 * large);
        const end = this.at;
        for (let i = 0; i < count; i++) {
          const value = (bytes[at + i] << 24) >> 24;
          if (value !== -128) { out[i] = value; continue; }
          if (next >= end) throw new FrameError("a column lacks its large values");
          out[i] = this.view.getInt32(next, true);
          next += 4;
        }
        if (next !== end) throw new FrameError("a column has large values to spare");
        return;
      }
      if (mode !== PLANES) throw new FrameError("mode " + mode + " is no way of coding a column");
      const planes = bytes[this.take(1)];
      const base = this.view.getInt32(this.take(4), true);
      for (let i = 0; i < count; i++) out[i] = base;
      for (let k = 0; k < planes; k++) {
        const at = this.take(count), shift = 8 * k;
        for (let i = 0; i < count; i++) out[i] = (out[i] + (bytes[at + i] << shift)) | 0;
      }
    }
  }

  /** What a screen holds of the map, and how a frame changes it.
   *
   * `state` is one object for good; its arrays are valid up to `n` and are the same ones until the map grows:
   *   seq, now (ms, server), legend
   *   t, x, y, heading, look   as in the protocol
   *   dx, dy, dt               last step of the row: pixels at zoom 18, seconds; dt 0 is unknown
   *   px, py                   where the row was before its newest position (equal to x, y where unknown)
   *   at, pat                  performance.now() when the newest and the one before arrived; pat 0 is unknown
   *   changed                  1 where position or look differ from the frame before; all 1 after a key frame
   *   moved                    how many positions changed
   *   newest                   newest observation on the map in ms; null when none is known
   */
  class FrameDecoder {
    constructor(clock = () => performance.now()) {
      this.clock = clock;
      this.reader = new Reader();
      this.room = 0;
      this.state = { seq: null, n: 0, now: 0, legend: null, moved: 0, newest: null };
      this.grow(256);
    }

    /** Forgets what it holds: the next frame must be a key frame. */
    reset() { this.state.seq = null; }

    grow(room) {
      const held = this.state;
      for (const name of HELD) held[name] = larger(Int32Array, held[name], room);
      for (const name of ["px", "py"]) held[name] = larger(Int32Array, held[name], room);
      for (const name of ["at", "pat"]) held[name] = larger(Float64Array, held[name], room);
      held.changed = larger(Uint8Array, held.changed, room);
      // Next values are read beside those held, so that a damaged frame leaves the map whole.
      this.next = {};
      for (const name of HELD) this.next[name] = new Int32Array(room);
      this.later = new Int32Array(room);
      this.movedSlots = new Int32Array(room);
      this.room = room;
    }

    /** Takes one inflated frame; throws FrameError and keeps what it held when the frame does not fit. */
    decode(buffer, tag) {
      const bytes = new Uint8Array(buffer);
      if (bytes.length < 4) throw new FrameError("a frame without header");
      const length = new DataView(buffer).getUint32(0, true);
      if (4 + length > bytes.length) throw new FrameError("a frame without its whole header");
      let header;
      try { header = JSON.parse(text.decode(bytes.subarray(4, 4 + length))); }
      catch { throw new FrameError("a frame whose header cannot be read"); }
      const held = this.state, n = header.n;
      if (tag !== KEY && tag !== DELTA) throw new FrameError("tag " + tag + " is no map frame");
      if (tag === DELTA && (held.seq === null || header.seq !== held.seq + 1)) {
        throw new FrameError("delta " + header.seq + " does not follow " + held.seq);
      }
      if (!(n >= 0 && n <= 1e6)) throw new FrameError("a frame of " + n + " slots");
      if (n > this.room) this.grow(Math.max(n, this.room + (this.room >> 1)));
      this.reader.open(bytes, 4 + length);
      if (tag === KEY) this.readKey(header, n); else this.readDelta(header, n);
      if (this.check(n) !== header.check) {
        throw new FrameError("frame " + header.seq + " decodes to other values than were encoded");
      }
      this.accept(tag, n);
      held.seq = header.seq;
      held.now = header.now;
      if (header.legend) held.legend = header.legend;
      held.newest = this.newest(n);
      return held;
    }

    readKey(header, n) {
      const { t, x, y, dt, dx, dy, heading, look } = this.next, reader = this.reader;
      for (const column of [t, x, y, dt, dx, dy, heading, look]) reader.column(column, n, null, 0);
      if (!header.turn) return;
      for (let i = 0; i < n; i++) {
        if (dt[i] > 0 && (dx[i] !== 0 || dy[i] !== 0)) heading[i] = (heading[i] + headingOf(dx[i], dy[i])) | 0;
      }
    }

    readDelta(header, n) {
      const held = this.state, next = this.next, later = this.later, slots = this.movedSlots, reader = this.reader;
      // Slots beyond what was held are zeros on both sides.
      for (const name of HELD) held[name].fill(0, Math.min(held.n, n), n);
      reader.column(later, n, null, 0);
      let rows = 0;
      for (let i = 0; i < n; i++) {
        if (later[i] !== 0) slots[rows++] = i;
        next.t[i] = (held.t[i] + later[i]) | 0;
      }
      reader.column(next.x, n, slots, rows);
      reader.column(next.y, n, slots, rows);
      reader.column(next.heading, n, slots, rows);
      reader.column(next.look, n, null, 0);
      for (let i = 0; i < n; i++) {
        const passed = later[i], known = held.t[i] > 0 && next.t[i] > 0;
        let x = held.x[i], y = held.y[i];
        const dt = held.dt[i];
        if (header.predict && known && dt > 0 && passed > 0 && passed <= STEP_LIMIT) {
          x += passed === dt ? held.dx[i] : Math.floor(held.dx[i] * passed / dt);
          y += passed === dt ? held.dy[i] : Math.floor(held.dy[i] * passed / dt);
        }
        x = next.x[i] = (x + next.x[i]) | 0;
        y = next.y[i] = (y + next.y[i]) | 0;
        const dx = (x - held.x[i]) | 0, dy = (y - held.y[i]) | 0;
        let base = held.heading[i];
        if (known && passed > 0 && passed <= STEP_LIMIT && Math.abs(dx) <= STEP_LIMIT && Math.abs(dy) <= STEP_LIMIT) {
          next.dx[i] = dx; next.dy[i] = dy; next.dt[i] = passed;
        } else if (next.t[i] > 0 && passed === 0) {
          next.dx[i] = held.dx[i]; next.dy[i] = held.dy[i]; next.dt[i] = dt;
        } else {
          next.dx[i] = 0; next.dy[i] = 0; next.dt[i] = 0;
        }
        if (header.turn && held.t[i] > 0 && passed > 0 && (next.dx[i] !== 0 || next.dy[i] !== 0)) {
          base = headingOf(next.dx[i], next.dy[i]);
        }
        next.heading[i] = (base + next.heading[i]) | 0;
        next.look[i] = (held.look[i] + next.look[i]) | 0;
      }
    }

    check(n) {
      const { t, x, y, heading, look } = this.next;
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + t[i] + x[i] + y[i] + heading[i] + look[i]) | 0;
      return sum >>> 0;
    }

    /** Makes the values just read the ones held, and notes what changed for gliding. */
    accept(tag, n) {
      const held = this.state, next = this.next, arrived = this.clock(), key = tag === KEY;
      let moved = 0;
      for (let i = 0; i < n; i++) {
        const x = next.x[i], y = next.y[i];
        const isNew = key || held.look[i] === 0 || i >= held.n;
        const went = isNew || x !== held.x[i] || y !== held.y[i];
        held.changed[i] = went || next.look[i] !== held.look[i] || next.heading[i] !== held.heading[i] ? 1 : 0;
        if (isNew) {
          // No history: drawn where it is. Its step tells where it was one update ago.
          held.px[i] = x - next.dx[i]; held.py[i] = y - next.dy[i];
          held.at[i] = arrived; held.pat[i] = 0;
        } else if (next.t[i] !== held.t[i] || went) {
          held.px[i] = held.x[i]; held.py[i] = held.y[i];
          held.pat[i] = held.at[i]; held.at[i] = arrived;
        }
        if (went) moved++;
      }
      for (const name of HELD) { const old = held[name]; held[name] = next[name]; next[name] = old; }
      held.n = n;
      held.moved = moved;
    }

    newest(n) {
      const { t, look, legend } = this.state;
      let newest = 0;
      for (let i = 0; i < n; i++) if (look[i] !== 0 && t[i] > newest) newest = t[i];
      return newest === 0 || !legend ? null : (legend.t0 + newest - 1) * 1000;
    }
  }

  function larger(Type, old, room) {
    const made = new Type(room);
    if (old) made.set(old);
    return made;
  }

  /** Inflates what follows the tag byte of a binary message. Rejects on damage. */
  async function inflate(buffer) {
    const stream = new Blob([new Uint8Array(buffer, 1)]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return new Response(stream).arrayBuffer();
  }

  scope.Frames = { FrameDecoder, FrameError, Reader, inflate, headingOf, KEY, DELTA, PANEL: 3, LAYER: 4 };
})(typeof self === "undefined" ? globalThis : self);
