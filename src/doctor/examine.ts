import { createContexts } from "../adapters/contexts.ts";
import { callbackUrl } from "../signatures/urls.ts";
import { certificateChecks } from "./checks/certificates.ts";
import { clockCheck, watchingClocks } from "./checks/clock.ts";
import { configurationCheck } from "./checks/configuration.ts";
import { credentialsCheck } from "./checks/credentials.ts";
import { engineCheck } from "./checks/engine.ts";
import { modeChecks } from "./checks/modes.ts";
import { norceChecks } from "./checks/norce.ts";
import { publicUrlCheck } from "./checks/public-url.ts";
import { registrationChecks } from "./checks/registrations.ts";
import { type Check, runAll } from "./checks.ts";
import type { ConfiguredTarget, DoctorParts, Notes, Tools, Wishes } from "./parts.ts";
import { type Report, reportOf } from "./report.ts";

/** How long a PSP's test webhook is waited for. */
const usualTestMs = 30_000;

/**
 * Asks everybody whether things are as they should be: Norce, the PSPs, the service that runs, and this machine. Nothing is changed but what
 * `fix` and `test` ask for.
 */
export async function examine(parts: DoctorParts, wishes: Wishes = {}): Promise<Report> {
  const tools = toolsOf(parts, wishes);
  const targets = tools.config.targets.filter(isWished(wishes));
  const first: Check[] = [
    ...(isNarrow(wishes)
      ? []
      : [configurationCheck(tools), publicUrlCheck(tools), ...certificateChecks(tools), engineCheck(tools)]),
    ...(wishes.adapter === undefined ? norceChecks(tools, channelsOf(targets)) : []),
    ...targets.flatMap((target) => [credentialsCheck(tools, target), ...registrationChecks(tools, target)]),
  ];
  const found = await runAll(first, parts.longestMs);
  // What the others learned on their way is judged when all of them have ended.
  const judged = await runAll([...modeChecks(tools, targets), clockCheck(tools)], parts.longestMs);
  return reportOf([...found, ...judged]);
}

function toolsOf(
  { config, transport, service, now = Date.now, testMs = usualTestMs }: DoctorParts,
  wishes: Wishes,
): Tools {
  const notes: Notes = { clocks: new Map(), modes: [] };
  const watched = watchingClocks(transport, notes, now);
  const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
  const contexts = createContexts({
    now,
    transport: watched,
    callbackUrl(target, webhook) {
      const adapter = config.adapters.get(target.adapter);
      if (adapter === undefined) throw new Error(`there is no adapter ${target.adapter}`);
      return callbackUrl(maker, adapter, target, webhook);
    },
  });
  return { config, transport: watched, service, now, testMs, contexts, notes, wishes };
}

function isWished({ merchant, channel, adapter }: Wishes): (target: ConfiguredTarget) => boolean {
  return (target) =>
    (merchant ?? target.merchant) === target.merchant &&
    (channel ?? target.channel) === target.channel &&
    (adapter ?? target.adapter.id) === target.adapter.id;
}

/** Who asks for one merchant, channel or adapter asks about that alone. */
function isNarrow({ merchant, channel, adapter }: Wishes): boolean {
  return merchant !== undefined || channel !== undefined || adapter !== undefined;
}

function channelsOf(
  targets: readonly ConfiguredTarget[],
): readonly { readonly merchant: string; readonly channel: string }[] {
  const channels = new Map(
    targets.map(({ merchant, channel }) => [JSON.stringify([merchant, channel]), { merchant, channel }]),
  );
  return [...channels.values()];
}
