import { createHash } from "node:crypto";
import type { KeptEvent, Recurring } from "../../contract/adapter.ts";
import type { Item, TokenEvent } from "./schema.ts";
import { inTurn } from "./turns.ts";

/** The token that an item brings. In RECURRING_CONTRACT it stands in the place of the reference (docs/psp/adyen.md, b.3). */
export function recurringFrom(item: Item): Recurring | undefined {
  if (!item.success) return undefined;
  const data = item.additionalData ?? {};
  const isContract = item.eventCode === "RECURRING_CONTRACT";
  const token =
    data["tokenization.storedPaymentMethodId"] ??
    data["recurring.recurringDetailReference"] ??
    (isContract ? item.pspReference : undefined);
  if (token === undefined || (item.eventCode !== "AUTHORISATION" && !isContract)) return undefined;
  const { paymentMethod, originalReference } = item;
  const summary = data.cardSummary === undefined ? "" : ` •••• ${data.cardSummary}`;
  return {
    token,
    ...(paymentMethod === undefined ? {} : { description: `${paymentMethod}${summary}` }),
    attributes: present({
      // Without it nobody can charge the token.
      shopperReference:
        data["tokenization.shopperReference"] ?? data["recurring.shopperReference"] ?? data.shopperReference,
      recurringProcessingModel: data.recurringProcessingModel,
      expiryDate: data.expiryDate,
      networkTxReference: data.networkTxReference,
      paymentMethodVariant: data.paymentMethodVariant,
      operationType: data["tokenization.store.operationType"],
      firstPspReference:
        data["recurring.firstPspReference"] ?? (isContract ? (originalReference ?? undefined) : item.pspReference),
    }),
  };
}

/** The token that a token webhook tells of. */
export function recurringOf({ type, eventId, data }: TokenEvent): Recurring {
  const operationType = data.operation ?? type.replace("recurring.token.", "");
  return {
    token: data.storedPaymentMethodId,
    ...(data.type === undefined ? {} : { description: data.type }),
    attributes: present({
      shopperReference: data.shopperReference,
      paymentMethodVariant: data.type,
      operationType,
      ...(operationType === "created" ? { firstPspReference: eventId } : {}),
    }),
  };
}

/**
 * The newest token of these payments' events, with everything that any of them said of it; the newest word counts.
 * @param payments Adyen's references of the payments that count: another one's token is somebody else's.
 */
export function newestToken(events: readonly KeptEvent[], payments: ReadonlySet<string>): Recurring | undefined {
  const told = inTurn(events).flatMap(({ recurring, type, facts }) => {
    const payment = facts?.["payment"];
    const isOurs = typeof payment !== "string" || payments.has(payment);
    return recurring === undefined || !isOurs ? [] : [{ recurring, type }];
  });
  // That a token was disabled does not make it the one in use.
  const token = (told.findLast(({ type }) => type !== "recurring.token.disabled") ?? told.at(-1))?.recurring.token;
  if (token === undefined) return undefined;
  const same = told.flatMap(({ recurring }) => (recurring.token === token ? [recurring] : []));
  // The item knows the card's last digits, the token webhook only its kind.
  const descriptions = same.flatMap(({ description }) => description ?? []);
  const description = descriptions.findLast((words) => words.includes("•")) ?? descriptions.at(-1);
  const said = (name: string): string | undefined =>
    same.map(({ attributes }) => attributes?.[name]).findLast((value) => typeof value === "string");
  return {
    token,
    ...(description === undefined ? {} : { description }),
    attributes: present(Object.fromEntries(attributeNames.map((name) => [name, said(name)]))),
  };
}

const attributeNames = [
  "shopperReference",
  "recurringProcessingModel",
  "expiryDate",
  "networkTxReference",
  "paymentMethodVariant",
  "operationType",
  "firstPspReference",
] as const;

/** What stands for a text where the text itself may not: keys end up in logs. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex").slice(0, 16);
}

/** Without what is not there. */
function present(facts: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
