import { setTimeout as pause } from "node:timers/promises";
import type { AskContext, Registered, Registration, Registrations } from "../../contract/adapter.ts";
import { isWorkerError } from "../../lib/errors.ts";
import { callbackUrl } from "../../signatures/urls.ts";
import type { Check } from "../checks.ts";
import { type Account, accountOf, type ConfiguredTarget, settingsOf, type Tools } from "../parts.ts";
import { kinshipOf, type Wanted } from "../registered.ts";
import type { Found } from "../report.ts";
import { tested } from "../test-webhook.ts";

/** The webhooks that are registered at a PSP against those that should be. With `fix` what is missing is registered, and what is wrong repaired. */
export function registrationChecks(tools: Tools, target: ConfiguredTarget): Check[] {
  const account = accountOf(target);
  const registrations = target.adapter.registrations as Registrations<unknown> | undefined;
  if (registrations === undefined) return [];
  return [
    {
      check: "webhooks",
      ...account,
      peer: account.adapter,
      longestMs: (tools.wishes.test === true ? tools.testMs : 0) + 30_000,
      async run(signal) {
        const why = registrations.unavailable?.(target.settings);
        if (why !== undefined) return { is: "skipped", says: why };
        const context = tools.contexts(account, target, { signal });
        const asked: Asked = { tools, target, account, registrations, context };
        const refused = await refusalOf(async () => await listed(asked));
        if (refused !== undefined) return refused;
        const found: Found[] = [];
        for (const webhook of registrations.webhooks) found.push(...(await examined(webhook, asked)));
        return found;
      },
    },
  ];
}

const pauseMs = 500;
const mostTries = 10;

/** A credential that works may still not be allowed to see webhooks; whether it works is asked elsewhere. */
async function refusalOf(list: () => Promise<unknown>): Promise<Found | undefined> {
  try {
    await list();
    return undefined;
  } catch (error) {
    if (!isWorkerError(error, "Unauthorized") && !isWorkerError(error, "Refused")) throw error;
    return {
      is: "skipped",
      says: `the PSP does not show its webhooks to this credential (${String(error.context["status"])})`,
      todo: "give the credential the right to read and write webhooks, or compare them with npm run callback-url by hand",
    };
  }
}

interface Asked {
  readonly tools: Tools;
  readonly target: ConfiguredTarget;
  readonly account: Account;
  readonly registrations: Registrations<unknown>;
  readonly context: AskContext<unknown>;
}

async function examined(webhook: string, asked: Asked): Promise<readonly Found[]> {
  const wanted = wantedOf(webhook, asked);
  let told: Registered["secret"];
  let now = judged(await listed(asked), wanted, asked);
  if (asked.tools.wishes.fix === true && now.remedy !== undefined) {
    told = (await now.remedy()).secret;
    // With settings that the PSP has made old by what it told there is nothing to wait for.
    const again = told === undefined ? await settled(wanted, asked) : judged(await listed(asked), wanted, asked);
    // What was mended is told as such; what still is not is told as it is.
    now =
      again.remedy === undefined && again.right !== undefined
        ? { ...again, found: mended(again.found, now.found) }
        : again;
  }
  if (told !== undefined) return [...now.found, toStore(told, asked.account)];
  if (asked.tools.wishes.test !== true || now.right === undefined) return now.found;
  return [...now.found, await tested(webhook, now.right, asked)];
}

/** What a PSP has only just been told, or has to see answered first (a `Ping` to a new URL), it shows a moment later. */
async function settled(wanted: Wanted, asked: Asked): Promise<Judged> {
  for (let tries = 1; ; tries += 1) {
    const now = judged(await listed(asked), wanted, asked);
    if (now.right !== undefined || tries >= mostTries || asked.context.signal.aborted) return now;
    await pause(pauseMs);
  }
}

function wantedOf(webhook: string, { tools: { config }, target, account }: Asked): Wanted {
  const { adapter } = target;
  const maker = { publicUrl: config.publicUrl, keys: config.signingKeys };
  return {
    target: account,
    webhook,
    url: callbackUrl(maker, adapter, account, webhook),
    keys: config.signingKeys.of("callback", account),
    needsSig: adapter.webhooks[webhook]?.verify.scheme === "signed-url",
  };
}

