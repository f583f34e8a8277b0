/**
 * What did happen: records, and logs of them that show any change.
 *
 * @module
 */
export type * from "./record.ts";
