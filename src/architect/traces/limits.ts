/**
 * Limits for files of traces. Anyone who can send a span to a tracing backend writes into such a file, so everything in
 * it is bounded before it is stored. Values are counts unless a unit is given.
 */

/** Nesting levels of JSON; an OTLP attribute with lists in lists has about twenty. */
export const MAX_DEPTH = 128;
/** Bytes of one JSON string; stack traces in logs have a few hundred thousand. */
export const MAX_STRING = 8 * 1024 * 1024;
/** Bytes of one value that is parsed as a whole: a span with its logs. */
export const MAX_RECORD = 16 * 1024 * 1024;
/** Bytes of a file that cannot be streamed: YAML. */
export const MAX_YAML = 4 * 1024 * 1024;
export const MAX_SERVICES = 10_000;
/** Per service. Further ones are counted as one operation, with a warning. */
export const MAX_OPERATIONS = 1_000;
/** Services, stores and hosts that one operation calls. */
export const MAX_CALLEES = 1_000;
/** Per trace. Further ones are left out, with a warning. */
export const MAX_TRACE_SPANS = 100_000;
/** UTF-16 code units of a stored name; longer names are cut. */
export const MAX_NAME = 200;
/** UTF-16 code units of a span's name or address that are read: replacing ids makes a long path shorter. */
export const MAX_WRITTEN_NAME = 2_000;
/** Spans that wait for the name of their service, which follows them in the file. */
export const MAX_WAITING = 100_000;
/** Rows of a file that names services only. */
export const MAX_ROWS = 1_000_000;
/** Combinations of callers, paths and methods in one file of policies: a short rule can multiply them. */
export const MAX_PAIRS = 500_000;
/** Characters of spans in memory before they are written to files. */
export const MAX_KEPT = 24 * 1024 * 1024;
/** Bytes of one of these files, which is read back as a whole. */
export const MAX_PART = 384 * 1024 * 1024;
