/**
 * What may come later.
 *
 * @module
 */

/** A value now or later. */
export type Awaitable<T> = T | PromiseLike<T>;