async function listed({ registrations, context }: Asked): Promise<readonly Registration[]> {
  return await registrations.list(context);
}

/** What is wrong with what is registered, and what would mend it. */
interface Judged {
  readonly found: readonly Found[];
  readonly remedy?: () => Promise<Registered>;
  /** The registration that is as it should be. */
  readonly right?: Registration;
}

function judged(all: readonly Registration[], wanted: Wanted, asked: Asked): Judged {
  const { registrations, context, target } = asked;
  const kin = all.map((registration) => ({ registration, ...kinshipOf(registration, wanted) }));
  const faultOf = (one: Registration): string | undefined =>
    one.active ? registrations.faultOf?.(one, wanted, target.settings) : "it is switched off";
  const ours = kin.filter(({ is }) => is === "ours").map(({ registration }) => registration);
  const right = ours.find((one) => faultOf(one) === undefined);
  const old = kin.filter(({ is }) => is === "old");
  const alike = kin.filter(({ is }) => is === "alike").map(({ registration: { id, url } }) => leftAlone(id, url));
  if (right !== undefined) {
    const found: Found = { is: "fine", says: `${wanted.webhook} is registered (${right.id})` };
    return { right, found: [found, ...old.map(({ registration, why }) => besides(registration, why)), ...alike] };
  }
  const [worse] = [
    ...ours.map((one) => ({ registration: one, why: faultOf(one) })),
    ...old.map(({ registration, why }) => ({ registration, why })),
  ];
  if (worse === undefined) return { ...missing(wanted, asked), found: [...missing(wanted, asked).found, ...alike] };
  const { registration, why = "it is wrong" } = worse;
  const says = `${wanted.webhook} is registered, but ${why} (${registration.id})`;
  const repair = registrations.repair;
  if (repair === undefined) return { found: [{ is: "attention", says, todo: byHand(wanted) }, ...alike] };
  return {
    found: [{ is: "attention", says, todo: withFix }, ...alike],
    remedy: async () => await repair(registration, wanted, context),
  };
}

function missing(wanted: Wanted, { registrations, context }: Asked): Judged {
  const says = `${wanted.webhook} is not registered`;
  const register = registrations.register;
  if (register === undefined) return { found: [{ is: "attention", says, todo: byHand(wanted) }] };
  return {
    found: [{ is: "attention", says, todo: withFix }],
    remedy: async () => await registering(async () => await register(wanted, context)),
  };
}

/** A PSP that refuses to register says why in its code: what it refused is told, and nothing is asked again. */
async function registering(register: () => Promise<Registered>): Promise<Registered> {
  try {
    return await register();
  } catch (error) {
    if (!isWorkerError(error, "Refused")) throw error;
    throw new Error(`the PSP refuses to register it (${String(error.context["code"] ?? error.context["status"])})`, {
      cause: error,
    });
  }
}

const withFix = "npm run doctor -- --fix registers it as it should be";

function byHand({ url }: Wanted): string {
  return `register ${withoutSig(url)} in the PSP's portal; npm run callback-url prints it with its sig`;
}

function withoutSig(url: string): string {
  return url.replace(/([?&])sig=[^&]*&?/, "$1").replace(/[?&]$/, "");
}

function mended(now: readonly Found[], before: readonly Found[]): readonly Found[] {
  const was = before[0]?.says ?? "";
  return now.map((found, index) => (index === 0 ? { ...found, says: `${found.says}; before, ${was}` } : found));
}

function besides({ id, url }: Registration, why = ""): Found {
  return {
    is: "attention",
    says: `an older registration stands beside it: ${why} (${id})`,
    todo: `delete ${id} at the PSP where ${new URL(url).origin} is used no longer`,
  };
}

function leftAlone(id: string, url: string): Found {
  return {
    is: "skipped",
    says: `${id} has our path at ${new URL(url).origin}, but is not signed by our keys: it is left alone`,
    todo: "delete it at the PSP where it is an old one of ours",
  };
}

function toStore({ setting, value }: NonNullable<Registered["secret"]>, account: Account): Found {
  const path = `${settingsOf(account)}.${setting}`;
  return {
    is: "attention",
    says: `the PSP told a new ${setting}, and tells it only once`,
    todo: `put it into ${path}, in front of what stands there, and let the service read it`,
    told: { setting: path, value },
  };
}
