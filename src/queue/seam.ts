/** All that the two halves know of the queue. */
export type * from "./journal.ts";
export type * from "./note.ts";
export type * from "./store.ts";
export type * from "./work.ts";
