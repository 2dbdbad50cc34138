import type { Order } from "../_klarna/schema.ts";

export { orderSchema } from "../_klarna/schema.ts";

/** What Klarna says now. Before the order is placed there is none. */
export interface Snapshot {
  /** When it was read (ISO 8601): the only clock `map` sees. */
  readonly readAt: string;
  readonly order: Order;
}
