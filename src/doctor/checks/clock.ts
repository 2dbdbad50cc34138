import type { Transport } from "../../lib/transport.ts";
import type { Check } from "../checks.ts";
import type { Notes, Tools } from "../parts.ts";
import type { Found } from "../report.ts";

/** What is more than this is told: proofs over the time are good for a few minutes. */
const mostMs = 30_000;
/** A `Date` header says whole seconds: on average it is this much behind. */
const halfMs = 500;

/** The transport, with a note of every clock that an answer tells. */
export function watchingClocks(transport: Transport, { clocks }: Notes, now: () => number): Transport {
  return async (outgoing) => {
    const sent = now();
    const outcome = await transport(outgoing);
    const told = "headers" in outcome ? Date.parse(outcome.headers.date ?? "") : Number.NaN;
    if (!Number.isNaN(told)) {
      const { host } = outgoing.url;
      clocks.set(host, [...(clocks.get(host) ?? []), told + halfMs - (sent + now()) / 2]);
    }
    return outcome;
  };
}

/** Our clock against those of everybody who answered. Goes last. */
export function clockCheck({ notes: { clocks } }: Tools): Check {
  return { check: "clock", peer: "this machine", run: async () => judged(clocks) };
}

function judged(clocks: Notes["clocks"]): Found {
  const skews = [...clocks].map(([host, told]) => ({ host, ahead: medianOf(told) }));
  if (skews.length === 0) return { is: "skipped", says: "nobody who answered told the time" };
  const off = skews.filter(({ ahead }) => Math.abs(ahead) > mostMs);
  if (off.length === 0) return { is: "fine", says: `it agrees with that of ${listed(skews.map(({ host }) => host))}` };
  const seconds = Math.round(Math.abs(medianOf(off.map(({ ahead }) => ahead))) / 1_000);
  const hosts = listed(off.map(({ host }) => host));
  const isOurs = off.length * 2 > skews.length;
  if (!isOurs) return { is: "fine", says: `it agrees with most; that of ${hosts} is ${seconds} seconds off` };
  const how = medianOf(off.map(({ ahead }) => ahead)) > 0 ? "behind" : "ahead of";
  return {
    is: "attention",
    says: `this machine's clock is ${seconds} seconds ${how} that of ${hosts}`,
    todo: "let NTP set it: proofs that cover the time are refused here and there",
  };
}

function listed(hosts: readonly string[]): string {
  return hosts.length <= 3 ? hosts.join(", ") : `${hosts.slice(0, 2).join(", ")} and ${hosts.length - 2} more`;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
