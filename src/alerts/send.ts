import { Webhook } from "standardwebhooks";
import type { Config } from "../config.ts";
import type { Logger } from "../lib/log.ts";
import type { Meters } from "../lib/meters.ts";
import { retryAfterMs } from "../lib/http.ts";
import type { Transport } from "../lib/transport.ts";
import type { AlertJob, AlertMessage } from "../queue/causes.ts";
import type { End, HeldJob, Seam } from "../queue/seam.ts";
import { delivered } from "./decide.ts";
import { bodyOf } from "./message.ts";
import { pauseAfter, sendPauses } from "./pauses.ts";

/** What alerts are sent with. */
export interface SendParts {
  readonly config: Config;
  readonly queue: Pick<Seam, "causes">;
  readonly log: Logger;
  readonly meters: Pick<Meters, "alert">;
  readonly transport: Transport;
  readonly now: () => number;
  readonly random: () => number;
}

/** What came of a try. */
interface Tried {
  readonly ok: boolean;
  /** For the log: the status, or why there was none. The address is never told, for it may be the secret. */
  readonly facts: Readonly<Record<string, string | number>>;
  readonly askedMs?: number | undefined;
}

/**
 * Sends the message that a cause has on its way, and notes that it was delivered. Where it is not taken, it is tried again; a process that
 * dies in between sends it twice, under the same id.
 */
export async function sendAlert(job: HeldJob<AlertJob>, parts: SendParts): Promise<End> {
  const { queue, log, meters, now, random } = parts;
  const { id } = job.data;
  const found = await queue.causes.read(id);
  const message = found?.value.message;
  // Another one took its place, or there is nothing to tell any more.
  if (found === undefined || message === undefined || message.id !== job.id) return undefined;
  // Nobody wants to hear of it any more.
  if (parts.config.alerts === undefined) return undefined;
  const { name } = message.cause;
  const tries = message.tries + 1;
  // Written down before: what may have arrived has to be taken back once it is over.
  const noted = { ...found.value, message: { ...message, tries } };
  if (!(await queue.causes.write(id, found.version, noted))) return { again: now() };
  const { ok, facts, askedMs } = await attempt(message, parts);
  meters.alert(name, ok ? "delivered" : "failed");
  if (!ok) {
    const again = now() + pauseAfter(tries, random(), askedMs);
    log.warn({ cause: name, is: message.is, id: message.id, tries, ...facts, nextMs: again - now() }, "alert.failed");
    return { again };
  }
  log.info({ cause: name, is: message.is, id: message.id, tries }, "alert.sent");
  await note(id, message, parts);
  return undefined;
}

/** Whatever else was written of the cause meanwhile stays. */
async function note(id: string, message: AlertMessage, { queue, now }: SendParts): Promise<void> {
  for (;;) {
    const found = await queue.causes.read(id);
    if (found === undefined || found.value.message?.id !== message.id) return;
    if (await queue.causes.write(id, found.version, delivered(found.value, now()))) return;
  }
}

async function attempt(message: AlertMessage, { config, transport, now }: SendParts): Promise<Tried> {
  const { alerts, publicUrl } = config;
  if (alerts === undefined) return { ok: false, facts: { code: "no-alert-url" } };
  const text = bodyOf(message, alerts.format, { publicUrl });
  const at = new Date(now());
  const signatures = alerts.secrets.map((secret) => new Webhook(secret).sign(message.id, at, text));
  const answer = await transport({
    method: "POST",
    url: new URL(alerts.url),
    headers: {
      "content-type": "application/json",
      "webhook-id": message.id,
      "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
      ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
    },
    text,
    timeoutMs: sendPauses.timeoutMs,
  });
  if ("code" in answer) return { ok: false, facts: { code: answer.code } };
  const { status, headers } = answer;
  const askedMs = retryAfterMs(headers["retry-after"], now());
  return { ok: status >= 200 && status < 300, facts: { status }, askedMs };
}
