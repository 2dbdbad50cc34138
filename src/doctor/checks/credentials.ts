import { type Check } from "../checks.ts";
import { accountOf, type ConfiguredTarget, settingsOf, type Tools } from "../parts.ts";
import { type Found, worstOf } from "../report.ts";
import type { Probe, ProbeResult } from "../../contract/adapter.ts";

const dayMs = 24 * 3_600_000;
/** What ends sooner than this is told. */
const soonMs = 30 * dayMs;

/** Asks the PSP something harmless with each credential of an account. */
export function credentialsCheck(tools: Tools, target: ConfiguredTarget): Check {
  const account = accountOf(target);
  const probe = target.adapter.probe as Probe<unknown> | undefined;
  return {
    check: "credentials",
    ...account,
    peer: account.adapter,
    async run(signal) {
      if (probe === undefined) return { is: "skipped", says: "there is nobody to ask" };
      const results = await probe(tools.contexts(account, target, { signal }));
      for (const { live, says } of results) if (live !== undefined) tools.notes.modes.push({ account, live, says });
      const place = settingsOf(account);
      return [
        worstOf(results.map((result) => foundOf(result, place))),
        ...results.flatMap((one) => ending(one, place, tools.now())),
      ];
    },
  };
}

function foundOf({ is, says }: ProbeResult, place: string): Found {
  if (is === "works") return { is: "fine", says };
  if (is === "refused")
    return { is: "attention", says, todo: `put the right one into ${place}, and let the service read it` };
  return {
    is: "unreachable",
    says,
    todo: `see whether ${place}.apiUrl is right, and whether this machine may call it`,
  };
}

function ending({ expires }: ProbeResult, place: string, now: number): readonly Found[] {
  if (expires === undefined) return [];
  const left = Date.parse(expires) - now;
  const day = expires.slice(0, 10);
  if (left > soonMs) return [{ is: "fine", says: `what proves us there is valid until ${day}` }];
  const says = left > 0 ? `what proves us there ends on ${day}` : `what proves us there ended on ${day}`;
  return [{ is: "attention", says, todo: `have a new certificate made and put it into ${place}` }];
}
