/**
 * What a file of traces may bring along. Whoever can send a span to a tracing backend writes into such a file, so
 * everything in it is bounded before it is kept. Counts, unless a unit is given.
 */

/** Levels of JSON; an OTLP attribute that holds lists in lists has about twenty. */
export const MAX_DEPTH = 128;
/** Bytes of one text; stack traces in logs have a few hundred thousand. */
export const MAX_STRING = 8 * 1024 * 1024;
/** Bytes of one value that is looked at as a whole: a span with its logs. */
export const MAX_RECORD = 16 * 1024 * 1024;
/** Bytes of a file that cannot be streamed: YAML. */
export const MAX_YAML = 4 * 1024 * 1024;
export const MAX_SERVICES = 10_000;
/** Of one service. Those beyond are counted together, and said. */
export const MAX_OPERATIONS = 1_000;
/** Of one operation: services, stores and hosts that it calls. */
export const MAX_CALLEES = 1_000;
/** Of one trace. Those beyond are left out, and said. */
export const MAX_TRACE_SPANS = 100_000;
/** UTF-16 code units of a name as it is kept; longer ones are cut. */
export const MAX_NAME = 200;
/** UTF-16 code units of a span's name or address to read: more than a name keeps, because folding shortens it. */
export const MAX_WRITTEN_NAME = 2_000;
/** Spans of one element whose service is told behind them: they wait for it. */
export const MAX_WAITING = 100_000;
/** Rows of a file that tells services alone. */
export const MAX_ROWS = 1_000_000;
/** Combinations of callers, paths and methods in one file of policies: a short rule can multiply them. */
export const MAX_PAIRS = 500_000;
/** Characters of spans in memory before they go to files. */
export const MAX_KEPT = 24 * 1024 * 1024;
/** Bytes of one of those files, which is read back as a whole. */
export const MAX_PART = 384 * 1024 * 1024;
