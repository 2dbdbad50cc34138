import { z } from "zod";
import { notJson, parseJson } from "../../lib/json.ts";
import { isoFrom } from "../../lib/time.ts";
import type { LogLine, PspEvent, Webhook } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { signedByVipps } from "./proof.ts";
import { chargeReference, namedBy } from "./reference.ts";

const word = z.string().regex(/^[\w.:-]{1,64}$/);
const maybe = word.nullish().catch(undefined);
const time = z.string().transform(isoFrom).nullish().catch(undefined);
const msn = z.string().nullish().catch(undefined);

/** Of an ePayment. The amount is that of the operation alone, and `name` may tell of something that failed: both are read by the look. */
const paymentSchema = z.object({
  name: z.string().regex(/^[A-Z_]{1,40}$/),
  reference: word,
  pspReference: maybe,
  timestamp: time,
  success: z.boolean().nullish().catch(undefined),
  msn,
});

/** Of an agreement or of a charge. */
const recurringSchema = z.object({
  eventType: z.string().regex(/^recurring\.[\w.-]{1,60}$/),
  agreementId: word,
  chargeId: maybe,
  chargeExternalId: z
    .string()
    .regex(/^\P{Cc}{1,64}$/u)
    .nullish()
    .catch(undefined),
  chargeType: maybe,
  failureReason: maybe,
  occurred: time,
  msn,
});

/**
 * Everything that happens to the payments, agreements and charges of a sales unit, also in the portal. Whatever is proven is acknowledged: a
 * refusal would hold back everything else about the payment for a week. https://developer.vippsmobilepay.com/docs/APIs/webhooks-api/
 */
export const webhook: Webhook<Config> = {
  scope: "account",
  method: "POST",
  verify: signedByVipps,
  ack: { status: 200 },
  parse: ({ body }, _, { merchantSerialNumber }) => {
    const told = parseJson(body.toString("utf8"));
    if (told === notJson) return [];
    const event = eventOfPayment(told) ?? eventOfRecurring(told);
    // A partner's keys are for several sales units; a reference is one unit's alone.
    const isOurs = event !== undefined && (event.msn ?? merchantSerialNumber) === merchantSerialNumber;
    return isOurs ? [event.told] : [];
  },
};

interface Told {
  readonly msn: string | null | undefined;
  readonly told: PspEvent;
}

function eventOfPayment(body: unknown): Told | undefined {
  const { data } = paymentSchema.safeParse(body);
  if (data === undefined || namedBy(data.reference)?.of !== "payment") return undefined;
  const { name, reference, pspReference, timestamp, success } = data;
  const key = JSON.stringify([reference, name, pspReference ?? timestamp ?? "", success ?? true]);
  const told = { key, type: name, at: timestamp ?? null, reference, clues: [{ reference }] };
  return { msn: data.msn, told };
}

function eventOfRecurring(body: unknown): Told | undefined {
  const { data } = recurringSchema.safeParse(body);
  if (data === undefined || namedBy(data.agreementId)?.of !== "agreement") return undefined;
  const { eventType: type, agreementId, chargeId, chargeType, occurred } = data;
  // The charge that an agreement begins with is a part of it; every later one is a payment of its own.
  const isLater = typeof chargeId === "string" && chargeType !== "INITIAL";
  const reference = isLater ? chargeReference(agreementId, chargeId) : agreementId;
  const key = JSON.stringify([type, agreementId, chargeId ?? data.chargeExternalId ?? "", occurred ?? ""]);
  const event = { key, type, at: occurred ?? null };
  return { msn: data.msn, told: { ...event, ...(uncreated(data) ?? { reference, clues: [{ reference }] }) } };
}

/** A charge that was ordered and never came to be: nobody can be asked about it, so that the line is all there is. */
function uncreated(data: z.output<typeof recurringSchema>): Pick<PspEvent, "clues" | "line"> | undefined {
  if (data.eventType !== "recurring.charge-creation-failed.v1") return undefined;
  const { chargeExternalId: echo, failureReason } = data;
  const line: LogLine = {
    event: "process",
    pspStatus: "charge-creation-failed",
    amount: 0,
    success: false,
    errorDetail: failureReason ?? "the charge could not be created",
  };
  return { clues: typeof echo === "string" ? [{ echo }] : [], line };
}
