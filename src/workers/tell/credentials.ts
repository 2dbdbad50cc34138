import type { PaymentKey } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import type { Logger } from "../../lib/log.ts";
import type { Credential, Meters } from "../../lib/meters.ts";
import type { DriftLog } from "./drift.ts";
import type { Result } from "../retry.ts";

/** Who is told. */
interface CredentialParts {
  readonly log: Logger;
  readonly meters: Meters;
  readonly drift: DriftLog;
}

/** One log line per credential, however many payments meet it. */
const refusedCredentials = new Set<string>();

/** Says once that a credential is refused, and once that it is taken again; looks that never got that far say nothing. */
export function tellCredentials(
  { adapter, merchant, channel }: PaymentKey,
  result: Result,
  { log, meters, drift }: CredentialParts,
): void {
  if ("error" in result) {
    if (!isWorkerError(result.error, "Unauthorized")) return;
    const credential =
      result.error.context["peer"] === "norce" ? norceCredential : { peer: adapter, merchant, channel };
    if (!refusedCredentials.has(JSON.stringify(credential))) log.error(credential, "credential.refused");
    // As long as it goes on, every day has its entry.
    drift.found({ adapter, merchant, channel }, "credentials-refused");
    refusedCredentials.add(JSON.stringify(credential));
    meters.credential(credential, true);
    return;
  }
  if (refusedCredentials.size === 0 || result.outcome.is === "later") return;
  for (const credential of [norceCredential, { peer: adapter, merchant, channel }]) {
    if (!refusedCredentials.delete(JSON.stringify(credential))) continue;
    log.info(credential, "credential.accepted");
    meters.credential(credential, false);
  }
}

/** Norce's token is one for all merchants. */
const norceCredential: Credential = { peer: "norce", merchant: "", channel: "" };
