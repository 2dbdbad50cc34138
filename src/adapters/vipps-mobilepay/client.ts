import { isWorkerError, WorkerError } from "../../lib/errors.ts";
import { type Http, pathOf } from "../../lib/http.ts";
import { isObject } from "../../lib/json.ts";
import { codeAt } from "../../lib/judgement.ts";
import { insistOnAsked, readAs, readOrNull } from "../../lib/read.ts";
import type { AskContext, Authority } from "../../contract/adapter.ts";
import type { Config } from "./config.ts";
import { namedBy } from "./reference.ts";
import {
  agreementSchema,
  type Charge,
  chargeSchema,
  chargesSchema,
  paymentEventsSchema,
  paymentFrom,
  paymentSchema,
  type Snapshot,
  tokenSchema,
} from "./schema.ts";

/** Routes, for logs and metrics, without ids. */
export const routes = {
  token: "/accesstoken/get",
  payment: "/epayment/v1/payments/{reference}",
  agreement: "/recurring/v3/agreements/{agreementId}",
  charge: "/recurring/v3/agreements/{agreementId}/charges/{chargeId}",
  webhooks: "/webhooks/v1/webhooks",
} as const;

/** What is taken for a token's life where Vipps does not say: it is an hour in test, a day else. */
const unsaidSeconds = 30 * 60;

/** Who calls, as Vipps wants to be told (https://developer.vippsmobilepay.com/docs/knowledge-base/http-headers). */
const system = { "vipps-system-name": "norce-psp-worker", "vipps-system-plugin-name": "norce-psp-worker" } as const;

/** Problem details carry a number such as 6080 for what is wrong, and the id that support asks for. */
const codeOf = codeAt(
  ["extraDetails.0.reason", "extraDetails.0.name", "code", "error"],
  ["traceId", "header:x-request-id"],
);

/** Vipps' APIs for one sales unit. */
export function httpFrom({ config, http }: AskContext<Config>): Http {
  return http({
    baseUrl: config.apiUrl,
    headers: { ...system, ...unitHeaders(config) },
    authority: authorityOf(config),
    codeOf,
    classify,
  });
}

/**
 * What Vipps says now; `null` where it does not know it.
 * @param reference see `reference.ts`. @throws WorkerError
 */
export async function fetchSnapshot(reference: string, context: AskContext<Config>): Promise<Snapshot | null> {
  const named = namedBy(reference);
  const msn = context.config.merchantSerialNumber;
  switch (named?.of) {
    case undefined:
      return null;
    case "payment":
      return await readPayment(named.reference, msn, context);
    case "agreement":
      return await readAgreement(named.agreementId, msn, context);
    case "charge": {
      const charge = await readCharge(named.agreementId, named.chargeId, context);
      return charge === null ? null : { of: "charge", msn, agreementId: named.agreementId, charge };
    }
  }
}

async function readPayment(reference: string, msn: string, context: AskContext<Config>): Promise<Snapshot | null> {
  const http = httpFrom(context);
  const path = pathOf`/epayment/v1/payments/${reference}`;
  const { signal } = context;
  const [payment, events] = await Promise.all([
    readOrNull(http, { path, route: routes.payment, signal }, paymentSchema, "a Vipps payment"),
    readOrNull(
      http,
      { path: `${path}/events`, route: `${routes.payment}/events`, signal },
      paymentEventsSchema,
      "the events of a Vipps payment",
    ),
  ]);
  if (payment === null) return null;
  const about = (events ?? []).filter((event) => event.reference === undefined || event.reference === reference);
  return { of: "payment", msn, payment: paymentFrom(payment), events: about };
}

/** The agreement and its first charge, which is what the shopper pays in the checkout, where there is one. */
async function readAgreement(id: string, msn: string, context: AskContext<Config>): Promise<Snapshot | null> {
  const http = httpFrom(context);
  const path = pathOf`/recurring/v3/agreements/${id}`;
  const { signal } = context;
  const [agreement, charges] = await Promise.all([
    readOrNull(http, { path, route: routes.agreement, signal }, agreementSchema, "a Vipps agreement"),
    readOrNull(
      http,
      { path: `${path}/charges`, route: `${routes.agreement}/charges`, signal },
      chargesSchema,
      "the charges of a Vipps agreement",
    ),
  ]);
  if (agreement === null) return null;
  const initial = (charges ?? []).find(({ type }) => type === "INITIAL");
  const charge = initial === undefined ? null : await readCharge(id, initial.id, context);
  return { of: "agreement", msn, agreement, charge };
}

async function readCharge(agreementId: string, chargeId: string, context: AskContext<Config>): Promise<Charge | null> {
  const path = pathOf`/recurring/v3/agreements/${agreementId}/charges/${chargeId}`;
  const question = { path, route: routes.charge, signal: context.signal };
  const charge = await readOrNull(httpFrom(context), question, chargeSchema, "a Vipps charge");
  if (charge !== null) insistOnAsked(chargeId, charge.id, { peer: "Vipps", thing: "charge" });
  return charge;
}

/** The gateway in front of all APIs answers in a shape of its own: its 403 is about our keys, an API's about the payment. */
function classify(status: number, body: unknown): "Unauthorized" | undefined {
  return status === 403 && isObject(body) && typeof body["statusCode"] === "number" ? "Unauthorized" : undefined;
}

function unitHeaders({ subscriptionKey, merchantSerialNumber }: Config): Readonly<Record<string, string>> {
  return { "ocp-apim-subscription-key": subscriptionKey, "merchant-serial-number": merchantSerialNumber };
}

/** The credentials stand in headers; there is no body. */
function authorityOf(config: Config): Authority {
  const { clientId, clientSecret, merchantSerialNumber } = config;
  return {
    account: `${clientId}/${merchantSerialNumber}`,
    authorize: async (http) => {
      const { body } = await http({
        method: "POST",
        path: routes.token,
        route: routes.token,
        headers: { ...unitHeaders(config), client_id: clientId, client_secret: clientSecret },
      }).catch((error: unknown) => {
        throw isWorkerError(error, "Refused") ? unauthorized(error) : error;
      });
      const { access_token, expires_in = unsaidSeconds } = readAs(tokenSchema, body, "a Vipps access token");
      return { authorization: `Bearer ${access_token}`, expiresInSeconds: expires_in };
    },
  };
}

/** A token that is refused, with whatever status, is refused for the credentials: there is nothing else in the request. */
function unauthorized({ context }: WorkerError): WorkerError {
  return new WorkerError("Unauthorized", "vipps-mobilepay gives no token for these credentials", { context });
}
