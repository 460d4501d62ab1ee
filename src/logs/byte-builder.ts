/** Copies of this many bytes or more are left to memcpy; below, a loop is faster than the call. */
const longCopy = 48;

/** A buffer that grows; the hot loops write into `bytes` at `length` themselves after `reserve`. */
export class ByteBuilder {
  bytes: Buffer;
  length = 0;

  constructor(size: number) {
    this.bytes = Buffer.allocUnsafeSlow(size);
  }

  /** Makes room for so many more bytes. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  /** Appends a piece; the caller has reserved the room. */
  append(source: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let at = this.length;
    if (end - start >= longCopy) {
      bytes.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
      at += end - start;
    } else {
      for (let index = start; index < end; index += 1) bytes[at++] = source[index]!;
    }
    this.length = at;
  }

  /** What was built, until the next change; and begins anew. A buffer that has grown beyond `size` is let go. */
  take(size: number): Buffer {
    const built = this.bytes.subarray(0, this.length);
    if (this.bytes.length > size) this.bytes = Buffer.allocUnsafeSlow(size);
    this.length = 0;
    return built;
  }
}
