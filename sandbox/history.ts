import type { SandboxNorce } from "./norce.ts";
import { type Document, isObject } from "./norce-rules.ts";
import type { SandboxPsp, SentWebhook } from "./psp.ts";
import { Recent } from "./recent.ts";

/** Something that happened to a payment, for people who watch. */
export type Happening = { readonly at: number } & (
  | ({ readonly kind: "webhook"; readonly name: string } & Pick<SentWebhook, "status" | "lost" | "request">)
  | { readonly kind: "action"; readonly name: string }
  | { readonly kind: "look" }
  | { readonly kind: "state"; readonly from: string | null; readonly to: string }
  | {
      readonly kind: "transaction";
      readonly event: string;
      readonly status: string;
      readonly amount: number;
      readonly success: boolean;
    }
);

type WithoutTime<T> = T extends unknown ? Omit<T, "at"> : never;

/** What happened to each payment: at the PSP, on the way, and in Norce. */
export interface History {
  /** Newest first. */
  of(paymentId: string): readonly Happening[];
  add(paymentId: string, happening: WithoutTime<Happening>): void;
  close(): void;
}

const kept = 60;

/** Watches Norce and the PSPs. */
export function createHistory(norce: SandboxNorce, psp: SandboxPsp, now: () => number): History {
  const byPayment = new Map<string, Recent<Happening>>();
  const add: History["add"] = (paymentId, happening) => {
    const recent = byPayment.get(paymentId) ?? new Recent<Happening>(kept);
    byPayment.set(paymentId, recent);
    recent.add({ ...happening, at: now() });
  };
  const endings = [
    norce.onChange(({ what, paymentId, before, after }) => {
      if (paymentId === undefined) return;
      if (what === "transaction") add(paymentId, transactionFrom(after));
      else if (before?.["state"] !== after["state"])
        add(paymentId, {
          kind: "state",
          from: before === undefined ? null : textOf(before, "state"),
          to: textOf(after, "state"),
        });
    }),
    psp.onWebhook(({ paymentId, webhook, status, lost, request }) => {
      if (paymentId === undefined) return;
      add(paymentId, { kind: "webhook", name: webhook, status, request, ...(lost === undefined ? {} : { lost }) });
    }),
  ];
  return {
    of: (paymentId) => (byPayment.get(paymentId)?.list() ?? []).toReversed(),
    add,
    close: () => {
      for (const end of endings) end();
    },
  };
}

/** A text field of a document; empty where it is absent. */
export function textOf(document: Document, field: string): string {
  const value = document[field];
  return typeof value === "string" ? value : "";
}

/** A numeric field of a document, also of one that may be absent. */
export function numberOf(document: Document[string] | undefined, field: string): number {
  const value = isObject(document) ? document[field] : undefined;
  return typeof value === "number" ? value : 0;
}

function transactionFrom(document: Document): WithoutTime<Happening> {
  return {
    kind: "transaction",
    event: textOf(document, "event"),
    status: textOf(document, "pspStatus"),
    amount: numberOf(document, "amount"),
    success: document["isSuccess"] === true,
  };
}
