import type { Json } from "../../src/contract/adapter.ts";
import { expect } from "vitest";
import type { Purchase, Stage } from "./stage.ts";
import { fixtureSigningKey } from "./signing.ts";
import { credentialsIn, type Subject, textsIn } from "./subjects.ts";

/** A token of Norce's that may turn up nowhere. */
export const norceToken = "canary-norce-token";
/** What every person that is planted is called. */
export const person = "canary-person";
/** What a field may be called in which a PSP sends what is nobody's business here. */
const personal =
  /name|mail|phone|address|street|city|postal|zip|region|birth|national|person|customer|gender|\bip\b|card|iban/i;
/** Fields with people in them. */
export const planted = {
  given_name: `${person}-1`,
  family_name: `${person}-2`,
  email: `${person}-3@example.invalid`,
  phone: `${person}-4`,
  street_address: `${person}-5`,
  postal_code: `${person}-6`,
  city: `${person}-7`,
  date_of_birth: `${person}-8`,
  national_identification_number: `${person}-9`,
  billing_address: { given_name: `${person}-10`, email: `${person}-11@example.invalid` },
  shippingAddress: { firstName: `${person}-12`, lastName: `${person}-13` },
  customer: { ip: `${person}-14`, iban: `${person}-15` },
} as const satisfies Json;

/**
 * Nothing that the service printed, counted, kept or wrote holds a secret or a person. Tokens stand in `recurring`, and in the event that
 * brought them while it waits and in the payment's log: nobody could be asked for them again.
 */
export async function expectSilence(
  { adapter }: Subject,
  stage: Stage,
  purchases: readonly Purchase[],
  tokens: readonly string[],
): Promise<void> {
  const secrets = stage.config.targets.flatMap(({ settings }) =>
    adapter.secrets.flatMap((name) => textsIn((settings as Record<string, Json | undefined>)[name] ?? null)),
  );
  if (adapter.secrets.length > 0) expect(secrets, "the settings hold a secret").not.toHaveLength(0);
  const proofs = [...new Set(stage.asked.flatMap(({ headers }) => credentialsIn(headers["authorization"])))];
  // A token that is the payment's reference as well (Vipps' agreements) is what the PSP is asked with: it stands wherever references do.
  const hidden = tokens.filter((token) => !purchases.some(({ reference }) => reference === token));
  const canaries = [person, norceToken, fixtureSigningKey, ...hidden, ...secrets, ...proofs].filter(
    (canary) => typeof canary === "string",
  );
  const broughtTokens = stage.stored.flatMap(({ event }) => event.line?.recurring?.token ?? []);
  const outlets: Readonly<Record<string, string>> = {
    "a log line": stage.logged.join(""),
    "a dead letter": JSON.stringify(await stage.letters()),
    "a metric": await stage.meters.text(),
    "a stored event": JSON.stringify(stage.stored),
    "a transaction": JSON.stringify(purchases.map(({ transactions }) => transactions())),
    "a payment": JSON.stringify(purchases.map(({ payment }) => ({ ...payment(), recurring: null }))),
    "a recurring": JSON.stringify(
      purchases.map(({ payment }) => ({ ...recurringOf(payment()["recurring"]), token: "" })),
    ),
  };
  for (const [outlet, text] of Object.entries(outlets)) {
    for (const canary of canaries) {
      if (broughtTokens.includes(canary) && (outlet === "a stored event" || outlet === "a transaction")) continue;
      expect(text.includes(canary), `${canary} in ${outlet}`).toBe(false);
    }
  }
}

/** A webhook's body with people in it. */
export function bodyWithPeople(body: string): string {
  if (body === "") return body;
  try {
    return JSON.stringify(withPeople(JSON.parse(body) as Json));
  } catch {
    return `${body}&email=${person}`;
  }
}

/** The document with people in it: where a field is called like one of theirs and holds what may be somebody's, and in new fields. */
export function withPeople(document: Json): Json {
  if (typeof document !== "object" || document === null) return document;
  if (Array.isArray(document)) return document.map((item: Json) => withPeople(item));
  const entries = Object.entries<Json>({ ...(document as Readonly<Record<string, Json>>) });
  const fields = entries.map(([name, inner]) =>
    typeof inner === "string" && personal.test(name) && !/status$/i.test(name) && !isNobodys(inner)
      ? [name, `${person}-${name}`]
      : [name, withPeople(inner)],
  );
  const replaced = Object.fromEntries(fields) as Record<string, Json>;
  // A map by ids has no fields: who reads it by the pattern of its keys may refuse another one.
  const isMap = entries.length > 0 && entries.every(([name]) => /\d/.test(name));
  return isMap ? replaced : { ...planted, ...replaced };
}

/** An id, a code or a word of the PSP's own, whatever the field is called: it tells of nobody. */
function isNobodys(value: string): boolean {
  return /^(?=.*[a-z])(?=.*\d)[\w:.-]+$/i.test(value) || /^(?:[a-z]+|[A-Z_]+)$/.test(value);
}

function recurringOf(recurring: Json | undefined): Record<string, Json> {
  return typeof recurring === "object" && recurring !== null ? { ...(recurring as Record<string, Json>) } : {};
}

/** The token in what Norce calls `recurring`. */
export function tokenOf(recurring: Json): string[] {
  const { token } = recurringOf(recurring);
  return typeof token === "string" ? [token] : [];
}
