/**
 * Bytes in the order they came, as one growing buffer: a program that writes them one by one costs no more memory than
 * one that writes many at once.
 *
 * @module
 */

const CAPACITY_MIN = 4096;
/** An empty queue keeps a buffer up to this size. */
const CAPACITY_KEPT = 65_536;

/** A queue of bytes. It copies what goes in and what comes out. */
export class ByteQueue {
  #buffer: Uint8Array = new Uint8Array(0);
  #from = 0;
  #to = 0;

  get size(): number {
    return this.#to - this.#from;
  }

  push(data: Uint8Array): void {
    if (this.#buffer.length - this.#to < data.length) this.#makeRoom(data.length);
    this.#buffer.set(data, this.#to);
    this.#to += data.length;
  }

  /** The next bytes, at most `max`. */
  take(max: number = this.size): Uint8Array {
    const taken = this.#buffer.slice(this.#from, Math.min(this.#to, this.#from + max));
    this.#from += taken.length;
    if (this.size === 0) this.clear();
    return taken;
  }

  clear(): void {
    this.#from = 0;
    this.#to = 0;
    if (this.#buffer.length > CAPACITY_KEPT) this.#buffer = new Uint8Array(0);
  }

  #makeRoom(bytes: number): void {
    const { size } = this;
    const wanted = size + bytes;
    // Moving what is there costs less than it has cost to come here, if it is less than half of the buffer.
    if (wanted * 2 <= this.#buffer.length) this.#buffer.copyWithin(0, this.#from, this.#to);
    else {
      const larger = new Uint8Array(Math.max(CAPACITY_MIN, this.#buffer.length * 2, wanted));
      larger.set(this.#buffer.subarray(this.#from, this.#to));
      this.#buffer = larger;
    }
    this.#from = 0;
    this.#to = size;
  }
}
