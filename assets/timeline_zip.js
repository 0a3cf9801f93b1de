/* Adds files to a zip that the server made: pictures exist only in the page, and a post of ours holds no megabytes.
 *
 * APPNOTE 6.3: entries stand first, then the directory, then its end. New entries are stored (a PNG is deflated
 * already) where the directory stood, and the directory is written anew behind them.
 */
(() => {
  "use strict";

  const END = 0x06054b50, LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END_BYTES = 22, LONGEST_COMMENT = 65535;
  const MOST = 0xffffffff;

  let table = null;
  function crc32(bytes) {
    table ??= Uint32Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k += 1) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1; return c; });
    let crc = 0xffffffff;
    for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
  }

  /** The end of the directory: where it begins, its bytes and entries. */
  async function findEnd(zip) {
    const from = Math.max(0, zip.size - END_BYTES - LONGEST_COMMENT), view = new DataView(await zip.slice(from).arrayBuffer());
    for (let i = view.byteLength - END_BYTES; i >= 0; i -= 1) {
      if (view.getUint32(i, true) !== END) continue;
      const [entries, bytes, begin] = [view.getUint16(i + 10, true), view.getUint32(i + 12, true), view.getUint32(i + 16, true)];
      if (entries === 0xffff || begin === MOST || bytes === MOST) throw new Error("the file is larger than pictures can be added to");
      return { entries, bytes, begin };
    }
    throw new Error("what the server sent is not whole");
  }

  /** Date and time of an entry as DOS counts them. */
  function dosTime(ms) {
    const d = new Date(ms);
    return [(d.getUTCHours() << 11) | (d.getUTCMinutes() << 5) | (d.getUTCSeconds() >> 1), ((d.getUTCFullYear() - 1980) << 9) | ((d.getUTCMonth() + 1) << 5) | d.getUTCDate()];
  }

  function header(isCentral, name, crc, size, [time, date], offset) {
    const made = new Uint8Array((isCentral ? 46 : 30) + name.length), view = new DataView(made.buffer);
    view.setUint32(0, isCentral ? CENTRAL : LOCAL, true);
    let at = 4;
    if (isCentral) { view.setUint16(at, 20, true); at += 2; }
    for (const value of [20, 0x0800, 0, time, date]) { view.setUint16(at, value, true); at += 2; }
    for (const value of [crc, size, size]) { view.setUint32(at, value, true); at += 4; }
    view.setUint16(at, name.length, true);
    if (isCentral) view.setUint32(42, offset, true);
    made.set(name, isCentral ? 46 : 30);
    return made;
  }

  window.controlRoomZip = {
    crc32,
    /** The zip with these files in it: [{name, bytes (Uint8Array), at (ms)}]. */
    async add(zip, files) {
      const end = await findEnd(zip), locals = [], centrals = [];
      let offset = end.begin;
      for (const { name, bytes, at } of files) {
        const text = new TextEncoder().encode(name), crc = crc32(bytes), when = dosTime(at);
        const local = header(false, text, crc, bytes.length, when, 0);
        centrals.push(header(true, text, crc, bytes.length, when, offset));
        locals.push(local, bytes);
        offset += local.length + bytes.length;
      }
      const more = centrals.reduce((sum, made) => sum + made.length, 0), entries = end.entries + files.length;
      if (offset + end.bytes + more >= MOST || entries >= 0xffff) throw new Error("with its pictures the file would be too large");
      const last = new DataView(new ArrayBuffer(END_BYTES));
      last.setUint32(0, END, true);
      for (const [place, value] of [[8, entries], [10, entries]]) last.setUint16(place, value, true);
      for (const [place, value] of [[12, end.bytes + more], [16, offset]]) last.setUint32(place, value, true);
      return new Blob([zip.slice(0, end.begin), ...locals, zip.slice(end.begin, end.begin + end.bytes), ...centrals, last], { type: "application/zip" });
    },
  };
})();
