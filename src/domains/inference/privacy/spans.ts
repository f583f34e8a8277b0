/**
 * Places in a text.
 *
 * @module
 */

/** From its first character to before its last. */
export type Span = readonly [start: number, end: number];

/** Finds something in a text. */
export type FindSpans = (text: string) => Span[] | Promise<Span[]>;

/** Puts words in the places: places that touch become one. */
export function cover(text: string, spans: readonly Span[], words: string): string {
  let made = "";
  let at = 0;
  for (const [start, end] of merged(spans)) {
    made += text.slice(at, start) + words;
    at = end;
  }
  return made + text.slice(at);
}

function merged(spans: readonly Span[]): Span[] {
  const sorted = [...spans].sort(([a], [b]) => a - b);
  const made: [number, number][] = [];
  for (const [start, end] of sorted) {
    const last = made.at(-1);
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end);
    else made.push([start, end]);
  }
  return made;
}

/** As many characters are looked at before others have their turn. */
export const SLICE: number = 262_144;

/** What is found is no longer, where it lies across two slices. */
const OVERLAP = 8192;

/** What is found so near to a cut may be there for the cut alone, and is found again in the slice beside. */
const EDGE = 256;

/** Finds in a long text piece by piece. What begins or ends at a cut is found in the piece that has all of it. */
export async function inSlices(text: string, find: (text: string) => readonly Span[]): Promise<Span[]> {
  const spans: Span[] = [];
  for (let from = 0; from === 0 || from < text.length; from += SLICE) {
    if (from > 0) await breathe();
    const start = Math.max(0, from - OVERLAP);
    const end = Math.min(text.length, from + SLICE);
    const first = start === 0 ? 0 : EDGE;
    const last = end === text.length ? end - start : end - start - EDGE;
    for (const [begins, ends] of find(text.slice(start, end))) {
      if (begins >= first && ends <= last) spans.push([start + begins, start + ends]);
    }
  }
  return spans;
}

/** Lets others have their turn. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
