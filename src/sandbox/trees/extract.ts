/**
 * The reader of archives, as a module that is loaded when one is read: the package is CommonJS, and has no named exports of its
 * own where it is loaded by `import()` from a bundle.
 *
 * @module
 */
export { type Extract, extract } from "tar-stream";
