/**
 * What did happen: records, and logs of them that show any change.
 *
 * @module
 */
export type { AuditHead, AuditLine, ChainFields, LogCloseLine, LogOpenLine } from "./chain.ts";
export { displaySafe } from "./display.ts";
export { type JsonlSink, openJsonlSink } from "./jsonl.ts";
export { type AuditLog, type AuditLogOptions, createAuditLog } from "./log.ts";
export { createMemorySink, type MemorySink } from "./memory.ts";
export { OCSF_VERSION, type OcsfEvent, toOcsf } from "./ocsf/event.ts";
export { type OpenAuditLogOptions, openAuditLog } from "./open-log.ts";
export type * from "./record.ts";
export type { DroppedRecords, StreamedRecord } from "./record-reader.ts";
export { createRecordStream, type RecordStream, type RecordStreamOptions } from "./record-stream.ts";
export { type KnownSecret, redactArgv, redactText } from "./redact.ts";
export type { AuditSink } from "./sink.ts";
export { type VerifiedAuditLog, type VerifyAuditLogOptions, verifyAuditLog } from "./verify.ts";
