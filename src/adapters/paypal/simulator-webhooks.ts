import { createSign } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Json } from "../../contract/adapter.ts";
import type { Kernel, SimulatedHeld } from "../../contract/simulator.ts";
import { certificatePlaces } from "./environment.ts";
import { simulatorKey } from "./simulator-certificate.ts";
import { transmission } from "./webhooks.ts";

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** What the simulator's merchant has. */
export const account = {
  clientId: "simulated-client",
  clientSecret: "simulated-client-secret",
  webhookId: "1SIMULATEDWEBHOOK",
} as const;

/** The name of the simulator's certificate among PayPal's. */
export const certificateName = "CERT-simulator-only";

/**
 * When a webhook is tried that nobody acknowledges, counted from the first attempt: 25 times within three days. PayPal publishes the number and
 * the time, not the pauses (inferred). https://developer.paypal.com/api/rest/webhooks/rest/
 */
export const retrySchedule: readonly number[] = [
  ...[0, 2, 5, 10, 20, 40].map((minutes) => minutes * minute),
  ...Array.from({ length: 19 }, (_, index) => hour + index * ((3 * day - hour) / 18)),
];

/** Tells of what happened, and keeps every event: PayPal can be asked for them. */
export interface Teller {
  readonly events: ReadonlyMap<string, Json>;
  notify(of: SimulatedHeld, event_type: string, resource_type: string, resource: object): void;
}

/** Webhooks as PayPal signs them: every attempt is a transmission of its own, of the same event. */
export function tellerOn(kernel: Pick<Kernel<SimulatedHeld>, "now" | "time" | "apiUrl" | "count">): Teller {
  const events = new Map<string, Json>();
  const time = (): string => `${kernel.time().slice(0, -5)}Z`;

  function headers(body: string): Readonly<Record<string, string>> {
    const id = `00000000-0000-11ee-8000-${String(kernel.count("transmission")).padStart(12, "0")}`;
    const [place = ""] = certificatePlaces(kernel.apiUrl());
    const text = [id, time(), account.webhookId, String(crc32(body))].join("|");
    return {
      "content-type": "application/json",
      [transmission.transmission_id]: id,
      [transmission.transmission_time]: time(),
      [transmission.transmission_sig]: createSign("sha256").update(text).sign(simulatorKey, "base64"),
      [transmission.cert_url]: `${place}${certificateName}`,
      [transmission.auth_algo]: "SHA256withRSA",
      "paypal-auth-version": "v2",
    };
  }

  return {
    events,
    notify({ payment }, event_type, resource_type, resource) {
      const id = `WH-${nextId(payment, "E")}-${nextId(payment, "T")}`;
      const body = copyOf({
        id,
        event_version: "1.0",
        create_time: kernel.time(),
        resource_type,
        resource_version: resource_type === "payment_token" ? "3.0" : "2.0",
        event_type,
        summary: `simulated: ${event_type}`,
        resource,
        links: [{ href: `${kernel.apiUrl()}/v1/notifications/webhooks-events/${id}`, rel: "self", method: "GET" }],
      });
      events.set(id, body);
      payment.send({ webhook: "webhook", body, headers, schedule: retrySchedule });
    },
  };
}

/** 17 upper-case letters and digits, counted, so that a run can be repeated. */
export function nextId({ number, count }: SimulatedHeld["payment"], kind: string): string {
  const own = `${kind}${String(number).padStart(6, "0")}`;
  return `${own}${String(count("id")).padStart(17 - own.length, "0")}`;
}

/** A copy as it goes over the wire. */
export function copyOf(piece: object): Json {
  return JSON.parse(JSON.stringify(piece)) as Json;
}
