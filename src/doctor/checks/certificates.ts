import { certificateAt, type ServerAddress } from "../certificate.ts";
import type { Check } from "../checks.ts";
import type { Tools } from "../parts.ts";
import type { Found } from "../report.ts";
import type { Config } from "../../config.ts";
import { dayOf } from "../../lib/time.ts";

const dayMs = 24 * 3_600_000;
/** What ends sooner than this is told: whoever renews certificates by themselves does so earlier. */
const soonMs = 14 * dayMs;

/** A server of ours that shows a certificate. */
interface Shown extends ServerAddress {
  /** Which setting names it. */
  readonly setting: string;
}

/** The certificates of our own servers: the one at `PUBLIC_URL`, and the queue's where it is reached over TLS. */
export function certificateChecks({ config, now }: Tools): Check[] {
  return shownIn(config).map((shown) => ({
    check: `certificate of ${shown.setting}`,
    peer: `${shown.host}:${shown.port}`,
    run: async (signal) => {
      try {
        return judged(await certificateAt(shown, signal), shown, now());
      } catch (error) {
        // Behind a proxy it cannot be seen from here, and whoever cannot be reached is told of elsewhere.
        return { is: "skipped", says: `it cannot be seen from here (${codeOf(error)})` };
      }
    },
  }));
}

function judged(
  { ends, distrusted }: { readonly ends: number; readonly distrusted?: string | undefined },
  { setting, ca }: Shown,
  now: number,
): Found {
  const day = dayOf(ends);
  if (ends <= now) return { is: "attention", says: `it ended on ${day}`, todo: `renew the certificate of ${setting}` };
  if (distrusted !== undefined)
    return {
      is: "attention",
      says: `it is not trusted (${distrusted})`,
      todo:
        setting === "PUBLIC_URL"
          ? "give it one of an authority that PSPs know, with its whole chain"
          : ca === undefined
            ? "put the authority's certificates into QUEUE_CA_FILE"
            : "put the certificates of the right authority into QUEUE_CA_FILE",
    };
  if (ends - now > soonMs) return { is: "fine", says: `it is valid until ${day}` };
  return { is: "attention", says: `it ends on ${day}`, todo: `renew the certificate of ${setting}` };
}

function shownIn({ publicUrl, redisUrl, queueUrl, queueTls }: Config): readonly Shown[] {
  const trusted = queueTls.ca === undefined ? {} : { ca: queueTls.ca };
  const web = URL.parse(publicUrl);
  const redis = (redisUrl ?? "").split(",").flatMap((url) => URL.parse(url.trim()) ?? []);
  const postgres = URL.parse(queueUrl ?? "");
  const mode = postgres?.searchParams.get("sslmode") ?? (queueTls.ca === undefined ? "disable" : "verify-full");
  return [
    ...(web?.protocol === "https:" ? [{ setting: "PUBLIC_URL", ...placeOf(web, 443) }] : []),
    ...redis
      .filter(({ protocol }) => protocol === "rediss:" && !queueTls.insecure)
      .map((url) => ({ setting: "REDIS_URL", ...placeOf(url, 6_379), ...trusted })),
    ...(postgres !== null && !["disable", "no-verify"].includes(mode) && !queueTls.insecure
      ? [{ setting: "QUEUE_URL", ...placeOf(postgres, 5_432), ...trusted, postgres: true }]
      : []),
  ];
}

function placeOf({ hostname, port }: URL, usual: number): { readonly host: string; readonly port: number } {
  return { host: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port || usual) };
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error) return String(error.code);
  return error instanceof Error ? error.message : String(error);
}
